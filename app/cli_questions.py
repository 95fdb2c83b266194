"""`pagelens questions`: the library's own evaluation set."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli_options import (
    JsonOption,
    LibraryOption,
    check_library,
    make_settings,
    print_json,
)
from app.errors import printable
from retrieval.errors import AnswerFailed, UnknownQuestion

if TYPE_CHECKING:
    from app.api.question_bodies import ImportReportBody, QuestionBody
    from app.client import PagelensClient
    from app.library_questions import LibraryQuestions
    from ingest.progress import IngestReport, OnProgress

    QuestionCalls = LibraryQuestions | PagelensClient

TEXT_SHOWN_CHARACTERS = 100
# So short a beginning of an id is more likely a text.
ID_PREFIX_CHARACTERS = 6
# Pages that could not be matched, of which each is told; JSON has them all.
UNMATCHED_SHOWN = 20

questions = typer.Typer(
    name="questions",
    help="The library's own evaluation set: questions, and the pages that answer them.",
    no_args_is_help=True,
)

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="Of a question, or its beginning.")]
DocumentArgument = Annotated[
    str, typer.Argument(metavar="DOCUMENT", help="Its name, id, or beginning of an id.")
]
PageArgument = Annotated[int, typer.Argument(min=1, max=1_000_000, help="The page's number.")]


@questions.command("list")
def list_questions(
    unchecked: Annotated[
        bool, typer.Option("--unchecked", help="Only those that nobody has checked yet.")
    ] = False,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the questions, oldest first; also while another process holds the library."""
    from app.question_output import read_questions

    settings = make_settings(library)
    check_library(settings)
    found = [q for q in read_questions(settings) if not (unchecked and q.checked)]
    if as_json:
        print_json([question.model_dump(mode="json") for question in found])
        return
    for question in found:
        _print_question(question)
    n_unchecked = sum(not question.checked for question in found)
    typer.echo(f"{_count(len(found))}, {n_unchecked:,} of them unchecked")


