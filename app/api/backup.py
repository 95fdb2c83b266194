"""`/backup`: the whole library as one archive, written first and then sent."""

from __future__ import annotations

import asyncio
import errno
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Generic, Protocol, TypeVar

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from app.api.bodies import DOCUMENTS_HEADER, PAGES_HEADER
from app.api.requests import LibraryDependency
from app.library import Library
from ingest.documents import Counts
from ingest.progress import OnProgress, Progress
from retrieval.errors import BackupNotWritten, DiskFull, LibraryUnusable

GZIP = "application/gzip"
FILE_NAME = "library.tar.gz"
SENT_BYTES = 1 << 20

# Of the folder that an archive is written in; one that is still there was left by a crash.
SAVING = "saving-"

BACKUP_RESPONSES: dict[int | str, dict[str, object]] = {
    200: {
        "description": "a gzipped tar archive, as `pagelens backup` writes it",
        "content": {GZIP: {"schema": {"type": "string", "format": "binary"}}},
        "headers": {
            DOCUMENTS_HEADER: {"description": "documents in it", "schema": {"type": "integer"}},
            PAGES_HEADER: {"description": "pages in it", "schema": {"type": "integer"}},
        },
    }
}

router = APIRouter(tags=["library"])


Written = TypeVar("Written", covariant=True)


@dataclass(frozen=True, slots=True)
class SavedFile(Generic[Written]):
    """A file that is whole, and what its writing told."""

    file: Path
    told: Written


class WritesFile(Protocol[Written]):
    """Writes a new file, and reports how far it is."""

    def __call__(self, file: Path, on_progress: OnProgress, /) -> Written:
        """Writes it whole, or not at all."""


@asynccontextmanager
async def save_file(
    request: Request, library: Library, name: str, write: WritesFile[Written]
) -> AsyncIterator[SavedFile[Written]]:
    """Writes a file to be sent; it is gone when the block is left, however that ends.

    Raises:
        DiskFull, LibraryUnusable: it cannot be written.
        BackupNotWritten: the server stops, or nobody waits any more.
    """
    async with _notice_end(request) as is_over:
        saved, removing = await run_in_threadpool(_write_file, library, name, write, is_over)
    with removing:
        yield saved


async def save_library(
    request: Request, library: LibraryDependency
) -> AsyncIterator[SavedFile[Counts]]:
    """The archive that a request asks for; it is gone when the request is over.

    Raises:
        DiskFull, LibraryUnusable, BackupNotWritten: as `save_file`.
    """
    async with save_file(request, library, FILE_NAME, library.backup) as saved:
        yield saved


@asynccontextmanager
async def _notice_end(request: Request) -> AsyncIterator[threading.Event]:
    """Yields what is set when the client goes away, or the server stops."""
    is_over = threading.Event()

    async def wait_for_end() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        is_over.set()

    waiting = asyncio.create_task(wait_for_end())
    try:
        yield is_over
    except BaseException:
        # A server that stops waits for no thread.
        is_over.set()
        raise
    finally:
        waiting.cancel()


def _write_file(
    library: Library, name: str, write: WritesFile[Written], is_over: threading.Event
) -> tuple[SavedFile[Written], ExitStack]:
    """The file, and what removes it."""

    def check(progress: Progress) -> None:  # noqa: ARG001
        if is_over.is_set():
            raise BackupNotWritten("nobody waits for the backup any more")

    with ExitStack() as removing:
        try:
            scratch = removing.enter_context(
                tempfile.TemporaryDirectory(prefix=SAVING, dir=library.folder)
            )
            file = Path(scratch) / name
            return SavedFile(file, write(file, check)), removing.pop_all()
        except (BackupNotWritten, OSError) as error:
            fault = error if isinstance(error, OSError) else error.__cause__
            if not isinstance(fault, OSError):
                raise
            # Where it lies is nothing to whoever asks.
            reason = f"the backup cannot be written: {fault.strerror or fault}"
            kind = DiskFull if fault.errno in (errno.ENOSPC, errno.EDQUOT) else LibraryUnusable
            raise kind(reason) from error


@router.get("/backup", response_class=StreamingResponse, responses=BACKUP_RESPONSES)
def download_backup(
    saved: Annotated[SavedFile[Counts], Depends(save_library)],
) -> StreamingResponse:
    """The whole library in one file, for `pagelens restore`.

    The answer begins when the archive is whole. Searches go on meanwhile; what is to be added or
    deleted waits.
    """
    # Nothing of it can be asked for again: another archive has other bytes.
    return StreamingResponse(
        read_chunks(saved.file),
        media_type=GZIP,
        headers={
            "Content-Length": str(saved.file.stat().st_size),
            "Content-Disposition": f'attachment; filename="{FILE_NAME}"',
            DOCUMENTS_HEADER: str(saved.told.documents),
            PAGES_HEADER: str(saved.told.pages),
        },
    )


def read_chunks(file: Path) -> Iterator[bytes]:
    """A file, piece by piece."""
    with file.open("rb") as content:
        while chunk := content.read(SENT_BYTES):
            yield chunk
