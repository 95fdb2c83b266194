"""`pagelens search`: questions, pictures, and pages like one of the library."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

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
from app.cli_options import (
    JsonOption,
    LibraryOption,
    RerankerOption,
    check_exists,
    make_settings,
    print_json,
)
from app.errors import printable
from retrieval.errors import LibraryBusy

if TYPE_CHECKING:
    from app.api.bodies import AnswerBody, HitBody
    from app.asking import Asked, Wanted
    from app.client import PagelensClient
    from app.library import Library
    from retrieval.records import Answer, Box

# Weaker matches are lit up faintly on a page; in a line of text they would only be noise.
MATCH_SHOWN_FROM = 0.6
QUERY_SHOWN_CHARACTERS = 200
CONTEXT_SHOWN_CHARACTERS = 160

NO_GOOD_MATCH = "  no good match: nonsense is answered as well"

LOST_INDEX = "The index holds none of the library's pages: pagelens doctor --repair makes it anew."


def search(
    questions: Annotated[
        list[str] | None, typer.Argument(metavar="QUESTION...", help="One or more questions.")
    ] = None,
    queries: Annotated[
        Path | None,
        typer.Option(help='A file of lines {"id", "text"}; prints one JSON line for each.'),
    ] = None,
    image: Annotated[
        Path | None, typer.Option(help="A picture to search with: a screenshot, a photo, a crop.")
    ] = None,
    like: Annotated[
        str | None, typer.Option(help="A document of the library: find pages like one of its.")
    ] = None,
    page: Annotated[int, typer.Option(min=1, help="With --like: which page.")] = 1,
    region: Annotated[
        str | None,
        typer.Option(
            metavar="X0,Y0,X1,Y1",
            help="With --like: which part of the page, in fractions from its top left corner.",
        ),
    ] = None,
    top_k: Annotated[int, typer.Option(min=1, help="How many pages to show.")] = 10,
    mode: Annotated[
        Literal["hybrid", "visual", "text"],
        typer.Option(
            help="Rank pages by their vectors (visual), by their words (text), or by both.",
        ),
    ] = "hybrid",
    exact: Annotated[
        bool, typer.Option("--exact", help="Compare every page, however large the library is.")
    ] = False,
    document: DocumentOption = None,
    kind: KindOption = None,
    tag: TagOption = None,
    pages: PagesOption = None,
    added_from: AddedFromOption = None,
    added_until: AddedUntilOption = None,
    group: Annotated[
        bool, typer.Option("--group", help="Group what is found by document.")
    ] = False,
    context: Annotated[
        bool, typer.Option("--context", help="Show what the pages before and after each hit say.")
    ] = False,
    save_evidence: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Save each page found with its evidence lit up, also word by word."
        ),
    ] = None,
    reranker: RerankerOption = None,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find the pages and photos that answer a question, or look like a picture.

    While `pagelens serve` holds the library, it is asked; its own reranker is what reads the best
    pages again.
    """
    from app.asking import Like, Wanted
    from app.handing_over import open_or_connect
    from retrieval.evaluation import load_questions

    if sum((bool(questions), queries is not None, image is not None, like is not None)) != 1:
        raise typer.BadParameter(
            "give one of these, and no more: questions, --queries FILE, --image FILE, --like NAME"
        )
    if any(not question.strip() for question in questions or []):
        raise typer.BadParameter("the question is empty")
    if like is None and (region is not None or page != 1):
        raise typer.BadParameter("--page and --region go with --like")
    box = None if region is None else _read_region(region)
    for file in (image, queries):
        if file is not None:
            check_exists(file)
    check_days(added_from, added_until)
    wanted = Wanted(
        limit=top_k,
        documents=tuple(document or ()),
        tags=tuple(tag or ()),
        kind=kind,
        pages=read_page_range(pages),
        added=(added_from and added_from.date(), added_until and added_until.date()),
        mode=mode,
        exact=exact,
        grouped=group,
        with_context=context and queries is None,
        with_words=not as_json and queries is None,
    )
    # Each with what its pictures of evidence are called.
    asked: list[tuple[str, Asked]]
    if queries is not None:
        asked = [(question.id, question.text) for question in load_questions(queries)]
    elif image is not None:
        asked = [("", image)]
    elif like is not None:
        asked = [("", Like(like, page, box))]
    else:
        given = questions or []
        asked = [(str(n) if len(given) > 1 else "", text) for n, text in enumerate(given, 1)]
    settings = make_settings(library, reranker=reranker)
    with open_or_connect(settings) as opened:
        for name, answer in _ask(
            opened, asked, wanted, evidence_folder=save_evidence, reranker=reranker
        ):
            content = answer.model_dump(mode="json", exclude_unset=True)
            if queries is not None:
                hits, is_good = content["hits"], answer.good_match
                print_json({"id": name, "hits": hits, "good_match": is_good})
            elif as_json:
                print_json(content)
            else:
                _print_answer(answer)


