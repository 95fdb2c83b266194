"""What a folder takes of its disk, and whether there is room for more."""

from __future__ import annotations

import shutil
from pathlib import Path

from retrieval.errors import DiskFull

# POSIX counts `st_blocks` in these, whatever the file system's own block is.
DISK_BLOCK_BYTES = 512

# What stays free. The embedded index writes into files that it has mapped into memory: a process
# that does so on a full disk is killed by the system (SIGBUS). A few pages, the most that is
# written between two looks, take a few MB; the tables of documents and jobs need room as well, to
# say what has failed.
RESERVED_BYTES = 64_000_000


def count_bytes(folder: Path) -> int:
    """What the files of a folder take on disk; those that vanish meanwhile count nothing."""
    total = 0
    for path in folder.rglob("*"):
        try:
            stat = path.lstat()
        except FileNotFoundError:
            continue
        # The index reserves files far larger than what is in them.
        blocks = getattr(stat, "st_blocks", None)
        total += stat.st_size if blocks is None else blocks * DISK_BLOCK_BYTES
    return total


def has_room(folder: Path, n_bytes: int = 0) -> bool:
    """Whether so many bytes can be written into a folder without touching the reserve."""
    return shutil.disk_usage(folder).free >= RESERVED_BYTES + n_bytes


def check_room(folder: Path) -> None:
    """Makes sure that something can be written into a folder.

    Raises:
        DiskFull: no more than the reserve is left of its disk.
    """
    if not has_room(folder):
        free_bytes = shutil.disk_usage(folder).free
        raise DiskFull(
            f"no space left on the disk: {free_bytes / 1e6:,.0f} MB are free, and the last "
            f"{RESERVED_BYTES / 1e6:,.0f} MB are not written to"
        )
