"""Finds files, tells by their content what they are, and gives each its identity."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ingest.media_types import MediaType, read_media_type
from retrieval.errors import (
    EmptyFile,
    FileRefused,
    FileTooLarge,
    PathNotFound,
    UnreadableFile,
)

READ_BYTES = 1 << 20

# A larger file takes minutes to hash and copy, and a sparse one of terabytes costs nothing to make.
FILE_LIMIT_BYTES = 2 << 30

# What makes a folder a library: its database, or the id of the library in one elsewhere.
DATABASE = "pagelens.sqlite"
POSTGRESQL_MARK = "pagelens.postgresql"


@dataclass(frozen=True, slots=True)
class Source:
    """A file that can become a document.

    Attributes:
        path: where the file was found.
        document_id: SHA-256 of its bytes, in hexadecimal.
        media_type: read from its content, whatever its name says.
        n_bytes: its size.
        name: the file's name, as people know the document.
    """

    path: Path
    document_id: str
    media_type: MediaType
    n_bytes: int
    name: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that was not taken, or not wholly, and why, in one line."""

    path: Path
    error: str


def is_library(folder: Path) -> bool:
    """Whether a folder is that of a library."""
    return any((folder / name).exists() for name in (DATABASE, POSTGRESQL_MARK))


def name_origin(path: Path) -> str:
    """What all versions of a file have in common: its absolute path.

    A path that is no text is written in hexadecimal, so that no two become the same.
    """
    name = str(path.absolute())
    try:
        name.encode()
    except UnicodeEncodeError:
        return f"bytes:{os.fsencode(name).hex()}"
    return name


def find_files(paths: Iterable[Path]) -> list[Path]:
    """Lists the files at `paths`, folders recursively, in name order, each once.

    Hidden files and folders inside a folder are left out, as are links to folders (they can form
    circles) and library folders (their previews would be taken for photos).

    Raises:
        PathNotFound: a path given does not exist.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            found |= dict.fromkeys(_walk(path))
        elif path.exists():
            found[path] = None
        else:
            raise PathNotFound(f"{path}: no such file or folder")
    return list(found)


def _walk(folder: Path) -> Iterator[Path]:
    # No recursion: folders may lie deeper in each other than Python's stack is high.
    waiting = [(folder, True)]
    while waiting:
        path, is_folder = waiting.pop()
        if not is_folder:
            yield path
        else:
            try:
                waiting += sorted(_list_folder(path), reverse=True)
            except OSError:
                # Listed, so that it is refused by name instead of being passed over.
                yield path


def _list_folder(folder: Path) -> list[tuple[Path, bool]]:
    """(path, whether it is a folder) of all that is not hidden; nothing of a library folder."""
    if is_library(folder):
        return []
    return [
        (path, path.is_dir())
        for path in folder.iterdir()
        if not path.name.startswith(".") and not (path.is_symlink() and path.is_dir())
    ]


def read_source(path: Path) -> Source | Refusal:
    """Hashes and sniffs one file."""
    try:
        if not path.is_file():
            raise UnreadableFile(
                "the folder cannot be read" if path.is_dir() else "not a regular file"
            )
        n_bytes = path.stat().st_size
        if n_bytes == 0:
            raise EmptyFile("the file is empty (0 bytes)")
        if n_bytes > FILE_LIMIT_BYTES:
            raise FileTooLarge(
                f"the file has {n_bytes / (1 << 30):,.1f} GiB; "
                f"the limit is {FILE_LIMIT_BYTES >> 30} GiB"
            )
        media_type = read_media_type(path)
        with path.open("rb") as file:
            digest = hashlib.sha256()
            while block := file.read(READ_BYTES):
                digest.update(block)
    except OSError as error:
        return Refusal(path, f"cannot be read: {error.strerror or error}")
    except FileRefused as error:
        return Refusal(path, str(error))
    # A name that is not UTF-8 reaches Python as lone surrogates, which no database stores.
    name = os.fsencode(path.name).decode("utf-8", "replace")
    return Source(path, digest.hexdigest(), media_type, n_bytes, name)
