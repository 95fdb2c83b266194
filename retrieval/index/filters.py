"""What a page filter asks of a point, as neutral records; each backend writes them its own way."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from retrieval.index.base import ALL_PAGES, PageFilter


@dataclass(frozen=True, slots=True)
class AnyOf:
    """The field holds at least one of the values."""

    field: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NumberRange:
    """The field lies between two numbers, both included; None where it is open."""

    field: str
    first: int | None
    last: int | None


@dataclass(frozen=True, slots=True)
class TimeRange:
    """The field lies between two times, both included; None where it is open."""

    field: str
    since: datetime | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class HasVector:
    """The point has a vector of this name."""

    name: str


Clause = AnyOf | NumberRange | TimeRange | HasVector


@dataclass(frozen=True, slots=True)
class Clauses:
    """What must hold of a point, and what must not; both empty for every point."""

    must: tuple[Clause, ...] = ()
    must_not: tuple[Clause, ...] = ()


def list_clauses(page_filter: PageFilter = ALL_PAGES, having: str | None = None) -> Clauses:
    """The clauses of a filter.

    Args:
        page_filter: which pages.
        having: a named vector that the points must have: Qdrant finds those without it, too.
    """
    must: list[Clause] = []
    if having is not None:
        must.append(HasVector(having))
    if page_filter.documents is not None:
        must.append(_any_of("document_id", page_filter.documents))
    if page_filter.kind is not None:
        must.append(AnyOf("kind", (page_filter.kind.value,)))
    if page_filter.tags:
        must.append(_any_of("tags", page_filter.tags))
    first, last = page_filter.pages
    if first is not None or last is not None:
        # Stored from 0, asked for from 1.
        numbers = (None if number is None else number - 1 for number in (first, last))
        must.append(NumberRange("page_index", *numbers))
    if page_filter.added != (None, None):
        must.append(TimeRange("added_at", *page_filter.added))
    must_not = (_any_of("document_id", page_filter.excluded),) if page_filter.excluded else ()
    return Clauses(tuple(must), must_not)


def of_documents(document_ids: Collection[str]) -> Clauses:
    """The clauses that hold of every page of these documents."""
    return Clauses((_any_of("document_id", document_ids),))


def _any_of(field: str, values: Collection[str]) -> AnyOf:
    return AnyOf(field, tuple(sorted(values)))
