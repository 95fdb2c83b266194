"""Where a library's index is: in its folder, or on a Qdrant server."""

from __future__ import annotations

from app.settings import Settings
from ingest.database import LIBRARY_ID
from ingest.documents import COLLECTION, Documents
from retrieval.errors import IndexMismatch
from retrieval.index.base import IndexLayout, PageIndex

INDEX_FOLDER = "index"

# Of the library's id in the name of its collection: enough to tell libraries of one server apart.
ID_CHARACTERS = 12


def open_index(settings: Settings, documents: Documents, layout: IndexLayout) -> PageIndex:
    """Opens a library's index, or makes it where the settings say.

    A library stays with the place that its index was made in: in another one its documents would
    be listed, and never found.

    Raises:
        IndexMismatch: the index was made in another place, or for other vectors.
        IndexFailed: it cannot be opened.
    """
    bound = documents.read_setting(COLLECTION)
    folder = settings.library / INDEX_FOLDER
    if settings.qdrant_url is None:
        if bound is not None:
            raise IndexMismatch(
                f"the index of the library {settings.library} is the collection {bound} of a "
                "Qdrant server, and PAGELENS_QDRANT_URL is not set"
            )
        from retrieval.index.edge import EdgeIndex

        return EdgeIndex(folder, layout)
    if folder.exists():
        raise IndexMismatch(
            f"the index of the library {settings.library} is in its folder, not on the Qdrant "
            f"server {settings.qdrant_url}"
        )
    library_id = documents.read_setting(LIBRARY_ID)
    assert library_id is not None, "every library has an id from the start"
    collection = settings.qdrant_collection or bound or f"pagelens-{library_id[:ID_CHARACTERS]}"
    if bound not in (None, collection):
        raise IndexMismatch(
            f"the index of the library {settings.library} is the collection {bound}, not "
            f"{collection}"
        )
    # A collection that is gone, or on another server, must not be met by an empty new one.
    is_new = bound is None
    index = _open_server_index(settings, collection, layout, library_id, may_create=is_new)
    documents.write_setting(COLLECTION, collection)
    return index


def _open_server_index(
    settings: Settings, collection: str, layout: IndexLayout, owner: str, *, may_create: bool
) -> PageIndex:
    # gRPC and the client take a second to load, which a library in a folder need not wait for.
    from retrieval.index.connection import connect
    from retrieval.index.server import QdrantIndex, ServerOptions

    url, key = str(settings.qdrant_url), settings.qdrant_api_key
    client = connect(url, key.get_secret_value() if key else None, settings.qdrant_timeout_s)
    options = ServerOptions(
        place=url,
        owner=owner,
        may_create=may_create,
        shards=settings.qdrant_shards,
        replicas=settings.qdrant_replicas,
        write_consistency=settings.qdrant_write_consistency,
    )
    return QdrantIndex(client, collection, layout, options)
