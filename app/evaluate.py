"""`pagelens evaluate`: how well an evaluation set's corpus, or a library, is searched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.library import Library
from app.question_run import ask_question, measure_index, name_corpus
from app.settings import Settings
from app.space_comparison import judge_by_ids
from ingest.progress import IngestReport, OnProgress, Progress
from ingest.sources import Refusal
from retrieval.evaluation import (
    JudgedQuestions,
    PageName,
    load_evaluation_set,
    measure_run,
)
from retrieval.index.base import ALL_PAGES, PageFilter
from retrieval.page_fusion import Ranking
from retrieval.records import TextSource
from retrieval.search import Mode

# The whole search, beside what it is made of.
SEARCH = "search"


@dataclass(frozen=True, slots=True)
class Measured:
    """How well and how fast one way to search answered all questions.

    Attributes:
        metrics: averages over all questions.
        split: the same for questions whose relevant pages have a text layer ("text-layer") and for
            those whose pages were read by OCR ("scanned"); with the number of questions.
        ms_per_query: mean time of a search with its evidence.
    """

    metrics: dict[str, float]
    split: dict[str, tuple[int, dict[str, float]]]
    ms_per_query: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was measured.

    Attributes:
        search: of the search as people get it.
        stages: of each of its parts, if that was asked for; a channel is called by its name.
        pages_per_second: pages indexed by this run, previews included; None if none was.
        bytes_per_page: size of the vector index, without its log; None where a Qdrant server
            holds it.
        log_bytes: size of the write-ahead log, which does not grow with the library; or None.
    """

    search: Measured
    stages: dict[str, Measured]
    n_pages: int
    pages_per_second: float | None
    bytes_per_page: float | None
    log_bytes: int | None
    encoder: str
    text_encoders: tuple[str, ...]
    reranker: str | None
    failed: tuple[Refusal, ...]


def evaluate_folder(
    folder: Path, settings: Settings, on_progress: OnProgress, *, with_stages: bool = False
) -> Evaluation:
    """Ingests `corpus/` into the library of `settings` and asks every question.

    Args:
        folder: the evaluation set.
        settings: which library, encoder and reranker.
        on_progress: called as pages are indexed and questions asked.
        with_stages: whether each stage of a search is asked every question, too.

    Raises:
        InvalidEvaluationSet: the folder is not an evaluation set.
    """
    evaluation_set = load_evaluation_set(folder)
    with Library(settings) as library:
        report = library.ingest([evaluation_set.corpus], on_progress)
        names = name_corpus(evaluation_set.corpus)
        where = PageFilter(documents=frozenset(names))
        asked = _ask_all(library, evaluation_set, names, where, on_progress, with_stages)
    return _describe(asked, report)


def evaluate_library(
    settings: Settings, on_progress: OnProgress, *, with_stages: bool = False
) -> Evaluation:
    """Asks a library its own checked questions, among all that it holds.

    Args:
        settings: which library and reranker.
        on_progress: called as questions are asked.
        with_stages: whether each stage of a search is asked every question, too.

    Raises:
        NoQuestions: it has none that one of its pages answers.
    """
    with Library(settings) as library:
        judged = judge_by_ids(library.require_judged_questions())
        # Names may be those of several documents; ids are not.
        names = {d.document_id: d.document_id for d in library.list_documents()}
        asked = _ask_all(library, judged, names, ALL_PAGES, on_progress, with_stages)
    return _describe(asked, None)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What came of asking every question in every way."""

    measured: dict[str, Measured]
    n_pages: int
    encoder: str
    text_encoders: tuple[str, ...]
    reranker: str | None
    index_folder: Path


def _ask_all(
    library: Library,
    judged: JudgedQuestions,
    names: Mapping[str, str],
    where: PageFilter,
    on_progress: OnProgress,
    with_stages: bool,
) -> _Asked:
    """Asks every question of pages whose documents are judged by these names."""
    text_sources = {
        (names[document_id], index + 1): source
        for document_id in names
        for index, source in library.list_text_sources(document_id).items()
    }
    parts = split_questions(judged, text_sources)
    ways = {SEARCH: {}, **(list_stages(library) if with_stages else {})}
    measured: dict[str, Measured] = {}
    for number, (name, options) in enumerate(ways.items()):
        run, seconds = {}, 0.0
        for done, question in enumerate(judged.questions, 1):
            ranking = ask_question(library, question.text, where, **options)
            seconds += ranking.seconds
            run[question.id] = ranking.name_pages(names)
            total = len(ways) * len(judged.questions)
            asked = number * len(judged.questions) + done
            on_progress(Progress("searching", asked, total, ""))
        measured[name] = measure_parts(judged, run, parts, seconds)
    reranker = library.encoders.choose_reranker()
    return _Asked(
        measured,
        len(text_sources),
        library.encoder.key,
        library.encoders.texts.keys,
        reranker.name if reranker else None,
        library.index_folder,
    )


def _describe(asked: _Asked, report: IngestReport | None) -> Evaluation:
    """The evaluation of a library that is closed: that gives back what its index reserves."""
    size = measure_index(asked.index_folder)
    speed = None
    if report is not None and report.pages:
        speed = report.pages / report.indexing_seconds
    return Evaluation(
        search=asked.measured[SEARCH],
        stages={name: part for name, part in asked.measured.items() if name != SEARCH},
        n_pages=asked.n_pages,
        pages_per_second=speed,
        bytes_per_page=None if size is None else size.index_bytes / max(asked.n_pages, 1),
        log_bytes=None if size is None else size.log_bytes,
        encoder=asked.encoder,
        text_encoders=asked.text_encoders,
        reranker=asked.reranker,
        failed=report.failed if report is not None else (),
    )


def list_stages(library: Library) -> dict[str, dict[str, Any]]:
    """What a search of a library is made of: what it is called, and how that alone is searched."""
    channels = [Ranking(space.channel.value) for space in library.encoders.texts.spaces]
    return {
        "BM25": {"mode": Mode.TEXT, "only": Ranking.BM25, "rerank": False},
        "MaxSim": {"mode": Mode.VISUAL},
        **{
            channel.value: {"mode": Mode.TEXT, "only": channel, "rerank": False}
            for channel in channels
        },
        "fusion": {"rerank": False},
        "fusion + reranker": {},
    }


def split_questions(
    judged: JudgedQuestions, text_sources: Mapping[PageName, str]
) -> dict[str, list[str]]:
    """The questions whose relevant pages have a text layer, and those whose pages are scans."""
    split: dict[str, list[str]] = {"text-layer": [], "scanned": []}
    for question in judged.questions:
        relevant = judged.qrels[question.id]
        on_text = any(text_sources.get(p) == TextSource.TEXT_LAYER.value for p in relevant)
        split["text-layer" if on_text else "scanned"].append(question.id)
    return split


def measure_parts(
    judged: JudgedQuestions,
    run: Mapping[str, Sequence[tuple[PageName, float]]],
    parts: Mapping[str, list[str]],
    seconds: float,
) -> Measured:
    """The measures of a run, as a whole and of each part of the questions."""
    qrels = judged.qrels
    return Measured(
        metrics=measure_run(qrels, run, list(run)),
        split={
            part: (len(ids), measure_run(qrels, run, ids)) for part, ids in parts.items() if ids
        },
        ms_per_query=1000 * seconds / len(run),
    )
