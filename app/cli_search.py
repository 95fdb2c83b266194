"""`pagelens search`: questions, pictures, and pages like one of the library."""

from __future__ import annotations

import textwrap
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from app.cli_options import (
    JsonOption,
    LibraryOption,
    RerankerOption,
    check_exists,
    make_settings,
    open_existing,
    print_json,
)
from app.errors import printable

if TYPE_CHECKING:
    from app.library import Library
    from retrieval.records import Answer, Box, Hit

# Weaker matches are lit up faintly on a page; in a line of text they would only be noise.
MATCH_SHOWN_FROM = 0.6
QUERY_SHOWN_CHARACTERS = 200
CONTEXT_SHOWN_CHARACTERS = 160

NO_GOOD_MATCH = "  no good match: nonsense is answered as well"

LOST_INDEX = "The index holds none of the library's pages: pagelens doctor --repair makes it anew."

DAY = ["%Y-%m-%d"]


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
    document: Annotated[
        list[str] | None, typer.Option(help="Search in this document; may be given repeatedly.")
    ] = None,
    kind: Annotated[
        Literal["page", "photo"] | None, typer.Option(help="Search only pages, or only photos.")
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option(help="Search in what has this tag, or one of several.")
    ] = None,
    pages: Annotated[
        str | None, typer.Option(metavar="FIRST-LAST", help="Search on these pages: 3, 3-7, 3-.")
    ] = None,
    added_from: Annotated[
        datetime | None, typer.Option(formats=DAY, help="Search in what was added since this day.")
    ] = None,
    added_until: Annotated[
        datetime | None, typer.Option(formats=DAY, help="Search in what was added by this day.")
    ] = None,
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
    """Find the pages and photos that answer a question, or look like a picture."""
    from app.filters import build_filter
    from app.output import answer_json, hit_json
    from retrieval.evaluation import load_questions
    from retrieval.search import Mode

    if sum((bool(questions), queries is not None, image is not None, like is not None)) != 1:
        raise typer.BadParameter("give a question, --queries FILE, --image FILE, or --like NAME")
    if any(not question.strip() for question in questions or []):
        raise typer.BadParameter("the question is empty")
    if like is None and (region is not None or page != 1):
        raise typer.BadParameter("--page and --region go with --like")
    box = None if region is None else _read_region(region)
    if image is not None:
        check_exists(image)
    if added_from is not None and added_until is not None and added_from > added_until:
        raise typer.BadParameter("--added-from comes after --added-until")
    page_range = (None, None) if pages is None else _read_page_range(pages)
    settings = make_settings(library, reranker=reranker)
    asked = [] if queries is None else load_questions(queries)
    with open_existing(settings) as opened:
        if opened.has_lost_its_index():
            typer.echo(LOST_INDEX, err=True)
        options: dict[str, Any] = {
            "page_filter": build_filter(
                opened,
                documents=document or (),
                kind=kind,
                tags=tag or (),
                pages=page_range,
                added=(added_from, added_until),
            ),
            "mode": Mode(mode),
            "exact": exact,
        }
        for question in asked:
            answer = opened.search(question.text, top_k, **options)
            hits = [hit_json(hit) for hit in answer.hits]
            print_json({"id": question.id, "hits": hits, "good_match": answer.is_good})
            _save_evidence(opened, answer, save_evidence, question.id)
        if image is not None:
            answers = [opened.search_picture(image, top_k, options["page_filter"])]
        elif like is not None:
            document_id = opened.find_document(like).document_id
            answers = [
                opened.search_like(document_id, page - 1, top_k, box, options["page_filter"])
            ]
        else:
            answers = [opened.search(question, top_k, **options) for question in questions or []]
        for number, answer in enumerate(answers, 1):
            around = [opened.read_around(hit) for hit in answer.hits] if context else None
            if as_json:
                print_json(answer_json(answer, around, grouped=group))
            else:
                _print_answer(answer, around, grouped=group)
            prefix = str(number) if len(answers) > 1 else ""
            _save_evidence(opened, answer, save_evidence, prefix)


def _read_page_range(text: str) -> tuple[int | None, int | None]:
    first, dash, last = (part.strip() for part in text.partition("-"))
    if not (first or last) or not all(part.isdecimal() for part in (first, last) if part):
        raise typer.BadParameter(f"--pages {text!r}: not a page number, nor two with a dash")
    bounds = (int(first) if first else None, int(last) if last else None)
    if 0 in bounds:
        raise typer.BadParameter(f"--pages {text!r}: the first page is page 1")
    if not dash:
        return bounds[0], bounds[0]
    if bounds[0] is not None and bounds[1] is not None and bounds[0] > bounds[1]:
        raise typer.BadParameter(f"--pages {text!r}: the first page comes after the last")
    return bounds


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
    from app.output import save_evidence

    n_pictures = save_evidence(library, answer, folder, prefix)
    typer.echo(f"Saved {n_pictures:,} pictures of evidence in {folder}.", err=True)


def _print_answer(
    answer: Answer, around: list[list[tuple[int, str]]] | None, *, grouped: bool
) -> None:
    typer.echo(printable(textwrap.shorten(answer.query, QUERY_SHOWN_CHARACTERS)))
    if not answer.hits:
        typer.echo("  no page found")
    elif not answer.is_good:
        typer.echo(NO_GOOD_MATCH)
    neighbours = dict(zip(answer.hits, around, strict=True)) if around is not None else {}
    rank_of = {hit: rank for rank, hit in enumerate(answer.hits, 1)}
    groups = answer.by_document if grouped else [answer.hits]
    for hits in groups:
        if grouped:
            typer.echo(printable(f"  {hits[0].document}"))
        for hit in hits:
            _print_hit(hit, rank_of[hit])
            for page_number, text in neighbours.get(hit, []):
                shown = textwrap.shorten(text, CONTEXT_SHOWN_CHARACTERS)
                typer.echo(printable(f"        page {page_number:,}: {shown}"))
    typer.echo(f"  {1000 * answer.seconds:.0f} ms")


def _print_hit(hit: Hit, rank: int) -> None:
    matched = " ".join(
        dict.fromkeys(m.token for m in hit.matches if m.weight >= MATCH_SHOWN_FROM and m.token)
    )
    alike = ", ".join(f"{document}, page {page:,}" for document, page in hit.duplicates)
    typer.echo(
        printable(f"  {rank:2}. {hit.document}, page {hit.page_number:,}  ")
        + ("photo  " if hit.kind.value == "photo" else "")
        + f"score {hit.score:.2f}"
        + (f"  matched: {printable(matched)}" if matched else "")
        + (f"  the same: {printable(alike)}" if alike else "")
    )
