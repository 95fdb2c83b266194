"""Makes a library of a backup, and believes nothing that the file says."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any

from app.backup import (
    DOCUMENTS_FOLDER,
    END_NAME,
    FORMAT_NAME,
    describe_format,
)
from app.index_choice import INDEX_FOLDER
from app.lock import HOLDER, LOCK, lock_library
from ingest.documents import Counts, Documents
from ingest.files import CODEBOOK, original_path, preview_path
from ingest.progress import OnProgress, Progress
from ingest.sources import DATABASE
from retrieval.errors import (
    InvalidBackup,
    InvalidLibraryPath,
    LibraryExists,
    LibraryMismatch,
    LibraryUnusable,
)

# Within the new library's folder, until all is there; a restore that was killed leaves it.
PART_FOLDER = "restoring"

DOCUMENT_ID = re.compile(r"[0-9a-f]{64}")

# What a backup can hold. No name leads out of the folder: there is no "..", no "/" in front.
KNOWN_NAMES = re.compile(
    rf"{DOCUMENTS_FOLDER}/{re.escape(DATABASE)}|{re.escape(CODEBOOK)}"
    r"|files/([0-9a-f]{2})/(?P<original>\1[0-9a-f]{62})"
    r"|previews/([0-9a-f]{2})/\3[0-9a-f]{62}/[0-9]{1,9}\.webp"
    rf"|{INDEX_FOLDER}(/[A-Za-z0-9_-][A-Za-z0-9_.-]{{0,199}}){{1,9}}",
    re.ASCII,
)
# The two that say what the archive is, and that it is whole, have less than this.
JSON_BYTES = 10_000

# Of a file system: what is all zeros takes no place.
BLOCK_BYTES = 1 << 12
ZEROS = bytes(BLOCK_BYTES)


def restore_library(file: Path, folder: Path, on_progress: OnProgress) -> Counts:
    """Makes the library that a backup holds, in a new or empty folder: all of it, or nothing.

    It has its tables and its index in the folder, wherever they were, and an id of its own.

    Raises:
        LibraryExists: the folder holds something.
        InvalidLibraryPath: it is a file.
        LibraryBusy: another process is at work in it.
        InvalidBackup: the file is no backup, is torn or damaged, or of another release.
        LibraryUnusable: the folder cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise InvalidLibraryPath(f"{folder} is a file, not a library folder")
    is_new = not folder.exists()
    with _folder_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _check_empty(folder)
        lock = lock_library(folder)
        try:
            # Another restore may have been quicker.
            _check_empty(folder)
            try:
                return _restore_into(folder, file, on_progress)
            except BaseException:
                if is_new:
                    shutil.rmtree(folder, ignore_errors=True)
                raise
        finally:
            lock.release()


def _check_empty(folder: Path) -> None:
    if any(path.name not in (LOCK, HOLDER, PART_FOLDER) for path in folder.iterdir()):
        raise LibraryExists(f"{folder} is not empty")


def _restore_into(folder: Path, file: Path, on_progress: OnProgress) -> Counts:
    part = folder / PART_FOLDER
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    try:
        _extract(file, part, on_progress)
        counts = _rebuild_tables(file, part)
        # The tables last: they make the folder a library.
        for path in sorted(part.iterdir(), key=lambda path: path.name == DATABASE):
            path.replace(folder / path.name)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return counts


def _extract(file: Path, part: Path, on_progress: OnProgress) -> None:
    """Writes the files of an archive below `part`; originals must be what their names say."""
    with _archive_errors(file), gzip.open(file) as packed:
        with tarfile.open(fileobj=packed, mode="r|") as tar:
            first = tar.next()
            if first is None or first.name != FORMAT_NAME:
                raise InvalidBackup(f"{file}: not a backup of Pagelens")
            described = _read_json(tar, first)
            total = described.pop("files", None)
            wanted = describe_format()
            if described != wanted:
                raise InvalidBackup(f"{file}: written as {described}, this release reads {wanted}")
            done = 0
            while (member := tar.next()) is not None and member.name != END_NAME:
                _extract_member(tar, member, part, file)
                # It would remember each, and a large library has millions.
                tar.members.clear()  # type: ignore[attr-defined]
                done += 1
                on_progress(Progress("restoring", done, int(total), ""))
            if member is None or _read_json(tar, member) != {"files": done} or done != total:
                raise InvalidBackup(f"{file}: the backup is torn: files are missing")
        # To its very end, where the checksum of everything stands.
        while packed.read(BLOCK_BYTES):
            pass


