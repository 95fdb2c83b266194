"""The evaluation set over the API, by the client, and by the commands while a server is asked."""

import io
import json
import zipfile

import pytest
from typer.testing import CliRunner

from app.api.question_bodies import (
    JudgedPageBody,
    MarkBody,
    NewQuestionBody,
    ProposeBody,
    QuestionChangesBody,
)
from app.cli import program
from app.client import PagelensClient
from app.question_folder import ReadPage, ReadQuestion
from retrieval.errors import (
    BackupNotWritten,
    InvalidSetting,
    NoQuestions,
    QuestionExists,
    UnknownDocument,
    UnknownQuestion,
)
from retrieval.evaluation import load_evaluation_set
from tests.app.api.asking import error_of, wait_until_removed
from tests.documents import write_text_pdf

BREAD = "Where is rye bread sold?"
FEES = "Who collects the mooring fees?"


def silent(progress):
    pass


@pytest.fixture
def client(receiving):
    """Speaks to a server whose library has no question at first."""
    with PagelensClient(str(receiving.http.base_url)) as client:
        yield client
    with receiving.library._documents.database.write() as rows:
        rows.exec_driver_sql("DELETE FROM evaluation_questions")


@pytest.fixture
def bakery(receiving):
    return receiving.find("bakery.pdf")


def test_a_question_is_added_edited_listed_and_removed(client, receiving, bakery):
    added = client.add_question(
        NewQuestionBody(text=BREAD, pages=[JudgedPageBody(document_id=bakery, page=1)])
    )
    assert (added.text, added.origin, added.checked) == (BREAD, "person", True)
    (page,) = added.pages
    assert (page.document, page.page, page.relevance) == ("bakery.pdf", 1, 1)
    with pytest.raises(QuestionExists, match="already"):
        client.add_question(NewQuestionBody(text=BREAD.upper()))
    changed = client.edit_question(
        added.question_id, QuestionChangesBody(text="Where are rolls sold?", checked=False)
    )
    assert (changed.text, changed.checked, changed.pages) == (
        "Where are rolls sold?",
        False,
        added.pages,
    )
    assert client.list_questions() == [changed]

    def count(**params):
        listed = receiving.http.get("/api/v1/questions", params=params).json()
        assert len(listed["questions"]) <= listed["total"]
        return listed["total"]

    assert count(contains="ROLLS", origin="person", checked=False) == 1
    assert count(checked=True) == count(origin="model") == count(contains="fees") == 0
    client.remove_question(added.question_id)
    assert client.list_questions() == []


def test_a_page_is_marked_and_the_mark_taken_back(client, bakery):
    mark = MarkBody(text=BREAD, document_id=bakery, page=1)
    assert client.mark_page(mark).pages[0].relevance == 1
    graded = client.mark_page(mark.model_copy(update={"relevance": 3}))
    assert graded.pages[0].relevance == 3
    assert (
        client.mark_page(MarkBody(text=BREAD, document_id=bakery, page=1, relevance=None)) is None
    )
    assert client.list_questions() == []


def test_what_is_not_there_is_said(client, receiving, bakery):
    with pytest.raises(UnknownQuestion, match="'absent'"):
        client.remove_question("absent")
    with pytest.raises(UnknownDocument, match="no page 7"):
        client.mark_page(MarkBody(text=BREAD, document_id=bakery, page=7))
    blank = receiving.http.post("/api/v1/questions", json={"text": "\u0001"})
    assert blank.status_code == 422
    assert error_of(blank)["message"] == "a question needs words"
    with pytest.raises(NoQuestions):
        client.export_questions(receiving.library.folder / "out", silent)


def test_questions_are_imported_and_exported_with_all_documents(client, receiving, tmp_path):
    read = [
        ReadQuestion("q1", BREAD, (ReadPage("bakery.pdf", None, 1, 2),)),
        ReadQuestion("q2", FEES, (ReadPage("x.pdf", receiving.find("harbour.pdf"), 1, 1),)),
        ReadQuestion("q3", "Nobody knows?", (ReadPage("x.pdf", None, 1, 1),)),
    ]
    report = client.import_questions(read)
    assert (report.added, report.left_out) == (2, ["q3"])
    assert [page.reason for page in report.unmatched] == ["no document has its bytes or its name"]

    client.export_questions(tmp_path / "out", silent)
    exported = load_evaluation_set(tmp_path / "out")
    assert [question.text for question in exported.questions] == [BREAD, FEES]
    assert exported.qrels["q1"] == {("bakery.pdf", 1): 2}
    assert len(list(exported.corpus.iterdir())) == 3
    with pytest.raises(BackupNotWritten, match="is there already"):
        client.export_questions(tmp_path / "out", silent)

    sent = receiving.http.get("/api/v1/questions/export")
    assert sent.headers["content-type"] == "application/zip"
    assert "questions.zip" in sent.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(sent.content)) as archive:
        assert {"queries.jsonl", "qrels.tsv", "corpus/dusk.png"} <= set(archive.namelist())
    wait_until_removed(receiving.library)


