"""The library's own evaluation set: marked, imported, exported, measured, proposed, saved."""

import json
import shutil
import threading
from contextlib import closing
from datetime import datetime, timezone

import pytest

from app.evaluate import evaluate_folder, evaluate_library
from app.library import Library
from app.question_folder import ReadPage, ReadQuestion, build_export, read_folder
from app.restore import restore_library
from app.settings import Settings
from ingest.documents import Document, Documents
from ingest.media_types import MediaType
from ingest.questions import Questions
from retrieval.errors import (
    AnswerFailed,
    BackupNotWritten,
    InvalidEvaluationSet,
    InvalidSetting,
    JobNotPossible,
    NoQuestions,
    ReadOnlyLibrary,
    UnknownDocument,
    UnknownPage,
)
from retrieval.questions import QuestionOrigin, RelevantPage
from retrieval.records import Kind
from tests.answer_server import serve_answers
from tests.documents import new_pdf, write_text_pdf
from tests.libraries import copy_library

MASTER = "Who collects the mooring fees?"
FLAGS = "Which flag warns of a storm?"
BREAD = "Where is rye bread sold?"
WAIT_S = 120


def silent(progress):
    pass


def write_guide(path):
    """A guide with an outline, lines in large type on every page, and a table."""
    pdf = new_pdf()

    def write(text, size_pt=11):
        pdf.set_font_size(size_pt)
        pdf.multi_cell(w=0, text=text, new_x="LMARGIN", new_y="NEXT")

    def begin(title):
        pdf.add_page()
        pdf.start_section(title)
        # The head of every page.
        write("A Guide to Haldry Harbour", 15)
        write(title, 18)

    begin("1 Introduction")
    write("This little book is for those who come by sea, in a small boat and for the first time.")
    begin("2 Anchoring in the northern bay")
    write("The northern bay is shallow, and its ground of clay holds an anchor well in any wind.")
    begin("3 Lights of the coast")
    write("Three lights are seen from the sea, and the tallest of them is that of the old tower.")
    write("Table 1: Heights of the lights above the sea\n", 11)
    for row in ("Old tower     31 m", "Pier head     9 m"):
        write(row)
    pdf.output(str(path))
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    write_guide(folder / "guide.pdf")
    write_text_pdf(
        folder / "harbour.pdf",
        "The harbour master collects mooring fees from every yacht on the first of May.",
        "Storm warnings are shown as red flags on the mast beside the lighthouse.",
    )
    write_text_pdf(folder / "bakery.pdf", "Our bakery sells rye bread, plum cake and warm rolls.")
    return folder


@pytest.fixture(scope="module")
def made(files, tmp_path_factory):
    """A library of three documents, which no process holds."""
    folder = tmp_path_factory.mktemp("made") / "library"
    with Library(Settings(library=folder)) as library:
        assert library.ingest([files], silent).documents == 3
    return folder


@pytest.fixture(scope="module")
def opened(made, tmp_path_factory):
    """A copy of it that stays open."""
    folder = tmp_path_factory.mktemp("opened") / "library"
    copy_library(made, folder)
    with Library(Settings(library=folder)) as library:
        yield library


@pytest.fixture
def library(opened):
    """It, without a question at first."""
    yield opened
    with opened._documents.database.write() as rows:
        rows.exec_driver_sql("DELETE FROM evaluation_questions")


@pytest.fixture(scope="module")
def endpoint():
    with serve_answers() as server:
        yield server


@pytest.fixture(scope="module")
def writing(made, endpoint, tmp_path_factory):
    """A library with a model that writes."""
    folder = tmp_path_factory.mktemp("writing") / "library"
    copy_library(made, folder)
    settings = Settings(library=folder, answer_url=endpoint.url, answer_model="seer")
    with Library(settings) as library:
        yield library


def write_set(folder, questions, qrels, corpus=()):
    """An evaluation folder: questions by id, and lines of qrels."""
    (folder / "corpus").mkdir(parents=True)
    for file, name in corpus:
        shutil.copy(file, folder / "corpus" / name)
    rows = (json.dumps({"id": id_, "text": text}) for id_, text in questions.items())
    (folder / "queries.jsonl").write_text("\n".join(rows))
    lines = ("\t".join(map(str, row)) for row in qrels)
    (folder / "qrels.tsv").write_text("\n".join(["query-id\tfile\tpage\trelevance", *lines]))
    return folder


