"""Which pages a search may return, from what command line and API are given."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time
from typing import TYPE_CHECKING

from retrieval.index.base import PageFilter
from retrieval.records import Kind

if TYPE_CHECKING:
    from app.library import Library


def build_filter(
    library: Library,
    *,
    documents: Iterable[str] = (),
    kind: str | None = None,
    tags: Iterable[str] = (),
    pages: tuple[int | None, int | None] = (None, None),
    added: tuple[date | None, date | None] = (None, None),
) -> PageFilter:
    """The filter of a search.

    Args:
        library: knows the documents.
        documents: names, ids or prefixes of ids; none for all.
        kind: "page", "photo" or "sound"; None for all.
        tags: the document bears at least one of these; none for any document.
        pages: first and last page number, 1-based, both included; None where it is open.
        added: first and last day, by this machine's clock; None where it is open.

    Raises:
        UnknownDocument, AmbiguousDocument: none, or more than one, answers to a name.
    """
    ids = frozenset(library.find_document(name).document_id for name in documents)
    first, last = added
    return PageFilter(
        documents=ids or None,
        kind=None if kind is None else Kind(kind),
        tags=frozenset(tags),
        pages=pages,
        added=(
            None if first is None else datetime.combine(first, time.min).astimezone(),
            None if last is None else datetime.combine(last, time.max).astimezone(),
        ),
    )
