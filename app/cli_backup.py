"""`pagelens backup` and `pagelens restore`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli_options import (
    JsonOption,
    LibraryOption,
    check_exists,
    make_settings,
    print_json,
)
from app.errors import printable

if TYPE_CHECKING:
    from app.api.bodies import BackupBody
    from ingest.documents import Counts


def backup(
    file: Annotated[Path, typer.Argument(help="The file to write, such as library.tar.gz.")],
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Save the library into one file: documents, originals, previews and vectors.

    Also while `pagelens serve` holds it.
    """
    from app.handing_over import open_or_connect
    from app.progress import show_progress

    with open_or_connect(make_settings(library)) as opened, show_progress() as on_progress:
        saved = opened.backup(file, on_progress)
    n_bytes = file.stat().st_size
    if as_json:
        print_json({"documents": saved.documents, "pages": saved.pages, "bytes": n_bytes})
    else:
        told = f"Saved {describe_counts(saved)} in {file} ({n_bytes / 1e6:,.1f} MB)."
        typer.echo(printable(told))


def restore(
    file: Annotated[Path, typer.Argument(help="What `pagelens backup` wrote.")],
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a library of a backup, in a new folder: all of it, or nothing.

    Its documents and its index are in that folder, also where a PostgreSQL database and a Qdrant
    server held them before.
    """
    from app.progress import show_progress
    from app.restore import restore_library

    check_exists(file)
    folder = make_settings(library).library
    with show_progress() as on_progress:
        restored = restore_library(file, folder, on_progress)
    if as_json:
        print_json({"documents": restored.documents, "pages": restored.pages})
    else:
        typer.echo(printable(f"Restored {describe_counts(restored)} into {folder}."))


def describe_counts(counts: Counts | BackupBody) -> str:
    """How much was saved or restored, for people."""
    from app.wording import count_things

    return f"{count_things(counts.documents, 'document')} ({count_things(counts.pages, 'page')})"
