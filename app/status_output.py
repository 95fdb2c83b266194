"""What `pagelens status` prints: JSON for programs, and text for people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from app.errors import printable
from app.migration_output import describe_migration, describe_order, migration_body
from app.wording import count_things, format_bytes

if TYPE_CHECKING:
    from app.library_status import LibraryStatus


def status_json(status: LibraryStatus) -> dict[str, Any]:
    """`status --json`."""
    content: dict[str, Any] = {
        "documents": status.counts.documents,
        "pages": status.counts.pages,
        "photos": status.counts.photos,
        "sounds": status.counts.sounds,
        "failed": status.counts.failed,
        "encoder": status.encoder,
        "bytes": status.n_bytes,
    }
    if status.collection is not None:
        # Elsewhere, and not in "bytes".
        content["collection"] = status.collection
    if status.under_way:
        content["under_way"] = [
            {
                "document": job.name,
                "state": job.state.value,
                "pages": job.n_pages,
                "pages_done": job.pages_done,
            }
            for job in status.under_way
        ]
    if status.migration is not None:
        body = migration_body(status.migration, *status.migrated_pages)
        content["migration"] = body.model_dump(mode="json")
    if status.order is not None:
        content["migration_asked"] = status.order.describe()
    return content


def print_status(folder: Path, status: LibraryStatus) -> None:
    """What a library holds, document by document."""
    counts = status.counts
    console = Console()
    console.print(
        f"{folder}: {count_things(counts.documents, 'document')}, "
        f"{count_things(counts.pages, 'page')}, {count_things(counts.photos, 'photo')}, "
        f"{count_things(counts.sounds, 'sound')}, "
        f"{format_bytes(status.n_bytes)}, encoder {status.encoder or 'not chosen yet'}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    if status.collection:
        console.print(
            f"The index is the collection {status.collection} of a Qdrant server; its size is not "
            "counted.",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    if status.migration is not None:
        line = describe_migration(migration_body(status.migration, *status.migrated_pages))
        console.print(printable(line), markup=False, highlight=False, soft_wrap=True)
    if status.order is not None:
        line = describe_order(status.order)
        console.print(printable(line), markup=False, highlight=False, soft_wrap=True)
    if counts.unread_pages:
        console.print(f"{count_things(counts.unread_pages, 'page')} without a word to search by")
    for job in status.under_way:
        text = f"{job.state.value} {job.name}: {job.pages_done:,} of {job.n_pages or 0:,} pages"
        console.print(printable(text), markup=False, highlight=False, soft_wrap=True)
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