def page_of(library, name, page_number, relevance=1):
    return RelevantPage(library.find_document(name).document_id, page_number - 1, relevance)


def texts(library, **options):
    return [question.text for question in library.list_questions(**options)]


def test_a_page_is_marked_for_the_search_that_found_it(library):
    hit = library.search(MASTER, 1).hits[0]
    marked = library.mark_page(MASTER, hit.document_id, hit.page_index)
    assert library.list_questions() == [marked] == library.list_judged_questions()
    assert marked.pages == (page_of(library, "harbour.pdf", 1),)
    library.unmark_page(MASTER, hit.document_id, hit.page_index)
    assert library.list_questions(checked_only=False) == []


def test_only_pages_of_the_library_are_judged(library):
    with pytest.raises(UnknownPage, match=r"bakery\.pdf: there is no page 2"):
        library.mark_page(BREAD, "bakery.pdf", 1)
    with pytest.raises(UnknownDocument):
        library.add_question(BREAD, [RelevantPage("0" * 64, 0)])
    added = library.add_question(BREAD, is_checked=False)
    assert library.list_questions() == []
    with pytest.raises(UnknownPage):
        library.edit_question(added.question_id, pages=[page_of(library, "bakery.pdf", 9)])
    pages = [page_of(library, "bakery.pdf", 1, 2)]
    edited = library.edit_question(added.question_id, pages=pages, is_checked=True)
    assert library.list_judged_questions() == [edited]


def test_pages_of_documents_that_are_gone_do_not_count_until_they_are_back(library, files):
    library.mark_page(BREAD, "bakery.pdf", 0)
    library.mark_page(BREAD, "harbour.pdf", 0, 0)
    asked = library.find_question(BREAD)
    library.delete(library.find_document("bakery.pdf").document_id)
    try:
        assert library.find_question(BREAD) == asked
        # What is left does not answer it.
        assert library.list_judged_questions() == []
        # It can be edited all the same.
        library.edit_question(asked.question_id, pages=asked.pages)
    finally:
        library.ingest([files / "bakery.pdf"], silent)
    assert library.list_judged_questions() == [asked]


def test_questions_of_a_folder_are_matched_by_bytes_then_by_names(library, files, tmp_path):
    folder = write_set(
        tmp_path / "set",
        {"q1": MASTER, "q2": BREAD, "q/3": FLAGS, "q4": "Nobody knows?", "q5": "Who is nobody?"},
        [
            ("q1", "called-otherwise.pdf", 1, 2),
            ("q1", "harbour.pdf", 9, 1),
            ("q2", "bakery.pdf", 1, 1),
            ("q2", "absent.pdf", 1, 1),
            ("q/3", "harbour.pdf", 2, 1),
            ("q/3", "harbour.pdf", 1, 0),
            ("q4", "absent.pdf", 1, 1),
        ],
        [(files / "harbour.pdf", "called-otherwise.pdf")],
    )
    report = library.import_questions(read_folder(folder))
    assert (report.n_added, report.n_updated, report.n_unchanged) == (3, 0, 0)
    assert report.left_out == ("q4", "q5")
    assert [(page.question_id, page.document, page.reason) for page in report.unmatched] == [
        ("q1", "harbour.pdf", "the document has 2 pages"),
        ("q2", "absent.pdf", "no document has its bytes or its name"),
        ("q4", "absent.pdf", "no document has its bytes or its name"),
    ]
    first, second, third = library.list_questions()
    assert (first.question_id, first.origin) == ("q1", QuestionOrigin.IMPORT)
    assert first.pages == (page_of(library, "harbour.pdf", 1, 2),)
    assert second.pages == (page_of(library, "bakery.pdf", 1),)
    # An id that no address can hold is another here.
    assert third.question_id != "q/3"
    assert [page.relevance for page in third.pages] == [0, 1]

    again = library.import_questions(read_folder(folder))
    assert (again.n_added, again.n_updated, again.n_unchanged) == (0, 0, 3)


