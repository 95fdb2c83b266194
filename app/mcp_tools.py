"""What the tools for assistants do with an open library, or with the server that holds it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from PIL import Image
from pydantic import BaseModel

from app.api.bodies import DocumentBody, HitBody
from app.asking import Wanted, ask
from app.mcp_bodies import (
    FoundPage,
    FoundPages,
    ListedDocument,
    ListedDocuments,
    MatchedWord,
    SeenPage,
    page_uri,
)
from app.page_views import read_words, show_evidence, show_page, write_lines
from app.small_picture import SmallPicture, shrink_picture
from retrieval.errors import UnknownPage
from retrieval.passages import choose_passages

if TYPE_CHECKING:
    from app.client import PagelensClient
    from app.library import Library

# With base64 a third more: some assistants take no answer of more than a megabyte.
PICTURES_BYTES = 600_000
FOUND_WIDTH_PX = 800
RESOURCE_WIDTH_PX = 1600
TEXT_CHARACTERS = 20_000

Body = TypeVar("Body", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Reply(Generic[Body]):
    """What a tool answers: what a program reads, and pictures."""

    body: Body
    pictures: Sequence[SmallPicture] = ()


def search_pages(
    opened: Library | PagelensClient, question: str, wanted: Wanted, n_pictures: int
) -> Reply[FoundPages]:
    """The pages and photos that answer a question, and pictures of the best.

    Raises:
        UnknownDocument, AmbiguousDocument: none, or more than one, answers to a name.
    """
    answer = ask(opened, question, wanted)
    words = [
        [word.text for word in read_words(opened, hit.document_id, hit.page)] for hit in answer.hits
    ]
    passages = choose_passages(question, words)
    shown = answer.hits[:n_pictures]
    limit_bytes = PICTURES_BYTES // max(1, len(shown))
    pictures = [
        shrink_picture(
            show_page(opened, hit.document_id, hit.page, FOUND_WIDTH_PX),
            FOUND_WIDTH_PX,
            limit_bytes,
        )
        for hit in shown
    ]
    pages = [describe_hit(hit, text) for hit, text in zip(answer.hits, passages, strict=True)]
    found = FoundPages(
        question=question, good_match=answer.good_match, pages=pages, pictures=len(pictures)
    )
    return Reply(found, pictures)


def describe_hit(hit: HitBody, passage: str) -> FoundPage:
    """A page found as an assistant is told of it; of each word the place that answers best."""
    matched: dict[str, MatchedWord] = {}
    for word, (*box, similarity) in zip(hit.words or [], hit.boxes, strict=True):
        x0, y0, x1, y1 = box
        if word and (word not in matched or similarity > matched[word].similarity):
            matched[word] = MatchedWord(word=word, box=(x0, y0, x1, y1), similarity=similarity)
    return FoundPage(
        document=hit.document,
        document_id=hit.document_id,
        page=hit.page,
        kind=hit.kind,
        score=hit.score,
        matched=list(matched.values()),
        passage=passage,
        same_as=hit.duplicates,
        uri=page_uri(hit.document_id, hit.page),
    )


def look_at_page(
    opened: Library | PagelensClient,
    name: str,
    page_number: int,
    question: str | None,
    width_px: int,
) -> Reply[SeenPage]:
    """A page: its picture, with what answers a question lit up if there is one, and its words.

    Raises:
        UnknownDocument, AmbiguousDocument: none, or more than one, answers to the name.
        UnknownPage: the document has no such page, or there is no picture of it.
    """
    document = find_page(opened, name, page_number)
    document_id = document.document_id
    if question is None:
        picture = show_page(opened, document_id, page_number, width_px)
    else:
        picture = show_evidence(opened, document_id, page_number, question)
    small = shrink_picture(picture, width_px, PICTURES_BYTES)
    text = write_lines(read_words(opened, document_id, page_number))
    seen = SeenPage(
        document=document.name,
        document_id=document_id,
        page=page_number,
        pages_in_document=document.pages,
        text=text[:TEXT_CHARACTERS],
        text_is_cut=len(text) > TEXT_CHARACTERS,
        width_px=small.width_px,
        height_px=small.height_px,
        uri=page_uri(document_id, page_number),
    )
    return Reply(seen, [small])


def list_documents(
    opened: Library | PagelensClient, contains: str | None, limit: int, offset: int
) -> Reply[ListedDocuments]:
    """Some of the documents, newest first; all, or those whose name or a tag holds a text."""
    wanted = (contains or "").casefold()
    documents = [
        document
        for document in map(DocumentBody.model_validate, opened.list_documents())
        if any(wanted in text.casefold() for text in (document.name, *document.tags))
    ]
    listed = [
        ListedDocument(
            document=document.name,
            document_id=document.document_id,
            kind=document.kind,
            pages=document.pages,
            tags=document.tags,
            added_at=document.added_at,
        )
        for document in documents[offset : offset + limit]
    ]
    return Reply(ListedDocuments(documents=listed, total=len(documents)))


def draw_page(opened: Library | PagelensClient, document_id: str, page_number: int) -> bytes:
    """The picture of a page as a JPEG file.

    Raises:
        UnknownDocument, UnknownPage: there is no such document or page, or no picture of it.
    """
    document = find_page(opened, document_id, page_number)
    picture: Image.Image = show_page(opened, document.document_id, page_number, RESOURCE_WIDTH_PX)
    return shrink_picture(picture, RESOURCE_WIDTH_PX, PICTURES_BYTES).content


def find_page(opened: Library | PagelensClient, name: str, page_number: int) -> DocumentBody:
    """The document that has a page.

    Raises:
        UnknownDocument, AmbiguousDocument: none, or more than one, answers to the name.
        UnknownPage: it has no such page.
    """
    document = DocumentBody.model_validate(opened.find_document(name))
    if page_number > document.pages:
        pages = "1 page" if document.pages == 1 else f"{document.pages:,} pages"
        raise UnknownPage(f"{document.name} has {pages}, no page {page_number:,}")
    return document
