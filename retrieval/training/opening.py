"""Which way a model is trained, by its name; and the learner that does it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from retrieval.admission import admit_model
from retrieval.encoders.base import EncoderSpec, Family
from retrieval.encoders.catalog import MINILM_LAYOUT, find_spec
from retrieval.encoders.devices import AUTO, place_model
from retrieval.encoders.hub import Checkpoint, locate_checkpoint
from retrieval.encoders.opening import (
    ARCHITECTURES,
    EncoderOptions,
    describe_checkpoint,
    looks_like_hub_id,
    read_family,
)
from retrieval.errors import InvalidTraining, NotTrainable
from retrieval.matryoshka import read_name
from retrieval.model_spec import names_folder
from retrieval.text_encoders.base import TextEncoderSpec, TextFamily
from retrieval.text_encoders.catalog import MINILM_DENSE, TEXT_CATALOG, find_text_spec
from retrieval.text_encoders.description import read_text_family
from retrieval.training.card import name_base
from retrieval.training.options import TrainingOptions
from retrieval.training.records import Learner, OnStep, PageKey, ReadPage

# Families of colpali-engine, whose adapters peft trains.
LORA_FAMILIES = (Family.COLPALI, Family.COLQWEN2, Family.COLQWEN2_5, Family.COLIDEFICS3)


class Way(str, Enum):
    """How a model is trained."""

    HEAD = "head"
    LORA = "lora"
    DENSE = "dense"


@dataclass(frozen=True, slots=True)
class Trainee:
    """A model that can be trained.

    Attributes:
        name: as it is asked for.
        checkpoint: its files; None for the embedded encoder.
        spec: its entry; None for an encoder of text that the catalog lacks.
    """

    name: str
    way: Way
    checkpoint: Checkpoint | None
    spec: EncoderSpec | TextEncoderSpec | None

    @property
    def revision(self) -> str:
        """Of its weights."""
        if self.checkpoint:
            return self.checkpoint.revision
        return self.spec.revision if self.spec else ""

    @property
    def reads_pages(self) -> bool:
        """Whether it is an encoder of pages, which the library's index is made with."""
        return self.way != Way.DENSE


def find_trainee(name: str) -> Trainee:
    """Finds a model, and how it is trained; loads no weights.

    Args:
        name: a catalog id, a hub id or a folder.

    Raises:
        NotTrainable: it is of another kind.
        UnknownEncoder, HubUnreachable, WeightsRefused: as `locate_checkpoint`.
    """
    # A prefix of its vectors that a library keeps is no other model.
    name, _ = read_name(name)
    if name == MINILM_LAYOUT.id:
        return Trainee(name, Way.HEAD, None, MINILM_LAYOUT)
    if name == MINILM_DENSE.id:
        from retrieval.encoders.minilm_layout import locate_weights

        weights = Checkpoint(name, locate_weights(), MINILM_DENSE.revision)
        return Trainee(name, Way.DENSE, weights, MINILM_DENSE)
    known = find_spec(name) or find_text_spec(name)
    if known is not None and known.is_hosted:
        raise NotTrainable(f"{name} runs at a vendor")
    page_spec = find_spec(name)
    if page_spec is not None and page_spec.family not in LORA_FAMILIES:
        raise _refuse_native(name)
    if known is None and not names_folder(name) and not looks_like_hub_id(name):
        raise NotTrainable(f"{name} is no model of pages or text whose weights are at hand")
    checkpoint = locate_checkpoint(name, known.revision if known else "main")
    architectures = checkpoint.config.get("architectures") or []
    if any(architecture in ARCHITECTURES for architecture in architectures):
        family = read_family(checkpoint)
        spec = find_spec(name) or describe_checkpoint(checkpoint, family)
        if family == Family.MINILM_LAYOUT:
            return Trainee(name, Way.HEAD, checkpoint, spec)
        if family in LORA_FAMILIES:
            return Trainee(name, Way.LORA, checkpoint, spec)
        raise _refuse_native(name)
    kind = read_text_family(checkpoint)
    if kind != TextFamily.SENTENCE_TRANSFORMER:
        raise NotTrainable(f"{name} is an encoder of text of the family {kind.value}, not dense")
    return Trainee(name, Way.DENSE, checkpoint, find_text_spec(name))


def _refuse_native(name: str) -> NotTrainable:
    return NotTrainable(
        f"{name} is in the form of transformers; the same model in colpali-engine's form, such as "
        "vidore/colqwen2-v1.0, is trained"
    )


def open_learner(
    trainee: Trainee,
    options: TrainingOptions,
    run: EncoderOptions,
    *,
    questions: Sequence[str],
    pages: Sequence[PageKey],
    read_page: ReadPage,
    scratch: Path,
    on_page: OnStep,
) -> Learner:
    """Loads a model to be trained.

    Args:
        trainee: which.
        options: how it is trained.
        run: where it runs.
        questions: every text that it will be asked for.
        pages: every page that it will be asked for.
        read_page: gives a page its words, and its picture for a model of pictures.
        scratch: a folder that it may fill.
        on_page: called as pages are encoded that are encoded once.

    Raises:
        LicenceRefused, ModelNotOpenable: see `retrieval.admission`.
        InvalidTraining: a Matryoshka dimension is not shorter than its vectors.
        WeightsRefused: weights are missing or unexpected, or cannot be read.
        InvalidSetting: a device, dtype or attention that this machine lacks.
    """
    checkpoint, spec = trainee.checkpoint, trainee.spec
    if spec is not None:
        check_prefixes(trainee.name, spec.dim, options)
    if trainee.way == Way.HEAD:
        from retrieval.encoders.minilm_head import embedded_head, load_head
        from retrieval.training.heads import HeadLearner

        assert isinstance(spec, EncoderSpec), "an encoder of pages has an entry"
        head = load_head(checkpoint, spec) if checkpoint else embedded_head()
        return HeadLearner(head, questions, pages, read_page, options, scratch, on_page)
    assert checkpoint is not None, "only the embedded encoder of pages has no checkpoint"
    if isinstance(spec, EncoderSpec):
        from retrieval.training.colpali import LoraLearner

        return LoraLearner(
            checkpoint,
            spec.family,
            spec,
            place_model(run.device, run.dtype, run.attention),
            read_page,
            options,
        )
    from retrieval.training.dense import DenseLearner

    base = find_text_spec(name_base(trainee.name))
    admit_model(trainee.name, base, TEXT_CATALOG, commercial=run.commercial)
    placement = place_model(run.device, "float32", AUTO)
    learner = DenseLearner(checkpoint, spec, placement, read_page, options)
    check_prefixes(trainee.name, learner.dim, options)
    return learner


def check_prefixes(name: str, dim: int, options: TrainingOptions) -> None:
    """Refuses Matryoshka prefixes that are no prefixes.

    Raises:
        InvalidTraining: one is not shorter than the vectors of the model.
    """
    wrong = [prefix for prefix in options.matryoshka_dims if not 0 < prefix < dim]
    if wrong:
        raise InvalidTraining(
            f"the vectors of {name} have {dim} dimensions: Matryoshka prefixes are shorter, "
            f"not {', '.join(map(str, wrong))}"
        )