def _ask(
    opened: Library | PagelensClient,
    asked: list[tuple[str, Asked]],
    wanted: Wanted,
    *,
    evidence_folder: Path | None,
    reranker: str | None,
) -> Iterator[tuple[str, AnswerBody]]:
    """Yields the answers; the pictures of evidence of each are saved before the next is asked."""
    from app.asking import ask_library, ask_server, read_filter, show_answer
    from app.client import PagelensClient

    if isinstance(opened, PagelensClient):
        for option, value in (("--save-evidence", evidence_folder), ("--reranker", reranker)):
            if value is not None:
                raise LibraryBusy(
                    f"{option} does not work while {opened.address} serves the library"
                )
        for name, what in asked:
            yield name, ask_server(opened, what, wanted)
        return
    if opened.has_lost_its_index():
        typer.echo(LOST_INDEX, err=True)
    where = read_filter(opened, wanted)
    for name, what in asked:
        answer = ask_library(opened, what, wanted, where)
        yield name, show_answer(opened, answer, wanted)
        _save_evidence(opened, answer, evidence_folder, name)


def _read_region(text: str) -> Box:
    from retrieval.records import Box

    try:
        x0, y0, x1, y1 = (float(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"--region {text!r}: not four numbers") from None
    if not (0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1):
        raise typer.BadParameter(
            f"--region {text!r}: fractions of the page from 0 to 1, top left before bottom right"
        )
    return Box(x0, y0, x1, y1)


def _save_evidence(library: Library, answer: Answer, folder: Path | None, prefix: str) -> None:
    if folder is None:
        return
    from app.answer_output import save_evidence

    n_pictures = save_evidence(library, answer, folder, prefix)
    typer.echo(f"Saved {n_pictures:,} pictures of evidence in {folder}.", err=True)


def _print_answer(answer: AnswerBody) -> None:
    typer.echo(printable(textwrap.shorten(answer.query, QUERY_SHOWN_CHARACTERS)))
    if not answer.hits:
        typer.echo("  no page found")
    elif not answer.good_match:
        typer.echo(NO_GOOD_MATCH)
    ranked = list(enumerate(answer.hits, 1))
    if answer.documents is None:
        for rank, hit in ranked:
            _print_hit(hit, rank)
    for document in answer.documents or []:
        typer.echo(printable(f"  {document.document}"))
        for rank, hit in ranked:
            if hit.document_id == document.document_id:
                _print_hit(hit, rank)
    typer.echo(f"  {1000 * answer.seconds:.0f} ms")


def _print_hit(hit: HitBody, rank: int) -> None:
    weighed = zip(hit.words or [], hit.boxes, strict=True)
    matched = " ".join(
        dict.fromkeys(word for word, box in weighed if word and box[4] >= MATCH_SHOWN_FROM)
    )
    alike = ", ".join(f"{other.document}, page {other.page:,}" for other in hit.duplicates)
    typer.echo(
        printable(f"  {rank:2}. {hit.document}, page {hit.page:,}  ")
        + ("" if hit.kind == "page" else f"{hit.kind}  ")
        + f"score {hit.score:.2f}"
        + (f"  matched: {printable(matched)}" if matched else "")
        + (f"  the same: {printable(alike)}" if alike else "")
    )
    for around in hit.context or []:
        shown = textwrap.shorten(around.text, CONTEXT_SHOWN_CHARACTERS)
        typer.echo(printable(f"        page {around.page:,}: {shown}"))