def _read_json(tar: tarfile.TarFile, member: tarfile.TarInfo) -> dict[str, Any]:
    read = tar.extractfile(member) if member.size <= JSON_BYTES else None
    content = json.loads(read.read()) if read is not None else None
    return content if isinstance(content, dict) else {}


def _extract_member(tar: tarfile.TarFile, member: tarfile.TarInfo, part: Path, file: Path) -> None:
    known = KNOWN_NAMES.fullmatch(member.name)
    content = tar.extractfile(member) if known and member.type == tarfile.REGTYPE else None
    if known is None or content is None:
        raise InvalidBackup(f"{file}: holds {member.name!r}, which no backup does")
    path = part / member.name
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = _write_sparsely(content, path)
    if known["original"] not in (None, digest):
        raise InvalidBackup(f"{file}: the original {member.name} is damaged")


def _write_sparsely(content: IO[bytes], path: Path) -> str:
    """Writes a new file, and skips over zeros: an index reserves far more than it holds.

    Returns:
        The SHA-256 of the content.
    """
    digest = hashlib.sha256()
    with path.open("xb") as file:
        while block := content.read(BLOCK_BYTES):
            digest.update(block)
            if block == ZEROS[: len(block)]:
                file.seek(len(block), 1)
            else:
                file.write(block)
        file.truncate()
    return digest.hexdigest()


def _rebuild_tables(file: Path, part: Path) -> Counts:
    """Copies the archive's rows into tables of our own making, and checks that all is there."""
    extracted = part / DOCUMENTS_FOLDER
    if not (extracted / DATABASE).exists():
        raise InvalidBackup(f"{file}: holds no tables")
    try:
        with closing(Documents(extracted)) as found, closing(Documents(part)) as documents:
            found.copy_to(documents)
            _check_files(file, part, documents)
            counts = documents.count()
    except (LibraryMismatch, LibraryUnusable, ValueError, TypeError) as error:
        raise InvalidBackup(f"{file}: its tables cannot be read ({error})") from error
    shutil.rmtree(extracted)
    return counts


def _check_files(file: Path, part: Path, documents: Documents) -> None:
    whole = documents.list_whole()
    for document in whole + documents.list_unfinished():
        # Paths are made of it.
        if not DOCUMENT_ID.fullmatch(document.document_id):
            raise InvalidBackup(f"{file}: {document.document_id!r} is no document id")
    for document in whole:
        wanted = [original_path(part, document.document_id)]
        wanted += [
            preview_path(part, document.document_id, page.page_index)
            for page in documents.list_pages(document.document_id)
            if page.error is None
        ]
        missing = [path for path in wanted if not path.is_file()]
        if missing:
            raise InvalidBackup(f"{file}: {missing[0].relative_to(part)} is missing")
    if documents.list_indexed_pages() and not (part / INDEX_FOLDER).is_dir():
        raise InvalidBackup(f"{file}: the index is missing")


@contextmanager
def _archive_errors(file: Path) -> Iterator[None]:
    """Maps what reading a torn, damaged or foreign file raises."""
    try:
        yield
    except (FileExistsError, NotADirectoryError) as error:
        raise InvalidBackup(f"{file}: holds {Path(error.filename).name} twice") from error
    except gzip.BadGzipFile as error:
        raise InvalidBackup(f"{file}: not a backup of Pagelens, or damaged ({error})") from error
    except OSError as error:
        if str(error.filename) != str(file):
            raise
        raise InvalidBackup(f"{file}: cannot be read: {error.strerror or error}") from error
    except EOFError as error:
        raise InvalidBackup(f"{file}: the backup is torn: its end is missing") from error
    except (tarfile.TarError, zlib.error, ValueError, TypeError) as error:
        raise InvalidBackup(f"{file}: the backup is damaged ({error})") from error


@contextmanager
def _folder_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LibraryUnusable(f"{folder}: {error.strerror or error}") from error
