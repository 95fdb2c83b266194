"""What goes wrong with an index, in a folder or on a Qdrant server."""

from __future__ import annotations

from retrieval.errors.base import PagelensError


class IndexFailed(PagelensError):
    """The vector index could not be opened, read or written."""

    exit_code = 7
    remedy = (
        "Check the free space and the rights of the library folder, then run the command again."
    )


class IndexServerFailed(IndexFailed):
    """The Qdrant server that holds the index does not answer, or refused what it was asked."""

    remedy = (
        "Check that the Qdrant server at PAGELENS_QDRANT_URL runs and can be reached, and "
        "PAGELENS_QDRANT_API_KEY; then run the command again."
    )


class IndexMismatch(PagelensError):
    """The library's vectors are in another place, or that place was made for other vectors."""

    exit_code = 6
    remedy = (
        "Set PAGELENS_QDRANT_URL and PAGELENS_QDRANT_COLLECTION as they were when the library was "
        "made, or name a new folder with --library."
    )
