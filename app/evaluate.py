"""`pagelens evaluate`: indexes an evaluation set's corpus and measures how well it is searched."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from app.library import Library
from app.library_status import count_bytes
from app.settings import Settings
from ingest.pipeline import OnProgress, Progress
from ingest.sources import Refusal, Source, find_files, read_source
from retrieval.evaluation import DEPTH, PageName, load_evaluation_set, measure_run
from retrieval.index.base import PageFilter
from retrieval.records import TextSource


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was measured.

    Attributes:
        metrics: averages over all questions.
        split: the same for questions whose relevant pages have a text layer ("text-layer") and for
            those whose pages were read by OCR ("scanned"); with the number of questions.
        pages_per_second: pages indexed by this run, previews included; None if none was.
        ms_per_query: mean time of a search with its evidence.
        bytes_per_page: size of the vector index.
    """

    metrics: dict[str, float]
    split: dict[str, tuple[int, dict[str, float]]]
    n_pages: int
    pages_per_second: float | None
    ms_per_query: float
    bytes_per_page: float
    encoder: str
    failed: tuple[Refusal, ...]


def evaluate_folder(folder: Path, settings: Settings, on_progress: OnProgress) -> Evaluation:
    """Ingests `corpus/` into the library of `settings` and asks every question.

    Raises:
        InvalidEvaluationSet: the folder is not an evaluation set.
    """
    evaluation_set = load_evaluation_set(folder)
    with Library(settings) as library:
        report = library.ingest([evaluation_set.corpus], on_progress)
        sources = [read_source(path) for path in find_files([evaluation_set.corpus])]
        # The corpus's own names: the same bytes may be known to the library under another.
        names = {s.document_id: s.name for s in sources if isinstance(s, Source)}
        corpus = frozenset(names)
        run: dict[str, list[tuple[PageName, float]]] = {}
        started = time.perf_counter()
        for done, question in enumerate(evaluation_set.questions, 1):
            answer = library.search(question.text, DEPTH, page_filter=PageFilter(documents=corpus))
            run[question.id] = [
                ((names[hit.document_id], hit.page_number), hit.score) for hit in answer.hits
            ]
            on_progress(Progress("searching", done, len(evaluation_set.questions), ""))
        seconds = time.perf_counter() - started
        text_sources = {
            (names[document_id], index + 1): source
            for document_id in corpus
            for index, source in library.list_text_sources(document_id).items()
        }
        n_pages = len(text_sources)
        encoder = library.encoder.key
    # Closing gives back what the index reserves while it is open.
    index_bytes = count_bytes(settings.library / "index")
    split: dict[str, list[str]] = {"text-layer": [], "scanned": []}
    for question in evaluation_set.questions:
        relevant = evaluation_set.qrels[question.id]
        on_text = any(text_sources.get(p) == TextSource.TEXT_LAYER.value for p in relevant)
        split["text-layer" if on_text else "scanned"].append(question.id)
    qrels = evaluation_set.qrels
    return Evaluation(
        metrics=measure_run(qrels, run, list(run)),
        split={
            part: (len(ids), measure_run(qrels, run, ids)) for part, ids in split.items() if ids
        },
        n_pages=n_pages,
        pages_per_second=report.pages / report.indexing_seconds if report.pages else None,
        ms_per_query=1000 * seconds / len(run),
        bytes_per_page=index_bytes / n_pages if n_pages else 0.0,
        encoder=encoder,
        failed=report.failed,
    )
