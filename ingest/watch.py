"""Watches folders: which files are new or changed, and whole by now."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import watchfiles

from ingest.progress import FileReport, Outcome
from ingest.sources import find_files
from retrieval.errors import WatchFailed

# A file that has not changed for so long is taken to be whole.
STILL_S = 2.0

# Since when one has been still that was whole before.
STILL_EVER_SINCE_S = float("-inf")

# One that was refused is given twice as long each time, so that a slow copy is not refused over
# and over; but no longer than this.
LONGEST_STILL_S = 64.0

# Network shares tell nothing of what other machines write, and a folder that may not be read later
# may be.
RESCAN_S = 60.0

# How often whoever waits looks up.
LOOK_MS = 500

# The part of the time that looking through large folders, or over a slow network, may take.
SCAN_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class FileState:
    """What tells one state of a file from another, without reading it."""

    n_bytes: int
    modified_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class Sighting:
    """A file in the state that it has had since a moment of the monotonic clock."""

    state: FileState
    since_s: float


class FolderWatch:
    """Tells of the files in folders, each when it is whole, and again whenever it has changed.

    What the operating system tells only says when to look; what is there is looked for as
    `find_files` does, so that nothing is missed that happens unseen: a folder moved in with all its
    files, say.
    """

    def __init__(self, folders: Sequence[Path], library_folder: Path) -> None:
        """Begins without knowing any file.

        Args:
            folders: with all below them.
            library_folder: is written all the time, and nothing to look up for.
        """
        self._folders = folders
        self._library_folder = library_folder.resolve()
        self._taken: dict[Path, FileState] = {}
        self._waiting: dict[Path, Sighting] = {}
        self._still_s: dict[Path, float] = {}

    def __iter__(self) -> Iterator[list[Path]]:
        """Yields files, some at a time: first those that are there, be it none; without end.

        Raises:
            WatchFailed: the operating system does not let the folders be watched.
            PathNotFound: one of them is gone.
        """
        first_s: float | None = None
        is_first = has_changed = True
        soon_s = rescan_s = 0.0
        for is_told in self._wait_for_changes():
            has_changed = has_changed or is_told
            now_s = time.monotonic()
            if now_s < (soon_s if has_changed or self._waiting or is_first else rescan_s):
                continue
            has_changed = False
            files = self.look(now_s)
            soon_s = now_s + (time.monotonic() - now_s) / SCAN_SHARE
            rescan_s = max(soon_s, now_s + RESCAN_S)
            first_s = now_s if first_s is None else first_s
            if files or (is_first and now_s >= first_s + STILL_S):
                is_first = False
                yield files

    def look(self, now_s: float) -> list[Path]:
        """The files that are whole by now, and were not told in this state before.

        Args:
            now_s: of the monotonic clock.

        Raises:
            PathNotFound: a folder is gone.
        """
        states = _read_states(find_files(self._folders))
        self._taken = {path: state for path, state in self._taken.items() if path in states}
        self._still_s = {path: s for path, s in self._still_s.items() if path in states}
        seen, self._waiting = self._waiting, {}
        files = []
        for path, state in states.items():
            if self._taken.get(path) == state:
                continue
            sighting = seen.get(path)
            if sighting is None or sighting.state != state:
                sighting = Sighting(state, now_s)
            if now_s - sighting.since_s >= self._still_s.get(path, STILL_S):
                self._taken[path] = state
                files.append(path)
            else:
                self._waiting[path] = sighting
        return files

    def note(self, files: Iterable[FileReport]) -> None:
        """What became of files: should one that was refused change, more time is given to it."""
        for file in files:
            waited_s = self._still_s.pop(file.path, STILL_S)
            if file.outcome is Outcome.REFUSED:
                self._still_s[file.path] = min(2 * waited_s, LONGEST_STILL_S)

    def give_back(self, paths: Iterable[Path]) -> None:
        """Files could not be taken for now: they are told again soon, if they are still there."""
        for path in paths:
            if state := self._taken.pop(path, None):
                self._waiting[path] = Sighting(state, STILL_EVER_SINCE_S)

    def _wait_for_changes(self) -> Iterator[bool]:
        """Yields whether something has changed, at least every `LOOK_MS`."""
        folders = [folder.resolve() for folder in self._folders]
        try:
            for changes in watchfiles.watch(
                *folders,
                watch_filter=lambda _, path: not Path(path).is_relative_to(self._library_folder),
                rust_timeout=LOOK_MS,
                yield_on_timeout=True,
                ignore_permission_denied=True,
            ):
                yield bool(changes)
        except (OSError, RuntimeError) as error:
            names = ", ".join(map(str, self._folders))
            raise WatchFailed(f"{names} cannot be watched: {error}") from error


def _read_states(paths: Iterable[Path]) -> dict[Path, FileState]:
    states = {}
    for path in paths:
        try:
            found = path.stat()
        except OSError:
            # It is gone, or a link to nothing.
            continue
        states[path] = FileState(found.st_size, found.st_mtime_ns, found.st_ino)
    return states
