"""What the command line prints: JSON as the contract has it, and text for people."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from app.errors import printable
from retrieval.encoders.base import EncoderSpec

if TYPE_CHECKING:
    from app.evaluate import Evaluation
    from app.library_status import LibraryStatus
    from ingest.pipeline import IngestReport
    from retrieval.records import Answer, Hit

BYTE_UNITS = ("B", "kB", "MB", "GB", "TB")


def report_json(report: IngestReport) -> dict[str, Any]:
    """The last line of `ingest --json`."""
    return {
        "documents": report.documents,
        "pages": report.pages,
        "skipped": report.skipped,
        "failed": [{"file": str(r.path), "error": r.error} for r in report.failed],
        "seconds": round(report.seconds, 3),
    }


def hit_json(hit: Hit) -> dict[str, Any]:
    """One hit of `search --json`."""
    return {
        "document": hit.document,
        "page": hit.page_number,
        "score": round(hit.score, 4),
        "kind": hit.kind.value,
        "document_id": hit.document_id,
        "boxes": [
            [*(round(edge, 5) for edge in match.box), round(match.weight, 4)]
            for match in hit.matches
        ],
    }


def answer_json(answer: Answer) -> dict[str, Any]:
    """`search --json`."""
    return {
        "query": answer.query,
        "hits": [hit_json(hit) for hit in answer.hits],
        "seconds": round(answer.seconds, 4),
    }


def evaluation_json(evaluation: Evaluation) -> dict[str, Any]:
    """The last line of `evaluate --json`."""
    pages_per_second = evaluation.pages_per_second
    return {
        "metrics": {key: round(value, 4) for key, value in evaluation.metrics.items()},
        "split": {
            part: {"questions": n, **{key: round(value, 4) for key, value in metrics.items()}}
            for part, (n, metrics) in evaluation.split.items()
        },
        "pages_per_second": None if pages_per_second is None else round(pages_per_second, 3),
        "ms_per_query": round(evaluation.ms_per_query, 1),
        "bytes_per_page": round(evaluation.bytes_per_page),
        "encoder": evaluation.encoder,
    }


def status_json(status: LibraryStatus) -> dict[str, Any]:
    """`status --json`."""
    return {
        "documents": status.counts.documents,
        "pages": status.counts.pages,
        "photos": status.counts.photos,
        "failed": status.counts.failed,
        "encoder": status.encoder,
        "bytes": status.n_bytes,
    }


def spec_json(spec: EncoderSpec) -> dict[str, Any]:
    """One entry of `models --json`."""
    return {name: getattr(spec, name) for name in EncoderSpec.__slots__}


def format_bytes(n_bytes: float) -> str:
    """A size with its unit, in powers of 1000."""
    units = iter(BYTE_UNITS)
    unit = next(units)
    while n_bytes >= 1000 and unit != BYTE_UNITS[-1]:
        n_bytes, unit = n_bytes / 1000, next(units)
    return f"{n_bytes:.0f} {unit}" if unit == "B" or n_bytes >= 100 else f"{n_bytes:.1f} {unit}"


def count_things(n: int, noun: str) -> str:
    """A number with its noun."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def print_evaluation(evaluation: Evaluation) -> None:
    """The measures as a table, whole and split, and the speeds below."""
    table = Table("measure", "all")
    for part, (n_questions, _) in evaluation.split.items():
        table.add_column(f"{part} ({n_questions} questions)")
    for key, value in evaluation.metrics.items():
        parts = (metrics[key] for _, metrics in evaluation.split.values())
        table.add_row(key, *(f"{number:.3f}" for number in (value, *parts)))
    console = Console()
    console.print(table)
    speed = evaluation.pages_per_second
    console.print(
        f"{evaluation.n_pages:,} pages, "
        + (f"{speed:.1f} pages/s, " if speed else "indexed before, ")
        + f"{evaluation.ms_per_query:.0f} ms a query, "
        f"{format_bytes(evaluation.bytes_per_page)} of index a page, {evaluation.encoder}",
        highlight=False,
        soft_wrap=True,
    )


def print_models(specs: Iterable[EncoderSpec]) -> None:
    """The catalog as a table."""
    table = Table("model", "reads", "dim", "parameters", "memory", "licence", "commercial use")
    for spec in specs:
        table.add_row(
            spec.id,
            spec.modality,
            str(spec.dim),
            f"{spec.n_parameters / 1e6:.0f} M",
            format_bytes(spec.memory_bytes),
            spec.licence,
            "yes" if spec.commercial_use else "no",
        )
    Console().print(table)


def print_status(folder: Path, status: LibraryStatus) -> None:
    """What a library holds, document by document."""
    counts = status.counts
    console = Console()
    console.print(
        f"{folder}: {count_things(counts.documents, 'document')}, "
        f"{count_things(counts.pages, 'page')}, {count_things(counts.photos, 'photo')}, "
        f"{format_bytes(status.n_bytes)}, encoder {status.encoder or 'not chosen yet'}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    if counts.unread_pages:
        console.print(f"{count_things(counts.unread_pages, 'page')} without a word to search by")
    if status.documents:
        table = Table("document", "kind", "pages", "size", "added", "id")
        for document in status.documents:
            table.add_row(
                printable(document.name).replace("[", "\\["),
                document.kind.value,
                f"{document.n_pages:,}",
                format_bytes(document.n_bytes),
                document.added_at.astimezone().strftime("%Y-%m-%d %H:%M"),
                document.document_id[:12],
            )
        console.print(table)
    for refusal in status.refusals:
        text = printable(f"refused {refusal.path}: {refusal.error}")
        console.print(text, markup=False, highlight=False, soft_wrap=True)
