"""`pagelens ask`: a question, answered from the best pages."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli_filters import (
    AddedFromOption,
    AddedUntilOption,
    DocumentOption,
    KindOption,
    PagesOption,
    TagOption,
    check_days,
    read_page_range,
)
from app.cli_options import JsonOption, LibraryOption, RerankerOption, make_settings, print_json
from app.errors import printable
from retrieval.errors import LibraryBusy

if TYPE_CHECKING:
    from app.api.answer_bodies import AnswerEventBody, AnswerPagesBody, QuoteBody
    from app.client import PagelensClient
    from app.library import Library

NOT_ANSWERED = "  The pages do not hold the answer."


def ask(
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="What is asked.")],
    document: DocumentOption = None,
    kind: KindOption = None,
    tag: TagOption = None,
    pages: PagesOption = None,
    added_from: AddedFromOption = None,
    added_until: AddedUntilOption = None,
    reranker: RerankerOption = None,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer a question from the best pages: in quotes, word for word, or by a model.

    PAGELENS_ANSWER_URL and PAGELENS_ANSWER_MODEL name the model; without them the parts of the
    pages that answer best are quoted. While `pagelens serve` holds the library, it is asked, and
    its own settings count. --json prints a line of JSON for each event of the answer.
    """
    from app.handing_over import open_or_connect

    if not question.strip():
        raise typer.BadParameter("the question is empty")
    check_days(added_from, added_until)
    first, last = read_page_range(pages)
    filters: dict[str, Any] = {
        "documents": document or [],
        "kind": kind,
        "tags": tag or [],
        "first_page": first,
        "last_page": last,
        "added_from": added_from and added_from.date(),
        "added_until": added_until and added_until.date(),
    }
    with open_or_connect(make_settings(library, reranker=reranker)) as opened:
        events = _ask(opened, question, filters, reranker)
        if as_json:
            for event in events:
                print_json(_to_json(event))
        else:
            _print_answer(events)


def _ask(
    opened: Library | PagelensClient, question: str, filters: dict[str, Any], reranker: str | None
) -> Iterator[AnswerEventBody]:
    from app.answer_events import show_event
    from app.api.answer_bodies import read_ask_body
    from app.client import PagelensClient
    from app.filters import build_filter

    if isinstance(opened, PagelensClient):
        if reranker is not None:
            raise LibraryBusy(f"--reranker does not work while {opened.address} serves the library")
        yield from opened.ask(read_ask_body(question, filters))
        return
    where = build_filter(
        opened,
        documents=filters["documents"],
        kind=filters["kind"],
        tags=filters["tags"],
        pages=(filters["first_page"], filters["last_page"]),
        added=(filters["added_from"], filters["added_until"]),
    )
    for event in opened.ask(question, where):
        yield show_event(event)


def _to_json(event: AnswerEventBody) -> dict[str, Any]:
    from app.api.answer_bodies import EVENT_NAMES

    return {"event": EVENT_NAMES[type(event)], **event.model_dump(mode="json")}


def _print_answer(events: Iterator[AnswerEventBody]) -> None:
    from app.api.answer_bodies import (
        AnswerEndBody,
        AnswerPagesBody,
        AnswerTextBody,
        QuoteBody,
    )

    for event in events:
        if isinstance(event, AnswerPagesBody):
            typer.echo(printable(_describe_pages(event)))
        elif isinstance(event, AnswerTextBody):
            # As it comes: a line would be held back until it is whole.
            typer.echo("\n".join(map(printable, event.text.split("\n"))), nl=False)
            sys.stdout.flush()
        elif isinstance(event, QuoteBody):
            _print_quote(event)
        elif isinstance(event, AnswerEndBody):
            _print_end(event.answered, event.seconds)


def _describe_pages(event: AnswerPagesBody) -> str:
    n_pages = len(event.pages)
    told = f"{event.answerer}; {n_pages} {'page' if n_pages == 1 else 'pages'}"
    if event.budget is None:
        return told
    used = event.budget.text_tokens + event.budget.picture_tokens
    return f"{told}, about {used:,} of {event.budget.token_limit:,} tokens"


def _print_quote(quote: QuoteBody) -> None:
    header = f"({quote.header}) " if quote.header else ""
    typer.echo(printable(f"  {header}“{quote.text}” [{quote.document}, p. {quote.page}]"))


def _print_end(is_answered: bool, seconds: float) -> None:
    typer.echo("")
    if not is_answered:
        typer.echo(NOT_ANSWERED)
    typer.echo(f"  {seconds:.1f} s")
