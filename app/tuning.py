"""`pagelens tune`: how much smaller and faster an index gets, and what that costs in recall.

The corpus is indexed once with whole vectors, which `pagelens compare` keeps, too; all else is made
of these vectors in embedded indexes that are thrown away.
"""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from app.compare import index_corpus, make_variant_settings
from app.compare_cache import find_kept
from app.comparison import check_questions
from app.encoders import NONE
from app.library import Library
from app.question_run import measure_index, name_corpus
from app.settings import Settings
from app.training_pages import list_whole_pages
from app.tuned import Stage, StoredAs, Tried, Tuning, recommend
from app.tuning_stages import CellStage, FirstStage, make_muvera_stage, make_pooled_stage
from app.variants import Variant
from ingest.progress import OnProgress, Progress
from retrieval.bootstrap import estimate_difference, estimate_mean
from retrieval.encoders.pooling import pool_embedding
from retrieval.errors import InvalidEvaluationSet
from retrieval.evaluation import DEPTH, EvaluationSet, measure_questions
from retrieval.index.base import IndexedPage, IndexLayout, VectorStorage
from retrieval.index.cells import fit_codebook
from retrieval.index.edge import EdgeIndex
from retrieval.index.filters import list_clauses
from retrieval.index.first_stage import sample_vectors
from retrieval.index.points import PAGE, build_points
from retrieval.index.stored import Nearest
from retrieval.records import Kind, PageEmbedding, QueryEmbedding
from retrieval.search import Mode

POOL_FACTORS = (1, 2, 3)
OTHER_STAGES = {Stage.MUVERA: make_muvera_stage, Stage.POOLED: make_pooled_stage}
PREFETCH_PAGES = (20, 50, 100, 200, 500, 1_000, 2_000, 5_000)

BATCH_PAGES = 64

# Of fewer, nearly all are among the ten best.
LEAST_PAGES = 20
CRITERION = "ndcg@10"

PageKey = tuple[str, int]

