"""The events of an answer as the REST API and `pagelens ask --json` give them."""

from __future__ import annotations

from collections.abc import Sequence

from app.api.answer_bodies import (
    AnswerEndBody,
    AnswerEventBody,
    AnswerPagesBody,
    AnswerTextBody,
    BoxBody,
    BudgetBody,
    CitationBody,
    CitedPageBody,
    QuoteBody,
)
from retrieval.answering.records import (
    AnswerEnd,
    AnswerEvent,
    AnswerPages,
    AnswerText,
    Quote,
)
from retrieval.records import Box


def show_event(event: AnswerEvent) -> AnswerEventBody:
    """One event of an answer as JSON."""
    match event:
        case AnswerPages():
            return _show_pages(event)
        case AnswerText(text):
            return AnswerTextBody(text=text)
        case Quote():
            return QuoteBody(
                kind=event.kind.value,
                text=event.text,
                header=event.header,
                document_id=event.document_id,
                document=event.document,
                page=event.page_number,
                boxes=_show_boxes(event.boxes),
                score=round(event.score, 4),
            )
        case AnswerEnd():
            return AnswerEndBody(
                answered=event.is_answered,
                citations=[
                    CitationBody(
                        document_id=citation.document_id,
                        document=citation.document,
                        page=citation.page_number,
                        boxes=_show_boxes(citation.boxes),
                    )
                    for citation in event.citations
                ],
                seconds=round(event.seconds, 4),
            )


def _show_pages(event: AnswerPages) -> AnswerPagesBody:
    budget = event.budget
    return AnswerPagesBody(
        answerer=event.answerer,
        generated=event.is_generated,
        pages=[
            CitedPageBody(
                document_id=page.document_id,
                document=page.document,
                page=page.page_number,
                kind=page.kind.value,
                label=page.label,
                text=page.has_text,
                picture=page.has_picture,
                cut=page.is_cut,
            )
            for page in event.pages
        ],
        budget=None
        if budget is None
        else BudgetBody(
            page_limit=budget.page_limit,
            token_limit=budget.token_limit,
            text_tokens=budget.text_tokens,
            picture_tokens=budget.picture_tokens,
        ),
    )


def _show_boxes(boxes: Sequence[Box]) -> list[BoxBody]:
    return [(round(x0, 5), round(y0, 5), round(x1, 5), round(y1, 5)) for x0, y0, x1, y1 in boxes]
