"""Where a library keeps originals and previews, and how they get there whole or not at all."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ingest.documents import FIRST_SPACE, Documents
from ingest.media_types import MediaType
from ingest.office import convert_to_pdf
from ingest.sources import Refusal, read_source
from retrieval.errors import FileRefused, LibraryUnusable
from retrieval.index.base import PageIndex
from retrieval.index.cells import Codebook

# The cells of the first stage of the index; absent where the library is small.
CODEBOOK = "cells.npz"


def original_path(folder: Path, document_id: str) -> Path:
    """Where a library folder keeps a document's file."""
    return folder / "files" / document_id[:2] / document_id


def preview_path(folder: Path, document_id: str, page_index: int) -> Path:
    """Where a library folder keeps the picture of a page."""
    return folder / "previews" / document_id[:2] / document_id / f"{page_index}.webp"


def readable_path(folder: Path, document_id: str) -> Path:
    """Where a library folder keeps the PDF that was made of an office file."""
    return folder / "readable" / document_id[:2] / document_id


def codebook_path(folder: Path, space: str) -> Path:
    """Where a library folder keeps the codebook of a space, which bears the suffix of its name."""
    path = folder / CODEBOOK
    return path.with_stem(path.stem + space.removeprefix(FIRST_SPACE))


class LibraryFiles:
    """The originals and previews of a library, in its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # LibreOffice takes as much memory as all else: one at a time.
        self._converting = threading.Lock()

    def keep_original(self, document_id: str, path: Path) -> None:
        """Copies a document's file into the library, unless it is there; one thread at a time.

        Raises:
            FileRefused: the file has other bytes by now.
            LibraryUnusable: the copy cannot be written.
        """
        kept = original_path(self.folder, document_id)
        if kept.exists():
            return
        with write_whole(kept) as part:
            shutil.copyfile(path, part)
            with part.open("rb+") as copy:
                # Whoever handed it in may delete it as soon as it is here.
                os.fsync(copy.fileno())
            copied = read_source(part)
            if isinstance(copied, Refusal) or copied.document_id != document_id:
                raise FileRefused("the file was written while it was read; add it again")

    def has_original(self, document_id: str) -> bool:
        """Whether a document's file is there."""
        return original_path(self.folder, document_id).is_file()

    def find_original(self, document_id: str) -> Path | None:
        """A document's file, to be read; None if the library has lost it."""
        path = original_path(self.folder, document_id)
        return path if path.is_file() else None

    def find_readable(
        self, document_id: str, media_type: MediaType
    ) -> tuple[Path, MediaType] | None:
        """The file that a document's pages are rendered from, and what it is.

        That is its original, or for an office file the PDF that is made of it, anew if it is gone.

        Returns:
            None if the library has lost the original.

        Raises:
            FileRefused: no PDF can be made of it.
            LibraryUnusable: the PDF cannot be written.
        """
        original = self.find_original(document_id)
        if original is None or not media_type.is_office:
            return None if original is None else (original, media_type)
        readable = readable_path(self.folder, document_id)
        with self._converting:
            if not readable.is_file():
                with write_whole(readable) as part:
                    convert_to_pdf(original, media_type, part)
        return readable, MediaType.PDF

    def keep_preview(self, document_id: str, page_index: int, content: bytes) -> None:
        """Writes the WebP picture of a page.

        Raises:
            LibraryUnusable: it cannot be written.
        """
        with write_whole(preview_path(self.folder, document_id, page_index)) as part:
            part.write_bytes(content)

    def list_previews(self, document_id: str) -> set[int]:
        """The indexes of the pages of a document that there is a picture of."""
        found = preview_path(self.folder, document_id, 0).parent.glob("*.webp")
        return {int(path.stem) for path in found}

    def find_preview(self, document_id: str, page_index: int) -> Path | None:
        """The WebP picture of a page, to be read; None if there is none."""
        path = preview_path(self.folder, document_id, page_index)
        return path if path.is_file() else None

    def let_go(self, document_id: str) -> None:
        """Says that a document's file will not be read again soon."""

    def remove(self, document_id: str) -> None:
        """Removes a document's file and pictures; those that are not there are no error."""
        shutil.rmtree(preview_path(self.folder, document_id, 0).parent, ignore_errors=True)
        readable_path(self.folder, document_id).unlink(missing_ok=True)
        original_path(self.folder, document_id).unlink(missing_ok=True)

    def keep_codebook(self, codebook: Codebook, space: str) -> None:
        """Writes the codebook of the first stage of a space's index, in place of another."""
        with write_whole(codebook_path(self.folder, space)) as part:
            codebook.save(part)

    def find_codebook(self, space: str) -> Path | None:
        """The codebook of the first stage of a space's index, to be read; None if there is none."""
        path = codebook_path(self.folder, space)
        return path if path.is_file() else None

    def remove_codebook(self, space: str) -> None:
        """Removes the codebook of a space; one that is not there is no error."""
        codebook_path(self.folder, space).unlink(missing_ok=True)


def remove_document(
    files: LibraryFiles, document_id: str, index: PageIndex, documents: Documents
) -> None:
    """Removes all that the library holds of a document, the row last: a crash leaves it listed."""
    index.delete_documents([document_id])
    files.remove(document_id)
    documents.delete(document_id)


@contextmanager
def write_whole(path: Path) -> Iterator[Path]:
    """Yields where to write what becomes `path` if the block ends well, and nothing if not.

    Raises:
        LibraryUnusable: the disk is full, or the folder cannot be written.
    """
    # Always the same, so that what a crash has left is written over.
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        part.replace(path)
    except OSError as error:
        raise LibraryUnusable(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)