# The vectors of pages, in the same order.
ReadVectors = Callable[[Sequence[PageKey]], Sequence[PageEmbedding | None]]


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found: pages with their scores, best first, and how long it took."""

    pages: tuple[tuple[PageKey, float], ...]
    seconds: float


def tune_index(
    title: str,
    evaluation_set: EvaluationSet,
    model: str,
    settings: Settings,
    cache: Path,
    on_progress: OnProgress,
    *,
    least_recall: float,
    most_pages: int | None = None,
) -> Tuning:
    """Measures ways to store and search the vectors of a corpus by its questions.

    Args:
        title: what the set is called.
        evaluation_set: the corpus, the questions, and which pages are relevant.
        model: the encoder of pages.
        settings: how it runs; its library is not touched.
        cache: the folder in which the corpus, indexed, is kept.
        on_progress: called as pages are indexed and copied, and questions asked.
        least_recall: what the recommended settings are to find, 0 to 1.
        most_pages: takes a sample of so many, and of those that questions ask for; None for all.

    Raises:
        InvalidEvaluationSet: there are too few questions or pages.
    """
    started, made_at = time.perf_counter(), datetime.now().astimezone()
    check_questions(evaluation_set)
    names = name_corpus(evaluation_set.corpus)
    variant = Variant(model, (), 1, VectorStorage.FLOAT16.value, Mode.VISUAL, NONE)
    kept = find_kept(cache, names, variant, settings)
    own = make_variant_settings(settings, variant, kept.library)
    if kept.read_index() is None:
        # It has no text models: vendors get nothing of it.
        kept.write_index(index_corpus(evaluation_set.corpus, own, on_progress, []))
    with Library(own) as library, tempfile.TemporaryDirectory(prefix="pagelens-tune-") as scratch:
        whole = sorted(page for page in list_whole_pages(library) if page[0] in names)
        pages = sample_pages(whole, evaluation_set, names, most_pages)
        bench = Bench(evaluation_set, names, pages, library, Path(scratch), on_progress)
        tried = tuple(bench.try_all())
    return Tuning(
        title=title,
        model=model,
        n_questions=len(evaluation_set.questions),
        n_pages=len(whole),
        n_tried=bench.n_pages,
        tried=tried,
        recommended=recommend(tried, len(whole), bench.n_pages, least_recall),
        least_recall=least_recall,
        made_at=made_at,
        seconds=time.perf_counter() - started,
    )


def sample_pages(
    pages: Sequence[PageKey],
    evaluation_set: EvaluationSet,
    names: Mapping[str, str],
    most_pages: int | None,
) -> list[PageKey]:
    """At most so many of the pages, but all that a question asks for."""
    if most_pages is None or len(pages) <= most_pages:
        return list(pages)
    relevant = {page for judged in evaluation_set.qrels.values() for page in judged}
    asked = {page for page in pages if (names[page[0]], page[1] + 1) in relevant}
    others = [page for page in pages if page not in asked]
    # Seeded, so that two runs on one corpus compare.
    n_others = min(len(others), max(0, most_pages - len(asked)))
    return sorted(asked | set(random.Random(0).sample(others, n_others)))


class Bench:
    """Makes index after index of the same vectors, and asks each the same questions."""

    def __init__(
        self,
        evaluation_set: EvaluationSet,
        names: Mapping[str, str],
        pages: Sequence[PageKey],
        library: Library,
        scratch: Path,
        on_progress: OnProgress,
    ) -> None:
        self._set = evaluation_set
        self._names = names
        self._library = library
        self._scratch = scratch
        self._on_progress = on_progress
        self._dim = library.encoder.spec.dim
        self._pages = self._keep_those_with_vectors(pages)
        if len(self._pages) < LEAST_PAGES:
            raise InvalidEvaluationSet(
                f"tuning takes {LEAST_PAGES} pages or more that the encoder reads, and there are "
                f"{len(self._pages):,}: the ten best of so few say nothing"
            )
        self._queries = [
            library.encoder.encode_query(question.text) for question in evaluation_set.questions
        ]
        self._depths = [n for n in PREFETCH_PAGES if n < len(self._pages)]
        n_ours, n_others = len(POOL_FACTORS) * len(VectorStorage), len(OTHER_STAGES)
        self._totals = {
            "copying": len(self._pages) * (len(POOL_FACTORS) + n_ours + n_others),
            "searching": len(self._queries)
            * (n_ours * (1 + len(self._depths)) + n_others * len(self._depths)),
        }
        self._done = Counter[str]()
        self._empty: dict[Stage, int] = {}
        self._truth: list[frozenset[PageKey]] = []
        self._reference: list[float] = []

    @property
    def n_pages(self) -> int:
        """How many pages there are to be found."""
        return len(self._pages)

    def try_all(self) -> Iterator[Tried]:
        """Measures every way; the first is whole vectors, searched exactly."""
        for factor in POOL_FACTORS:
            read = self._library.read_vectors_of if factor == 1 else self._pool_by(factor)
            source = StoredAs(factor, VectorStorage.FLOAT16, Stage.CELLS)
            folder = self._write(source, read, None)
            with self._open(folder, source) as index:
                cells = CellStage(fit_codebook(sample_vectors(index, self._pages)))
                ways: list[tuple[StoredAs, FirstStage]] = [
                    (StoredAs(factor, storage, Stage.CELLS), cells) for storage in VectorStorage
                ]
                if factor == 1:
                    ways += [
                        (StoredAs(1, VectorStorage.FLOAT16, name), make(self._dim))
                        for name, make in OTHER_STAGES.items()
                    ]
                for stored, stage in ways:
                    copied = self._write(stored, index.fetch, stage)
                    yield from self._measure(stored, copied, stage)
                    _remove(copied)
            _remove(folder)

    def _keep_those_with_vectors(self, pages: Sequence[PageKey]) -> list[PageKey]:
        """Photos, and pages on which the encoder found nothing, have none."""
        return [
            page
            for batch in _batches(pages)
            for page, found in zip(batch, self._library.read_vectors_of(batch), strict=True)
            if found is not None and len(found.vectors)
        ]

    def _pool_by(self, factor: int) -> ReadVectors:
        def read(pages: Sequence[PageKey]) -> list[PageEmbedding | None]:
            return [
                found and pool_embedding(found, factor)
                for found in self._library.read_vectors_of(pages)
            ]

        return read

    def _write(self, stored: StoredAs, read: ReadVectors, stage: FirstStage | None) -> Path:
        """Writes an index of all pages, and what a first stage stores of them."""
        folder = self._scratch / (stored.name if stage is not None else "source")
        added_at = datetime.now().astimezone()
        with self._open(folder, stored, stage) as index:
            for batch in _batches(self._pages):
                embeddings = [found for found in read(batch) if found is not None]
                indexed = [
                    IndexedPage(id_, self._names[id_], number, Kind.PAGE, added_at, embedding)
                    for (id_, number), embedding in zip(batch, embeddings, strict=True)
                ]
                points = build_points(indexed, self._layout(stored, stage), None)
                if stage is not None:
                    points = [
                        stage.store(point, embedding.vectors)
                        for point, embedding in zip(points, embeddings, strict=True)
                    ]
                index.write_points(points)
                self._report("copying", len(batch), stored)
            index.optimize()
        return folder

    def _measure(self, stored: StoredAs, folder: Path, stage: FirstStage) -> Iterator[Tried]:
        n_bytes = self._measure_size(folder, stored, stage)
        # A first stage that Pagelens does not have changes nothing in an exact search.
        ways: list[int | None] = [None] if stored.stage is Stage.CELLS else []
        ways += self._depths
        with self._open(folder, stored, stage) as index:
            # What only the first search reads from the disk is no time of a search.
            self._search(index, stage, self._queries[0], None)
            for n_pages in ways:
                found = []
                for query in self._queries:
                    found.append(self._search(index, stage, query, n_pages))
                    self._report("searching", 1, stored)
                yield self._judge(stored, n_pages, found, n_bytes)

    def _search(
        self, index: EdgeIndex, stage: FirstStage, query: QueryEmbedding, n_pages: int | None
    ) -> Found:
        started = time.perf_counter()
        prefetch = None if n_pages is None else stage.ask(query.vectors, n_pages)
        asked = Nearest(query.vectors.tolist(), PAGE, DEPTH, list_clauses(having=PAGE), prefetch)
        found = index.find(asked)
        seconds = time.perf_counter() - started
        return Found(tuple(((it.document_id, it.page_index), it.score) for it in found), seconds)

    def _judge(
        self, stored: StoredAs, n_pages: int | None, found: Sequence[Found], n_bytes: int
    ) -> Tried:
        if not self._truth:
            self._truth = [frozenset(page for page, _ in each.pages) for each in found]
        recalls = [
            sum(page in truth for page, _ in each.pages) / max(len(truth), 1)
            for each, truth in zip(found, self._truth, strict=True)
        ]
        ids = [question.id for question in self._set.questions]
        run = {
            id_: [((self._names[doc], number + 1), score) for (doc, number), score in each.pages]
            for id_, each in zip(ids, found, strict=True)
        }
        scores = measure_questions(self._set.qrels, run, ids)
        values = [scores[id_][CRITERION] for id_ in ids]
        difference = estimate_difference(values, self._reference) if self._reference else None
        self._reference = self._reference or values
        p50, p95 = np.percentile([1000 * each.seconds for each in found], [50, 95])
        return Tried(
            stored=stored,
            prefetch_pages=n_pages,
            recall=estimate_mean(recalls),
            ndcg=estimate_mean(values),
            difference=difference,
            p50_ms=float(p50),
            p95_ms=float(p95),
            index_bytes=n_bytes,
        )

    def _measure_size(self, folder: Path, stored: StoredAs, stage: FirstStage) -> int:
        """What the pages take, without what an empty index does."""
        if stored.stage not in self._empty:
            empty = self._scratch / "empty"
            with self._open(empty, stored, stage):
                pass
            self._empty[stored.stage] = _count_bytes(empty)
            _remove(empty)
        return _count_bytes(folder) - self._empty[stored.stage]

    def _report(self, stage: str, n: int, stored: StoredAs) -> None:
        self._done[stage] += n
        self._on_progress(Progress(stage, self._done[stage], self._totals[stage], stored.name))

    def _layout(self, stored: StoredAs, stage: FirstStage | None) -> IndexLayout:
        spaces = stage.spaces if stage is not None else ()
        return IndexLayout(self._dim, "tune", stored.storage, spaces)

    @contextmanager
    def _open(
        self, folder: Path, stored: StoredAs, stage: FirstStage | None = None
    ) -> Iterator[EdgeIndex]:
        with closing(EdgeIndex(folder, self._layout(stored, stage))) as index:
            yield index


def _batches(pages: Sequence[PageKey]) -> Iterator[Sequence[PageKey]]:
    for start in range(0, len(pages), BATCH_PAGES):
        yield pages[start : start + BATCH_PAGES]


def _count_bytes(folder: Path) -> int:
    size = measure_index(folder)
    assert size is not None, "it was just written"
    return size.index_bytes


def _remove(folder: Path) -> None:
    shutil.rmtree(folder)
