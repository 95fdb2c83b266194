"""A library in one file: a gzipped tar archive, written as a stream while searches go on.

In this order: `FORMAT_NAME` says what it is, `documents/` holds the tables as SQLite, then come
originals, previews and the embedded index, and `END_NAME` says how many files there were. Wherever
the library's own tables and index are, no server is needed to restore it.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO

from app.backup_file import write_new_file
from app.index_choice import INDEX_FOLDER
from ingest.documents import Counts, Documents
from ingest.files import CODEBOOK, LibraryFiles, original_path, preview_path
from ingest.progress import OnProgress, Progress
from ingest.sources import DATABASE
from ingest.spaces import Space
from retrieval.errors import BackupNotWritten

# Of the archive's own shape; no other is read.
FORMAT = 1
FORMAT_NAME = "pagelens-backup.json"
END_NAME = "end.json"
DOCUMENTS_FOLDER = "documents"

# Whoever wants to end a backup waits for so many.
READ_BYTES = 1 << 20

# Most is compressed already: previews, photos, PDFs. Zeros, of which an index has many, become a
# thousandth all the same.
COMPRESSION_LEVEL = 1


def describe_format() -> dict[str, Any]:
    """What an archive must have been written for, to be read by this release."""
    # The embedded index is a file format of its release.
    return {"format": FORMAT, "index": version("qdrant-edge-py")}


def write_backup(
    file: Path, files: LibraryFiles, documents: Documents, space: Space, on_progress: OnProgress
) -> Counts:
    """Writes a library that is not written to meanwhile; the file is there whole, or not at all.

    Of its spaces it holds the one that is searched.

    Raises:
        BackupNotWritten: the file is there already, or cannot be written.
        PagelensError: the library cannot be read.
    """
    with (
        write_new_file(file) as writing,
        # Beside the file, where there must be room.
        tempfile.TemporaryDirectory(dir=file.parent, prefix=".pagelens-backup-") as scratch,
    ):
        return _write_archive(writing, files, documents, space, Path(scratch), on_progress)


def _write_archive(
    writing: BinaryIO,
    files: LibraryFiles,
    documents: Documents,
    space: Space,
    scratch: Path,
    on_progress: OnProgress,
) -> Counts:
    tables, copied_index = scratch / DOCUMENTS_FOLDER, scratch / INDEX_FOLDER
    tables.mkdir()
    copied_index.mkdir()
    with closing(Documents(tables)) as copy:
        documents.copy_to(copy)
        counts = copy.count()
    # Its last connection is closed: all of it is in the one file.
    database = tables / DATABASE
    index_folder = space.index.snapshot(copied_index)
    with closing(Documents(tables)) as copy, _open_archive(writing) as tar:
        wanted = list(_list_wanted(copy, files, space))
        index_files = [path for path in sorted(index_folder.rglob("*")) if path.is_file()]
        total = 1 + len(wanted) + len(index_files)
        _add_json(tar, FORMAT_NAME, {**describe_format(), "files": total})
        _add_file(tar, f"{DOCUMENTS_FOLDER}/{DATABASE}", database, lambda: None)
        for done, (name, find) in enumerate(wanted, 1):
            path = find()
            if path is None:
                raise BackupNotWritten(f"the library has lost {name}, which belongs in a backup")
            _add_file(tar, name, path, partial(on_progress, Progress("saving", done, total, "")))
        for done, path in enumerate(index_files, 1 + len(wanted)):
            name = f"{INDEX_FOLDER}/{path.relative_to(index_folder).as_posix()}"
            _add_file(tar, name, path, partial(on_progress, Progress("saving", done, total, "")))
        on_progress(Progress("saving", total, total, ""))
        _add_json(tar, END_NAME, {"files": total})
    return counts


def _list_wanted(
    documents: Documents, files: LibraryFiles, space: Space
) -> Iterator[tuple[str, Callable[[], Path | None]]]:
    """Yields (name in the archive, what finds it) of each original and preview, and the codebook.

    They may be far away, and are fetched one by one.
    """
    # Of a document that is not whole, the rows are enough to remove it from the restored index.
    here = Path()
    for document in documents.list_whole():
        id_ = document.document_id
        yield original_path(here, id_).as_posix(), partial(files.find_original, id_)
        for page in documents.list_pages(id_):
            if page.error is None:
                name = preview_path(here, id_, page.page_index).as_posix()
                yield name, partial(files.find_preview, id_, page.page_index)
    if files.find_codebook(space.name):
        yield CODEBOOK, partial(files.find_codebook, space.name)


@contextmanager
def _open_archive(file: BinaryIO) -> Iterator[tarfile.TarFile]:
    with (
        gzip.GzipFile("", "wb", COMPRESSION_LEVEL, file) as packed,
        tarfile.open(fileobj=packed, mode="w|") as tar,
    ):
        tar.copybufsize = READ_BYTES  # type: ignore[attr-defined]
        yield tar


def _add_json(tar: tarfile.TarFile, name: str, content: dict[str, Any]) -> None:
    data = json.dumps(content).encode()
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


@dataclass(frozen=True, slots=True)
class _ToldReader:
    """A file that tells of every part of it that is read: whoever listens may end the backup."""

    file: BinaryIO
    tell: Callable[[], None]

    def read(self, n_bytes: int = -1, /) -> bytes:
        """The next bytes, so many at most; all where none is said."""
        self.tell()
        return self.file.read(n_bytes)


def _add_file(tar: tarfile.TarFile, name: str, path: Path, tell: Callable[[], None]) -> None:
    info = tarfile.TarInfo(name)
    with path.open("rb") as file:
        stat = os.fstat(file.fileno())
        info.size, info.mtime = stat.st_size, int(stat.st_mtime)
        tar.addfile(info, _ToldReader(file, tell))
    # It would remember each file, and a large library has millions.
    tar.members.clear()  # type: ignore[attr-defined]
