"""What `pagelens evaluate` prints: JSON for programs, and tables for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from app.wording import format_bytes

if TYPE_CHECKING:
    from app.evaluate import Evaluation, Measured


def evaluation_json(evaluation: Evaluation) -> dict[str, Any]:
    """The last line of `evaluate --json`."""
    pages_per_second = evaluation.pages_per_second
    bytes_per_page = evaluation.bytes_per_page
    content = {
        **_measured_json(evaluation.search),
        "pages_per_second": None if pages_per_second is None else round(pages_per_second, 3),
        "bytes_per_page": None if bytes_per_page is None else round(bytes_per_page),
        "log_bytes": evaluation.log_bytes,
        "encoder": evaluation.encoder,
        "text_encoders": list(evaluation.text_encoders),
        "reranker": evaluation.reranker,
    }
    if evaluation.stages:
        content["stages"] = {
            name: _measured_json(measured) for name, measured in evaluation.stages.items()
        }
    return content


def _measured_json(measured: Measured) -> dict[str, Any]:
    return {
        "metrics": {key: round(value, 4) for key, value in measured.metrics.items()},
        "split": {
            part: {"questions": n, **{key: round(value, 4) for key, value in metrics.items()}}
            for part, (n, metrics) in measured.split.items()
        },
        "ms_per_query": round(measured.ms_per_query, 1),
    }


def print_evaluation(evaluation: Evaluation) -> None:
    """The measures as a table, whole and split, and the speeds below."""
    console = Console()
    table = Table("measure", "all")
    search = evaluation.search
    for part, (n_questions, _) in search.split.items():
        table.add_column(f"{part} ({n_questions} questions)")
    for key, value in search.metrics.items():
        parts = (metrics[key] for _, metrics in search.split.values())
        table.add_row(key, *(f"{number:.3f}" for number in (value, *parts)))
    console.print(table)
    if evaluation.stages:
        console.print(_tabulate_stages(evaluation.stages))
    speed = evaluation.pages_per_second
    index_size, log_size = evaluation.bytes_per_page, evaluation.log_bytes
    if index_size is None or log_size is None:
        size = "the index on a Qdrant server"
    else:
        size = f"{format_bytes(index_size)} of index a page (and {format_bytes(log_size)} of log)"
    console.print(
        f"{evaluation.n_pages:,} pages, "
        + (f"{speed:.1f} pages/s, " if speed else "indexed before, ")
        + f"{search.ms_per_query:.0f} ms a query, "
        f"{size}, {', '.join((evaluation.encoder, *evaluation.text_encoders))}, "
        f"reranker {evaluation.reranker or 'none'}",
        highlight=False,
        soft_wrap=True,
    )


def _tabulate_stages(stages: dict[str, Measured]) -> Table:
    parts = next(iter(stages.values())).split
    table = Table("stage", "nDCG@5", *(f"nDCG@5 {part}" for part in parts), "recall@10", "ms/query")
    for name, measured in stages.items():
        by_part = (metrics["ndcg@5"] for _, metrics in measured.split.values())
        quality = (measured.metrics["ndcg@5"], *by_part, measured.metrics["recall@10"])
        table.add_row(name, *(f"{q:.3f}" for q in quality), f"{measured.ms_per_query:.0f}")
    return table