@questions.command()
def add(
    text: Annotated[str, typer.Argument(help="The question.")],
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a question; `mark` says which pages answer it."""
    from app.api.question_bodies import NewQuestionBody
    from ingest.questions import clean_text

    question = NewQuestionBody(text=clean_text(text))
    with _open(library) as calls:
        _show(calls.add_question(question), as_json)


@questions.command()
def mark(
    question: Annotated[str, typer.Argument(help="The id of a question, or any question's text.")],
    document: DocumentArgument,
    page: PageArgument = 1,
    relevance: Annotated[
        int, typer.Option(min=0, max=100, help="The grade: 1 or more answers, 0 does not.")
    ] = 1,
    undo: Annotated[bool, typer.Option("--undo", help="Take back what was said of it.")] = False,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that a page answers a question, which is added if it is new.

    A question of yours goes with the last page that is taken back.
    """
    from app.api.question_bodies import MarkBody
    from ingest.questions import clean_text

    text = clean_text(question)
    with _open(library) as calls:
        known = _find(calls, question)
        said = MarkBody(
            text=text if known is None else known.text,
            document_id=calls.find_document(document).document_id,
            page=page,
            relevance=None if undo else relevance,
        )
        marked = calls.mark_page(said)
    if marked is not None:
        _show(marked, as_json)
    elif as_json:
        print_json({})
    else:
        typer.echo("No page is left of it: it was removed.")


@questions.command()
def edit(
    question: IdArgument,
    text: Annotated[str | None, typer.Option(help="What it shall say.")] = None,
    checked: Annotated[
        bool | None,
        typer.Option("--checked/--unchecked", help="Whether it counts when searches are measured."),
    ] = None,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change a question, or accept one that was proposed (--checked)."""
    if text is None and checked is None:
        raise typer.BadParameter("give --text, --checked or --unchecked")
    from app.api.question_bodies import QuestionChangesBody
    from ingest.questions import clean_text

    changes = QuestionChangesBody(text=None if text is None else clean_text(text), checked=checked)
    with _open(library) as calls:
        _show(calls.edit_question(_find_id(calls, question), changes), as_json)


@questions.command()
def remove(
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Of questions.")],
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove questions; those that were proposed are not proposed again."""
    with _open(library) as calls:
        removed = [_find_id(calls, name) for name in ids]
        for question_id in removed:
            calls.remove_question(question_id)
    if as_json:
        print_json({"deleted": removed})
    else:
        typer.echo(f"Removed {_count(len(removed))}.")


@questions.command("import")
def import_questions(
    folder: Annotated[
        Path,
        typer.Argument(help="Holds queries.jsonl, qrels.tsv and corpus/, or files of its names."),
    ],
    ingest: Annotated[
        bool, typer.Option("--ingest", help="Add the files of corpus/ to the library first.")
    ] = False,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add the questions of an evaluation folder whose documents the library holds.

    Documents are told by their bytes, then by their names.
    """
    from app.progress import show_progress
    from app.question_folder import CORPUS, read_folder

    read = read_folder(folder)
    with _open(library) as calls:
        if ingest:
            with show_progress() as on_progress:
                added = _ingest(calls, folder / CORPUS, on_progress)
            for refusal in added.failed:
                typer.echo(printable(f"refused {refusal.path}: {refusal.error}"), err=True)
        report = calls.import_questions(read)
    if as_json:
        print_json(report.model_dump(mode="json"))
    else:
        _print_report(report)


@questions.command()
def export(
    folder: Annotated[Path, typer.Argument(help="Is made; must be empty if it is there.")],
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the checked questions, with all documents, for `pagelens evaluate FOLDER`."""
    from app.progress import show_progress
    from retrieval.evaluation import load_evaluation_set

    with _open(library) as calls, show_progress() as on_progress:
        calls.export_questions(folder, on_progress)
    n_questions = len(load_evaluation_set(folder).questions)
    if as_json:
        print_json({"questions": n_questions, "folder": str(folder)})
    else:
        typer.echo(printable(f"Wrote {_count(n_questions)} into {folder}."))


@questions.command()
def propose(
    endpoint: Annotated[
        bool,
        typer.Option(
            "--endpoint",
            help="Written by the model of PAGELENS_ANSWER_URL, one for each of some pages; else "
            "headings and captions of tables, word for word.",
        ),
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 50,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Propose questions for you to check: none counts before `edit ID --checked`."""
    from app.api.question_bodies import ProposeBody
    from app.progress import show_progress
    from ingest.progress import Progress

    stage = "asking" if endpoint else "proposing"
    with _open(library) as calls, show_progress() as on_progress:
        for state in calls.propose_questions(ProposeBody(limit=limit, with_model=endpoint)):
            on_progress(Progress(stage, state.done, state.total, ""))
    if state.error is not None:
        raise AnswerFailed(f"{_count(state.proposed)} proposed, then: {state.error}")
    if as_json:
        print_json({"proposed": state.proposed})
    else:
        typer.echo(
            f"Proposed {_count(state.proposed)}; `pagelens questions list --unchecked` lists them."
        )


@contextmanager
def _open(library: Path | None) -> Iterator[QuestionCalls]:
    """The library's questions, or those of the server that holds it."""
    from app.client import PagelensClient
    from app.handing_over import open_or_connect

    opened = open_or_connect(make_settings(library))
    with opened:
        if isinstance(opened, PagelensClient):
            yield opened
        else:
            from app.library_questions import LibraryQuestions

            yield LibraryQuestions(opened)


def _find(calls: QuestionCalls, name: str) -> QuestionBody | None:
    """The one question of this id, or of this beginning of one."""
    known = calls.list_questions()
    found = [question for question in known if question.question_id == name]
    if not found and len(name) >= ID_PREFIX_CHARACTERS:
        found = [question for question in known if question.question_id.startswith(name)]
    return found[0] if len(found) == 1 else None


def _find_id(calls: QuestionCalls, name: str) -> str:
    found = _find(calls, name)
    if found is None:
        raise UnknownQuestion(f"no question has the id {name!r}, nor one alone this beginning")
    return found.question_id


def _ingest(calls: QuestionCalls, corpus: Path, on_progress: OnProgress) -> IngestReport:
    from app.client import PagelensClient
    from app.handing_over import hand_over

    if isinstance(calls, PagelensClient):
        return hand_over(calls.address, make_settings(None), [corpus], on_progress)
    return calls.library.ingest([corpus], on_progress)


def _show(question: QuestionBody, as_json: bool) -> None:
    if as_json:
        print_json(question.model_dump(mode="json"))
    else:
        _print_question(question)


def _print_question(question: QuestionBody) -> None:
    from app.question_output import ORIGINS

    state = "" if question.checked else ", unchecked"
    shown = textwrap.shorten(question.text, TEXT_SHOWN_CHARACTERS)
    typer.echo(
        printable(f"{question.question_id:12}  {shown}  ({ORIGINS[question.origin.value]}{state})")
    )
    for page in question.pages:
        name = page.document or f"{page.document_id[:12]}, no longer in the library"
        grade = "" if page.relevance == 1 else f"  relevance {page.relevance}"
        typer.echo(printable(f"              {name}, page {page.page:,}{grade}"))


def _print_report(report: ImportReportBody) -> None:
    for page in report.unmatched[:UNMATCHED_SHOWN]:
        told = f"{page.question_id}: {page.document}, page {page.page:,}: {page.reason}"
        typer.echo(printable(told), err=True)
    if len(report.unmatched) > UNMATCHED_SHOWN:
        typer.echo(f"... and {len(report.unmatched) - UNMATCHED_SHOWN:,} pages more", err=True)
    typer.echo(
        f"Added {_count(report.added)}; {report.updated:,} updated, {report.unchanged:,} there "
        f"already, {len(report.left_out):,} left out: no page of the library answers them."
    )


def _count(n_questions: int) -> str:
    from app.wording import count_things

    return count_things(n_questions, "question")
