"""What comparisons keep, so that the next one indexes and asks only what is new.

A folder for each way to index a corpus holds a library, and a folder for each way to ask it holds
the answers. Their names are hashes of all that changes what is inside, the code included: what is
kept is never stale.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path
from pydantic import TypeAdapter, ValidationError

from app.question_run import Ranking
from app.settings import Settings
from app.sound_models import choose_sounds
from app.variants import Variant
from ingest.files import write_whole
from retrieval.encoders.devices import AUTO
from retrieval.encoders.opening import choose_photo_encoder
from retrieval.matryoshka import read_name

LIBRARY = "library"
INDEX = "index.json"
MODELS = "models.json"
ANSWERS = "answers.jsonl"

KEY_CHARACTERS = 16

# The code that makes an index, and the code that answers questions with it.
ROOT = Path(__file__).parents[1]
INDEXING_CODE = ("ingest", "retrieval/encoders", "retrieval/text_encoders", "retrieval/index")
ANSWERING_CODE = ("retrieval", "app/searching.py", "app/encoders.py")


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What is said of a model that took part.

    Attributes:
        usd_per_million_tokens: the list price of a hosted one; None for weights that run here.
    """

    id: str
    licence: str
    commercial_use: bool
    usd_per_million_tokens: float | None


@dataclass(frozen=True, slots=True)
class IndexFacts:
    """How a corpus was indexed.

    Attributes:
        n_pages: photos among them.
        pages_per_second: None where an earlier run that was cut off had indexed all.
        index_bytes: vectors and words, without the log.
        encoder: its key.
        refused: (file, why) of those that were not taken, or not wholly.
    """

    n_pages: int
    pages_per_second: float | None
    index_bytes: int
    encoder: str
    refused: tuple[tuple[str, str], ...]

    @property
    def bytes_per_page(self) -> float:
        """What a page takes in the index."""
        return self.index_bytes / max(self.n_pages, 1)


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """A line of the file of answers."""

    question: str
    ranking: Ranking


INDEX_FACTS = TypeAdapter(IndexFacts)
MODEL_FACTS = TypeAdapter(tuple[ModelFacts, ...])
KEPT_ANSWER = TypeAdapter(KeptAnswer)


@dataclass(frozen=True, slots=True)
class KeptVariant:
    """What is kept of one variant over one corpus.

    Attributes:
        folder: of its index; variants that differ only in how they ask share it.
        answers_folder: of its answers, inside of it.
    """

    folder: Path
    answers_folder: Path

    @property
    def library(self) -> Path:
        """The library folder that holds the corpus."""
        return self.folder / LIBRARY

    def read_index(self) -> IndexFacts | None:
        """How the corpus was indexed; None unless all of it was."""
        path = self.folder / INDEX
        return INDEX_FACTS.validate_json(path.read_bytes()) if path.exists() else None

    def write_index(self, facts: IndexFacts) -> None:
        """Says that all of the corpus is indexed."""
        with write_whole(self.folder / INDEX) as part:
            part.write_bytes(INDEX_FACTS.dump_json(facts))

    def read_models(self) -> tuple[ModelFacts, ...] | None:
        """The models that took part; None before they were opened."""
        path = self.answers_folder / MODELS
        return MODEL_FACTS.validate_json(path.read_bytes()) if path.exists() else None

    def write_models(self, models: tuple[ModelFacts, ...]) -> None:
        """Keeps what is said of the models, so that they need not be opened for it."""
        with write_whole(self.answers_folder / MODELS) as part:
            part.write_bytes(MODEL_FACTS.dump_json(models))

    def read_answers(self) -> dict[str, Ranking]:
        """Question -> what was found for it."""
        path = self.answers_folder / ANSWERS
        found: dict[str, Ranking] = {}
        for line in path.read_bytes().splitlines() if path.exists() else ():
            try:
                answer = KEPT_ANSWER.validate_json(line)
            except ValidationError:
                # The process was ended while it wrote: the question is asked again.
                continue
            found[answer.question] = answer.ranking
        return found

    def add_answer(self, question: str, ranking: Ranking) -> None:
        """Keeps an answer as soon as it is there."""
        self.answers_folder.mkdir(parents=True, exist_ok=True)
        with (self.answers_folder / ANSWERS).open("ab") as file:
            file.write(KEPT_ANSWER.dump_json(KeptAnswer(question, ranking)) + b"\n")


def find_cache() -> Path:
    """The folder of all comparisons, where no other is named."""
    return user_cache_path("pagelens") / "compare"


def find_kept(
    cache: Path, documents: Iterable[str], variant: Variant, settings: Settings
) -> KeptVariant:
    """Where a variant over a corpus is kept, or will be.

    Args:
        cache: the folder of all comparisons.
        documents: ids of the corpus's documents.
        variant: which way to search.
        settings: how models run, and the encoders of photos and sounds.
    """
    photo_model = settings.photo_model
    sounds = choose_sounds(settings.sound_model, None)
    index_key = _hash(
        sorted(documents),
        describe_model(variant.model),
        describe_model(choose_photo_encoder().name if photo_model == AUTO else photo_model),
        describe_model(sounds.name) if sounds is not None else None,
        [describe_model(name) for name in variant.text_models],
        variant.pool_factor,
        variant.vector_storage,
        settings.device,
        settings.dtype,
        settings.attention,
        hash_code(INDEXING_CODE),
    )
    answers_key = _hash(
        variant.mode.value, describe_model(variant.reranker), hash_code(ANSWERING_CODE)
    )
    folder = cache / index_key
    return KeptVariant(folder, folder / answers_key)


def describe_model(name: str) -> object:
    """A name that stands for the same weights: a folder's files may be others by tomorrow."""
    model = read_name(name)
    folder = Path(model.name)
    if not folder.is_dir():
        return name
    stats = [(path, path.stat()) for path in sorted(folder.rglob("*")) if path.is_file()]
    files = [(str(path.relative_to(folder)), it.st_size, it.st_mtime_ns) for path, it in stats]
    return [str(model.resolve()), files]


def hash_code(parts: Iterable[str]) -> str:
    """A hash of the source of these folders and modules."""
    digest = hashlib.sha256()
    for part in parts:
        path = ROOT / part
        for module in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(module.read_bytes())
    return digest.hexdigest()


def _hash(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:KEY_CHARACTERS]