def test_questions_are_proposed_while_the_client_looks(client):
    states = list(client.propose_questions(ProposeBody(limit=5)))
    assert (states[0].running, states[-1].running) == (True, False)
    assert (states[-1].done, states[-1].total, states[-1].error) == (3, 3, None)
    assert not client.stop_proposing().running
    with pytest.raises(InvalidSetting, match="no model writes questions"):
        list(client.propose_questions(ProposeBody(with_model=True)))


def run(library, *arguments):
    options = ["questions", *map(str, arguments), "--library", str(library.folder)]
    return CliRunner().invoke(program, options)


def run_json(library, *arguments):
    ended = run(library, *arguments, "--json")
    assert ended.exit_code == 0, ended.output
    return json.loads(ended.stdout.splitlines()[-1])


def test_the_commands_ask_the_server_that_holds_the_library(client, receiving, tmp_path):
    library = receiving.library
    marked = run_json(library, "mark", BREAD, "bakery.pdf", 1, "--relevance", 2)
    assert marked["pages"][0]["relevance"] == 2
    id_ = marked["question_id"]
    assert run_json(library, "mark", id_, "harbour.pdf", 2)["text"] == BREAD
    assert len(run_json(library, "mark", id_, "harbour.pdf", 2, "--undo")["pages"]) == 1
    added = run_json(library, "add", FEES)
    edited = run_json(library, "edit", added["question_id"][:6], "--unchecked", "--text", "Fees?")
    assert (edited["text"], edited["checked"]) == ("Fees?", False)
    # This one reads the tables, whoever holds the library.
    assert run_json(library, "list") == [q.model_dump(mode="json") for q in client.list_questions()]
    assert [q["text"] for q in run_json(library, "list", "--unchecked")] == ["Fees?"]
    shown = run(library, "list").stdout
    assert "bakery.pdf, page 1  relevance 2" in shown
    assert "Fees?  (asked by a person, unchecked)" in shown
    assert "2 questions, 1 of them unchecked" in shown

    assert run_json(library, "export", tmp_path / "out")["questions"] == 1
    assert run_json(library, "remove", id_, edited["question_id"])["deleted"][0] == id_
    assert run_json(library, "import", tmp_path / "out")["added"] == 1
    assert run_json(library, "propose")["proposed"] == 0
    assert "Removed 1 question." in run(library, "remove", id_).stdout


def test_an_import_brings_its_documents_along_if_it_shall(client, receiving, tmp_path):
    (tmp_path / "corpus").mkdir()
    write_text_pdf(tmp_path / "corpus" / "bell.pdf", "The bell of the chapel weighs two tons.")
    (tmp_path / "queries.jsonl").write_text('{"id": "q1", "text": "How heavy is the bell?"}')
    (tmp_path / "qrels.tsv").write_text("query-id\tfile\tpage\trelevance\nq1\tbell.pdf\t1\t1\n")
    told = run(receiving.library, "import", tmp_path)
    assert "q1: bell.pdf, page 1: no document has its bytes or its name" in told.output
    assert "Added 0 questions; 0 updated, 0 there already, 1 left out" in told.output
    assert run_json(receiving.library, "import", tmp_path, "--ingest")["added"] == 1
    client.delete(receiving.find("bell.pdf"))


def test_what_the_commands_cannot_do_is_said(client, receiving):
    for arguments, message in (
        (("remove", "absent"), "no question has the id 'absent'"),
        (("mark", BREAD, "absent.pdf", 1), "no document is called 'absent.pdf'"),
        (("add", " "), "a question needs words"),
    ):
        assert message in str(run(receiving.library, *arguments).exception)
    assert "give --text, --checked or --unchecked" in run(receiving.library, "edit", "x").output
