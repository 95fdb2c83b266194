"""The lock on a library folder: one process at a time, and the others are told which."""

from __future__ import annotations

import json
import os
import shutil
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from retrieval.errors import LibraryBusy

LOCK = "library.lock"
HOLDER = "library.holder.json"


@dataclass(frozen=True, slots=True)
class LibraryLock:
    """Holds a library folder until it is released, or the process ends in whatever way."""

    lock: FileLock
    holder: Path

    def announce(self, address: str) -> None:
        """Tells other processes where this one takes what they cannot do themselves."""
        said = json.loads(self.holder.read_text())
        part = self.holder.with_suffix(".part")
        part.write_text(json.dumps({**said, "address": address}))
        part.replace(self.holder)

    def release(self) -> None:
        """Gives the folder back."""
        self.holder.unlink(missing_ok=True)
        self.lock.release()


def lock_library(folder: Path) -> LibraryLock:
    """Takes the library folder for this process.

    Raises:
        LibraryBusy: another process holds it.
    """
    lock = FileLock(folder / LOCK, thread_local=False)
    holder = folder / HOLDER
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise LibraryBusy(f"the library {folder} is in use by {describe_holder(holder)}") from error
    command = " ".join(["pagelens", *sys.argv[1:2]])
    since = datetime.now().astimezone().isoformat(timespec="seconds")
    holder.write_text(json.dumps({"pid": os.getpid(), "command": command, "since": since}))
    return LibraryLock(lock, holder)


def make_folder(folder: Path) -> tuple[Path, ...]:
    """Makes a folder where it is not there.

    Returns:
        What was made, parents last.
    """
    made = tuple(path for path in (folder, *folder.parents) if not path.exists())
    folder.mkdir(parents=True, exist_ok=True)
    return made


def remove_empty(folders: tuple[Path, ...]) -> None:
    """Removes folders as long as nobody has put anything there."""
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()


def holds_nothing(folder: Path) -> bool:
    """Whether there is nothing in a folder but what it is locked by."""
    return {path.name for path in folder.iterdir()} <= {LOCK, HOLDER}


def remove_contents(folder: Path) -> None:
    """Empties a folder that this process has locked."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def find_server(folder: Path) -> str | None:
    """The address of the server that holds a library; None where no server does."""
    try:
        address = json.loads((folder / HOLDER).read_text()).get("address")
    except (OSError, ValueError, AttributeError):
        return None
    return address if isinstance(address, str) else None


def describe_holder(holder: Path) -> str:
    """Who holds a library, for people; says so where the holder has not said it yet."""
    try:
        said = json.loads(holder.read_text())
        return f"process {said['pid']} (`{said['command']}`, since {said['since']})"
    except (OSError, ValueError, KeyError):
        return "another process"
