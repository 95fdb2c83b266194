"""What a library holds, read beside whoever holds it: no lock, no index, no encoder."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from app.migration_record import Migration, Target, count_pages, read_migration, read_order
from ingest.documents import COLLECTION, ENCODER_ID, Counts, Document, Documents
from ingest.job_table import Jobs
from ingest.jobs import Job, JobState
from ingest.sources import Refusal, is_library
from ingest.space_settings import SpaceSettings
from retrieval.disk import count_bytes
from retrieval.errors import InvalidLibraryPath

UNDER_WAY = (JobState.RUNNING, JobState.QUEUED, JobState.PAUSED)


@dataclass(frozen=True, slots=True)
class LibraryStatus:
    """What a library holds, read without opening its index.

    Attributes:
        encoder: the catalog id of the encoder it is bound to; None for an empty library.
        n_bytes: all files of the library folder.
        collection: where a Qdrant server holds its index, which `n_bytes` does not count; None
            where the index is in the folder.
        under_way: jobs that are not over, also where no process works on them now.
        migration: its move to another encoder; None where it has one index alone.
        migrated_pages: how many are in the index that is not searched, and of how many.
        order: the migration that was asked for, as long as it is not begun; None afterwards.
    """

    counts: Counts
    encoder: str | None
    n_bytes: int
    collection: str | None
    documents: tuple[Document, ...]
    refusals: tuple[Refusal, ...]
    under_way: tuple[Job, ...]
    migration: Migration | None = None
    migrated_pages: tuple[int, int] = (0, 0)
    order: Target | None = None


def read_status(
    folder: Path, database_url: SecretStr | None = None, *, may_join: bool = False
) -> LibraryStatus:
    """What a library holds; works while another process holds it, and for an absent one.

    Args:
        folder: the library's.
        database_url: the PostgreSQL database that holds its documents; None for SQLite.
        may_join: whether a new folder may become one more of the library in the database.

    Raises:
        InvalidLibraryPath: the path is a file.
        LibraryMismatch: its documents are in another database.
        LibraryUnusable: that cannot be read.
    """
    if folder.exists() and not folder.is_dir():
        raise InvalidLibraryPath(f"{folder} is a file, not a library folder")
    if not is_library(folder) and not may_join:
        return LibraryStatus(Counts(0, 0, 0, 0, 0, 0), None, 0, None, (), (), ())
    folder.mkdir(parents=True, exist_ok=True)
    with closing(Documents(folder, database_url, may_join=may_join)) as documents:
        return describe_status(folder, documents, Jobs(documents.database))


def describe_status(folder: Path, documents: Documents, jobs: Jobs) -> LibraryStatus:
    """What an open library holds."""
    space = SpaceSettings(documents, documents.active_space())
    migration = read_migration(documents)
    return LibraryStatus(
        documents.count(),
        space.read(ENCODER_ID),
        count_bytes(folder),
        space.read(COLLECTION),
        tuple(documents.list_whole()),
        tuple(jobs.list_failures()),
        tuple(task.job for task in jobs.list_in(*UNDER_WAY)),
        migration,
        count_pages(documents, migration),
        read_order(documents),
    )
