"""The file that a backup is written to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from retrieval.errors import BackupNotWritten


@contextmanager
def write_new_file(file: Path) -> Iterator[BinaryIO]:
    """Yields what to write to; the file is there whole when it is left, or not at all.

    Raises:
        BackupNotWritten: the file is there already, or something cannot be read or written.
    """
    if file.exists():
        raise BackupNotWritten(f"{file} is there already")
    part = file.with_name(file.name + ".part")
    try:
        with part.open("wb") as writing:
            yield writing
            writing.flush()
            os.fsync(writing.fileno())
        part.replace(file)
    except BaseException as error:
        part.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise BackupNotWritten(
                f"{file} cannot be written: {error.strerror or error}"
                + (f" ({error.filename})" if error.filename else "")
            ) from error
        raise