def test_a_question_that_is_known_is_judged_by_the_folder_as_well(library):
    library.add_question(BREAD, [page_of(library, "harbour.pdf", 2)], is_checked=False)
    page = ReadPage("bakery.pdf", None, 1, 3)
    report = library.import_questions([ReadQuestion("q1", "where is RYE bread sold?", (page,))])
    assert (report.n_added, report.n_updated) == (0, 1)
    (question,) = library.list_questions()
    assert set(question.pages) == {
        page_of(library, "harbour.pdf", 2),
        page_of(library, "bakery.pdf", 1, 3),
    }
    assert question.text == BREAD


def test_what_is_exported_measures_as_the_library_does(library, tmp_path):
    for text, name, index, relevance in (
        (MASTER, "harbour.pdf", 0, 2),
        (MASTER, "harbour.pdf", 1, 0),
        (BREAD, "bakery.pdf", 0, 1),
        (FLAGS, "harbour.pdf", 1, 1),
    ):
        library.mark_page(text, name, index, relevance)
    library.add_question("Nobody knows?")
    export = library.export_questions(tmp_path / "out", silent)
    assert (export.n_questions, export.n_pages) == (3, 4)
    # Searches are measured among all documents.
    names = {path.name for path in (tmp_path / "out" / "corpus").iterdir()}
    assert names == {"guide.pdf", "harbour.pdf", "bakery.pdf"}
    # It can be read back: nothing changes.
    report = library.import_questions(read_folder(tmp_path / "out"))
    assert (report.n_unchanged, report.unmatched) == (3, ())
    with pytest.raises(BackupNotWritten, match="is there already, and no empty folder"):
        library.export_questions(tmp_path / "out", silent)

    copy_library(library.folder, tmp_path / "copy")
    settings = Settings(library=tmp_path / "copy")
    own = evaluate_library(settings, silent)
    assert own.search.metrics["recall@5"] == 1.0
    assert own.search.split["text-layer"][0] == 3
    assert (own.n_pages, own.pages_per_second, own.failed) == (6, None, ())
    exported = evaluate_folder(tmp_path / "out", settings, silent)
    assert exported.search.metrics == own.search.metrics


def test_without_a_checked_question_there_is_nothing_to_measure_or_export(library, made, tmp_path):
    library.add_question(BREAD, [page_of(library, "bakery.pdf", 1)], is_checked=False)
    with pytest.raises(NoQuestions):
        library.export_questions(tmp_path / "out", silent)
    assert not (tmp_path / "out").exists()
    with pytest.raises(NoQuestions):
        evaluate_library(Settings(library=made), silent)


def test_files_of_one_name_are_told_apart_and_no_name_leads_elsewhere():
    def build(id_, name):
        now = datetime.now(timezone.utc)
        return Document(id_ * 64, name, MediaType.PDF, Kind.PAGE, 1, 1, now)

    names = ["report.pdf", "REPORT.pdf", "../../etc/passwd", ".hidden", "a\tb\n.pdf", "é" * 300]
    documents = [build(f"{place:x}", name) for place, name in enumerate(names)]
    files = build_export([], documents).files
    assert files["0" * 64] == "report.pdf"
    assert files["1" * 64] == f"REPORT-{'1' * 12}.pdf"
    assert files["2" * 64] == "_.._etc_passwd"
    assert files["3" * 64] == "hidden"
    assert files["4" * 64] == "a_b_.pdf"
    assert len(files["5" * 64].encode()) < 255
    assert all("/" not in name and not name.startswith(".") for name in files.values())


def test_a_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(InvalidEvaluationSet, match="is not a folder"):
        read_folder(tmp_path / "absent")
    (tmp_path / "queries.jsonl").write_text('{"id": "1", "text": "a"}')
    with pytest.raises(InvalidEvaluationSet, match=r"qrels\.tsv cannot be read"):
        read_folder(tmp_path)


def test_titles_are_proposed_once_and_count_when_they_are_checked(library):
    seen = []
    proposed = list(library.propose_questions(seen.append))
    assert {question.text: question.pages for question in proposed} == {
        "Anchoring in the northern bay": (page_of(library, "guide.pdf", 2),),
        "Lights of the coast": (page_of(library, "guide.pdf", 3),),
        "Heights of the lights above the sea": (page_of(library, "guide.pdf", 3),),
    }
    assert {question.origin for question in proposed} == {QuestionOrigin.HEADINGS}
    assert (seen[0].done, seen[-1].done, seen[-1].total) == (0, 3, 3)
    assert library.list_questions() == []

    first, second, third = proposed
    library.edit_question(first.question_id, text="Where does an anchor hold?", is_checked=True)
    library.edit_question(second.question_id, is_checked=True)
    library.remove_question(third.question_id)
    assert texts(library) == ["Where does an anchor hold?", second.text]
    # What was accepted or declined is not proposed again.
    again = [question.text for question in library.propose_questions(silent)]
    assert again == [first.text]


