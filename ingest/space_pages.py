"""What the space of a library holds that is not searched, page by page, in its table."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, delete, func, insert, literal, select, tuple_, update

from ingest.database import Database
from ingest.documents import write_settings
from ingest.tables import DOCUMENTS, PAGES, SPACE_PAGES
from retrieval.records import TextSource

PageKey = tuple[str, int]

# Rows that are removed at once: databases take only so many values.
REMOVED_ROWS = 200

IS_SAME_PAGE = and_(
    SPACE_PAGES.c.document_id == PAGES.c.document_id,
    SPACE_PAGES.c.page_index == PAGES.c.page_index,
)


@dataclass(frozen=True, slots=True)
class SpacePage:
    """A page as it was written to a space.

    Attributes:
        document_id: SHA-256 of the file's bytes.
        page_index: 0-based.
        text_source: where its words are from there.
        n_vectors: how many it has there.
        tags: of its document, when it was written.
    """

    document_id: str
    page_index: int
    text_source: TextSource
    n_vectors: int
    tags: tuple[str, ...]


class SpacePages:
    """The pages that were written to one space while another is searched."""

    def __init__(self, database: Database, space: str) -> None:
        """Reads nothing yet.

        Args:
            database: the library's.
            space: the name of the space.
        """
        self._database = database
        self._space = space
        self._is_here = SPACE_PAGES.c.space == space

    def record(self, pages: Sequence[SpacePage]) -> None:
        """Notes pages that are written, in place of what was noted of them before."""
        rows = [
            {
                "space": self._space,
                "document_id": page.document_id,
                "page_index": page.page_index,
                "text_source": page.text_source.value,
                "n_vectors": page.n_vectors,
                "tags": page.tags,
            }
            for page in pages
        ]
        self._database.put(SPACE_PAGES, rows)

    def list_found(self) -> set[PageKey]:
        """(document id, page index) of every page noted that has vectors."""
        asked = select(SPACE_PAGES.c.document_id, SPACE_PAGES.c.page_index).where(
            self._is_here, SPACE_PAGES.c.n_vectors > 0
        )
        with self._database.read() as rows:
            return {(document_id, index) for document_id, index in rows.execute(asked)}

    def list_missing(self) -> list[tuple[str, int, TextSource]]:
        """(document id, page index, where its words are from) of the library's pages not noted.

        Pages that could not be rendered when they were added are none. Those of a document stand
        together, in order.
        """
        asked = (
            select(PAGES.c.document_id, PAGES.c.page_index, PAGES.c.text_source)
            .outerjoin(SPACE_PAGES, and_(IS_SAME_PAGE, self._is_here))
            .where(PAGES.c.error.is_(None), SPACE_PAGES.c.space.is_(None))
            .order_by(PAGES.c.document_id, PAGES.c.page_index)
        )
        with self._database.read() as rows:
            return [(id_, index, TextSource(source)) for id_, index, source in rows.execute(asked)]

    def list_tags(self) -> set[tuple[str, tuple[str, ...]]]:
        """(document id, its tags when a page of it was written), each once."""
        asked = (
            select(SPACE_PAGES.c.document_id, SPACE_PAGES.c.tags).where(self._is_here).distinct()
        )
        with self._database.read() as rows:
            return {(document_id, tags) for document_id, tags in rows.execute(asked)}

    def write_tags(self, document_id: str, tags: tuple[str, ...]) -> None:
        """Notes that all pages of a document have these tags now."""
        with self._database.write() as rows:
            of_document = SPACE_PAGES.c.document_id == document_id
            rows.execute(update(SPACE_PAGES).where(self._is_here, of_document).values(tags=tags))

    def count(self) -> tuple[int, int]:
        """How many of the library's pages are noted, and how many there are."""
        asked = (
            select(func.count(SPACE_PAGES.c.space), func.count())
            .select_from(PAGES)
            .outerjoin(SPACE_PAGES, and_(IS_SAME_PAGE, self._is_here))
            .where(PAGES.c.error.is_(None))
        )
        with self._database.read() as rows:
            noted, total = rows.execute(asked).one()
        return noted, total

    def forget(self, pages: Collection[PageKey]) -> None:
        """Notes that these pages are not written after all."""
        key, left = tuple_(SPACE_PAGES.c.document_id, SPACE_PAGES.c.page_index), list(pages)
        while left:
            some, left = left[:REMOVED_ROWS], left[REMOVED_ROWS:]
            self._remove(key.in_(some))

    def clear(self) -> None:
        """Forgets all pages: the space is removed."""
        with self._database.write() as rows:
            rows.execute(delete(SPACE_PAGES).where(self._is_here))

    def _remove(self, condition: ColumnElement[bool]) -> None:
        with self._database.write() as rows:
            rows.execute(delete(SPACE_PAGES).where(self._is_here, condition))


def switch_spaces(
    database: Database, before: str, after: str, settings: Mapping[str, str | None]
) -> None:
    """Makes the pages of a library those of another space, all at once.

    What is known of them in the space before is noted, in case it is searched again.

    Args:
        database: the library's.
        before: the space that was searched.
        after: the space that is searched from now on.
        settings: are written in the same transaction; they say so.
    """
    noted = [column.name for column in SPACE_PAGES.columns]
    of_before = (
        select(
            literal(before),
            PAGES.c.document_id,
            PAGES.c.page_index,
            PAGES.c.text_source,
            PAGES.c.n_vectors,
            DOCUMENTS.c.tags,
        )
        .join(DOCUMENTS)
        .where(PAGES.c.error.is_(None))
    )
    is_after = and_(IS_SAME_PAGE, SPACE_PAGES.c.space == after)
    with database.write() as rows:
        rows.execute(delete(SPACE_PAGES).where(SPACE_PAGES.c.space == before))
        rows.execute(insert(SPACE_PAGES).from_select(noted, of_before))
        rows.execute(
            update(PAGES)
            .where(select(SPACE_PAGES.c.space).where(is_after).exists())
            .values(
                text_source=select(SPACE_PAGES.c.text_source).where(is_after).scalar_subquery(),
                n_vectors=select(SPACE_PAGES.c.n_vectors).where(is_after).scalar_subquery(),
            )
        )
        rows.execute(delete(SPACE_PAGES).where(SPACE_PAGES.c.space == after))
        write_settings(rows, settings)
