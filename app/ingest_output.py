"""What `pagelens ingest` prints: JSON for programs, and text for people."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from app.dry_run import Forecast
from app.errors import printable
from app.wording import count_things, format_bytes
from ingest.progress import FileReport, IngestReport, Outcome
from ingest.sources import Refusal


def report_json(report: IngestReport) -> dict[str, Any]:
    """The last line of `ingest --json`; with `--watch`, a line for each time that files came."""
    speed = report.pages_per_second
    return {
        "documents": report.documents,
        "pages": report.pages,
        "skipped": report.skipped,
        "failed": _refusals_json(report.failed),
        "seconds": round(report.seconds, 3),
        "pages_per_second": None if speed is None else round(speed, 3),
        "files": [
            {
                "path": str(file.path),
                "outcome": file.outcome.value,
                "document_id": file.document_id,
                "pages": file.n_pages,
                "error": file.error,
            }
            for file in report.files
        ],
    }


def forecast_json(forecast: Forecast) -> dict[str, Any]:
    """The last line of `ingest --dry-run --json`."""
    return {
        "documents": forecast.documents,
        "pages": forecast.pages,
        "skipped": forecast.skipped,
        "failed": _refusals_json(forecast.failed),
        "seconds": None if forecast.seconds is None else round(forecast.seconds, 3),
        "bytes": forecast.n_bytes,
        "usd": forecast.cost.usd if forecast.cost else None,
    }


def _refusals_json(refusals: Iterable[Refusal]) -> list[dict[str, str]]:
    return [{"file": str(refusal.path), "error": refusal.error} for refusal in refusals]


def describe_report(report: IngestReport) -> str:
    """What an ingest run did, in one line."""
    if not report.files:
        return "No files were found."
    speed = report.pages_per_second
    return (
        f"Added {count_things(report.documents, 'document')} "
        f"({count_things(report.pages, 'page')}) in {report.seconds:.1f} s"
        f"{'' if speed is None else f', {speed:.1f} pages/s'}; "
        f"{report.skipped:,} already there, {len(report.failed):,} refused."
    )


def describe_file(file: FileReport) -> str:
    """What became of a file, in one line."""
    if file.outcome is Outcome.REFUSED:
        return printable(f"refused {file.path}: {file.error}")
    verb = "added" if file.outcome.is_new else "already there"
    left_out = f"; {file.error}" if file.error else ""
    return printable(f"{verb} {file.path}: {count_things(file.n_pages, 'page')}{left_out}")


def describe_forecast(forecast: Forecast) -> str:
    """What an ingest would come to, in one line."""
    if forecast.seconds is None or forecast.n_bytes is None:
        cost = "time and space are known once some pages have been added"
    else:
        cost = f"about {forecast.seconds:,.0f} s and {format_bytes(forecast.n_bytes)}"
    if forecast.cost is not None:
        cost += f", {forecast.cost} at vendors"
    return (
        f"Would add {count_things(forecast.documents, 'document')} "
        f"({count_things(forecast.pages, 'page')}), {cost}; "
        f"{forecast.skipped:,} already there, {len(forecast.failed):,} refused."
    )
