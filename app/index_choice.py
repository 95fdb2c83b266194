"""Where the index of a library's space is: in its folder, or on a Qdrant server."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from app.settings import Settings
from ingest.database import LIBRARY_ID
from ingest.documents import COLLECTION, FIRST_SPACE
from ingest.space_settings import SpaceSettings
from retrieval.errors import IndexFailed, IndexMismatch
from retrieval.index.base import IndexLayout, PageIndex

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

# Of the first space, and of the only one of a backup.
INDEX_FOLDER = FIRST_SPACE

# Of the library's id in the name of its collection: enough to tell libraries of one server apart.
ID_CHARACTERS = 12


def open_index(settings: Settings, space: SpaceSettings, layout: IndexLayout) -> PageIndex:
    """Opens the index of a space, or makes it where the settings say.

    A library stays with the place that its index was made in: in another one its documents would
    be listed, and never found.

    Raises:
        IndexMismatch: the index was made in another place, or for other vectors.
        IndexFailed: it cannot be opened.
    """
    # That of the first space, by which those of the others are called.
    bound = space.documents.read_setting(COLLECTION)
    folder = index_folder(settings, space)
    if settings.qdrant_url is None:
        if bound is not None:
            raise IndexMismatch(
                f"the index of the library {settings.library} is the collection {bound} of a "
                "Qdrant server, and PAGELENS_QDRANT_URL is not set"
            )
        from retrieval.index.edge import EdgeIndex

        return EdgeIndex(folder, layout, settings.prefetch_pages)
    if folder.exists():
        raise IndexMismatch(
            f"the index of the library {settings.library} is in its folder, not on the Qdrant "
            f"server {settings.qdrant_url}"
        )
    library_id = space.documents.read_setting(LIBRARY_ID)
    assert library_id is not None, "every library has an id from the start"
    collection = settings.qdrant_collection or bound or f"pagelens-{library_id[:ID_CHARACTERS]}"
    if bound not in (None, collection):
        raise IndexMismatch(
            f"the index of the library {settings.library} is the collection {bound}, not "
            f"{collection}"
        )
    collection += space.suffix
    # A collection that is gone, or on another server, must not be met by an empty new one.
    is_new = space.read(COLLECTION) is None
    index = _open_server_index(settings, collection, layout, library_id, may_create=is_new)
    space.write(COLLECTION, collection)
    return index


def index_folder(settings: Settings, space: SpaceSettings) -> Path:
    """Where the index of a space is, unless it is on a server."""
    return settings.library / space.name


def remove_index(settings: Settings, space: SpaceSettings) -> None:
    """Removes the index of a space that no process has open; one that is gone is no error.

    Raises:
        IndexFailed: it cannot be removed.
    """
    collection = space.read(COLLECTION)
    if collection is None:
        folder = index_folder(settings, space)
        try:
            if folder.exists():
                shutil.rmtree(folder)
        except OSError as error:
            reason = error.strerror or error
            raise IndexFailed(f"could not remove the index {folder}: {reason}") from error
        return
    from retrieval.index.server import remove_collection

    remove_collection(_connect(settings), collection, str(settings.qdrant_url))


def _open_server_index(
    settings: Settings, collection: str, layout: IndexLayout, owner: str, *, may_create: bool
) -> PageIndex:
    # gRPC and the client take a second to load, which a library in a folder need not wait for.
    from retrieval.index.server import QdrantIndex, ServerOptions

    options = ServerOptions(
        place=str(settings.qdrant_url),
        owner=owner,
        may_create=may_create,
        shards=settings.qdrant_shards,
        replicas=settings.qdrant_replicas,
        write_consistency=settings.qdrant_write_consistency,
        prefetch_pages=settings.prefetch_pages,
    )
    return QdrantIndex(_connect(settings), collection, layout, options)


def _connect(settings: Settings) -> QdrantClient:
    from retrieval.index.connection import connect

    url, key = str(settings.qdrant_url), settings.qdrant_api_key
    return connect(url, key.get_secret_value() if key else None, settings.qdrant_timeout_s)