def test_no_more_are_proposed_than_are_wanted_and_from_all_over(library):
    (only,) = library.propose_questions(silent, limit=1)
    assert only.text == "Anchoring in the northern bay"


def test_a_model_writes_one_question_a_page(writing, endpoint):
    endpoint.tell("<think>Hm.</think>\n", '1. "Who bakes', ' the bread?"\nBecause ...')
    (question,) = writing.propose_questions(silent, limit=1, with_model=True)
    assert question.text == "Who bakes the bread?"
    assert (question.origin, question.is_checked) == (QuestionOrigin.MODEL, False)
    (asked,) = endpoint.asked
    document = writing.find_document(question.pages[0].document_id)
    assert document.name in asked.texts[0]
    assert len(asked.pictures) == 1
    assert "quoted material" in asked.body["messages"][0]["content"]
    assert asked.texts[-1] == "Write the question."
    # The next is asked of pages that have none; the same question is not kept twice.
    assert list(writing.propose_questions(silent, limit=50, with_model=True)) == []
    assert len(endpoint.asked) == 1 + 5
    endpoint.tell("NOTHING TO ASK.")
    assert list(writing.propose_questions(silent, limit=2, with_model=True)) == []
    writing.remove_question(question.question_id)


def test_a_model_that_fails_ends_the_run_and_what_it_wrote_stays(writing, endpoint):
    endpoint.tell("Which rolls are warm?")
    proposing = writing.propose_questions(silent, limit=3, with_model=True)
    written = next(proposing)
    endpoint.tell(status=500, error="out of memory")
    with pytest.raises(AnswerFailed, match="out of memory"):
        next(proposing)
    assert texts(writing, checked_only=False) == [written.text]
    writing.remove_question(written.question_id)


def test_without_a_model_none_is_asked(library):
    with pytest.raises(InvalidSetting, match="no model writes questions"):
        library.propose_questions(silent, with_model=True)


def wait_until_over(library):
    library.proposals._thread.join(WAIT_S)
    state = library.proposals.look()
    assert not state.is_running
    return state


def test_a_run_is_looked_at_while_it_goes_on_and_can_be_stopped(writing, endpoint):
    endpoint.tell("Which ", "rolls?", pause=threading.Event())
    assert writing.proposals.start(with_model=True).is_running
    with pytest.raises(JobNotPossible, match="already"):
        writing.proposals.start()
    writing.proposals.stop()
    state = wait_until_over(writing)
    assert (state.n_proposed, state.error) == (0, None)

    endpoint.tell(status=500, error="out of memory")
    writing.proposals.start(with_model=True)
    assert "out of memory" in wait_until_over(writing).error

    writing.proposals.start(limit=2)
    state = wait_until_over(writing)
    assert (state.n_proposed, state.error, state.done, state.total) == (2, None, 3, 3)


def test_a_read_only_library_keeps_its_questions_as_they_are(made):
    with Library(Settings(library=made, read_only=True)) as library:
        for change in (
            lambda: library.add_question(BREAD),
            lambda: library.mark_page(BREAD, "bakery.pdf", 0),
            lambda: library.unmark_page(BREAD, "bakery.pdf", 0),
            lambda: library.edit_question("any", is_checked=True),
            lambda: library.remove_question("any"),
            lambda: library.import_questions([]),
            lambda: library.propose_questions(silent),
            lambda: library.proposals.start(),
        ):
            with pytest.raises(ReadOnlyLibrary):
                change()


def test_a_backup_keeps_the_questions(library, tmp_path):
    marked = library.mark_page(BREAD, "bakery.pdf", 0)
    library.backup(tmp_path / "library.tar.gz", silent)
    restore_library(tmp_path / "library.tar.gz", tmp_path / "restored", silent)
    with closing(Documents(tmp_path / "restored")) as documents:
        assert Questions(documents.database).list_all() == [marked]
