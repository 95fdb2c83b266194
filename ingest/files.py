"""Where a library keeps originals and previews, and how they get there whole or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path

from ingest.documents import Documents
from retrieval.errors import LibraryUnusable
from retrieval.index.base import PageIndex


def original_path(folder: Path, document_id: str) -> Path:
    """Where the library keeps a document's file."""
    return folder / "files" / document_id[:2] / document_id


def preview_path(folder: Path, document_id: str, page_index: int) -> Path:
    """Where the library keeps the picture of a page."""
    return folder / "previews" / document_id[:2] / document_id / f"{page_index}.webp"


def write_atomically(path: Path, content: bytes | Path) -> None:
    """Writes bytes, or a copy of a file, so that `path` is either whole or absent.

    Raises:
        LibraryUnusable: the disk is full, or the folder cannot be written.
    """
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            shutil.copyfile(content, part)
        else:
            part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise LibraryUnusable(f"{path} cannot be written: {error.strerror or error}") from error


def remove_document(folder: Path, document_id: str, index: PageIndex, documents: Documents) -> None:
    """Removes all that the library holds of a document, the row last: a crash leaves it listed."""
    index.delete_documents([document_id])
    shutil.rmtree(preview_path(folder, document_id, 0).parent, ignore_errors=True)
    original_path(folder, document_id).unlink(missing_ok=True)
    documents.delete(document_id)
