"""Commands on a library that a server holds: they ask it, and print what they print without one."""

import json
import re

import pytest
from typer.testing import CliRunner

from app.cli import program
from app.client import PagelensClient
from app.settings import Settings
from ingest.jobs import JobState
from retrieval.errors import (
    AccessDenied,
    AmbiguousDocument,
    InvalidRequest,
    LibraryBusy,
    ServerUnreachable,
    UnknownDocument,
)
from tests.app.api.serving import serve
from tests.documents import draw_photo, write_text_pdf

QUESTION = "Who collects the mooring fees?"
KEY = "key-of-the-command-line"


def run(*arguments):
    """The exit code, and what stands on standard output and standard error."""
    ended = CliRunner().invoke(program, list(map(str, arguments)))
    if ended.exception is not None and not isinstance(ended.exception, SystemExit):
        raise ended.exception
    return ended.exit_code, ended.stdout, ended.stderr


def print_of(*arguments):
    """What a command prints, but for how long it took."""
    exit_code, printed, _ = run(*arguments)
    assert exit_code == 0
    return re.sub(r'  \d+ ms\n|"seconds": [\d.]+', "", printed)


@pytest.fixture
def picture(tmp_path):
    draw_photo((160, 120)).save(tmp_path / "evening.png")
    return tmp_path / "evening.png"


@pytest.fixture
def questions(tmp_path):
    file = tmp_path / "questions.jsonl"
    file.write_text('{"id": "fees", "text": "mooring fees"}\n{"id": "cake", "text": "plum cake"}\n')
    return file


@pytest.mark.parametrize(
    "options",
    [
        [QUESTION],
        [QUESTION, "--group", "--context", "--json"],
        ["--image", "PICTURE", "--json"],
        [QUESTION, "What does the bakery sell?", "--top-k", "2"],
        [QUESTION, "--group", "--context", "--tag", "town"],
        ["mooring fees", "--mode", "visual", "--exact", "--pages", "1-1"],
        ["storm", "--mode", "text", "--document", "harbour.pdf"],
        ["a sunset", "--kind", "photo", "--added-from", "2020-01-01"],
        ["mooring fees", "--added-until", "2020-01-01"],
        ["--like", "harbour.pdf", "--page", "2", "--region", "0,0,1,0.3"],
        ["--image", "PICTURE", "--top-k", "1"],
        ["--queries", "QUESTIONS", "--context"],
    ],
    ids=" ".join,
)
def test_a_search_prints_the_same(served, picture, questions, options):
    files = {"PICTURE": picture, "QUESTIONS": questions}
    command = ["search", *(files.get(option, option) for option in options), "--library"]
    alone = print_of(*command, served.unserved_copy)
    assert print_of(*command, served.library.folder) == alone
    assert "harbour.pdf" in alone or "dusk.png" in alone or "no page found" in alone


def test_words_that_matched_are_printed(served):
    printed = print_of("search", QUESTION, "--library", served.library.folder)
    assert "  1. harbour.pdf, page 1  score 1.00  matched: collects mooring fees" in printed


def test_what_a_search_cannot_hand_over_is_named(served, tmp_path):
    command = ["search", QUESTION, "--library", served.library.folder]
    address = str(served.http.base_url).rstrip("/")
    for option in (["--save-evidence", tmp_path / "lit"], ["--reranker", "none"]):
        with pytest.raises(LibraryBusy, match=f"^{option[0]} does not work while {address} serves"):
            run(*command, *option)
    assert not (tmp_path / "lit").exists()
    with pytest.raises(InvalidRequest, match=r"^--top-k 101: .* 100 at most"):
        run(*command, "--top-k", "101")
    with pytest.raises(InvalidRequest, match="question: String should have at most 2000"):
        run("search", "long " * 500, "--library", served.library.folder)


def test_unknown_names_are_told_as_without_a_server(served):
    for command in (
        ["search", "--like", "nobody.pdf"],
        ["search", QUESTION, "--document", "nobody.pdf"],
        ["delete", "nobody.pdf"],
    ):
        for folder in (served.unserved_copy, served.library.folder):
            with pytest.raises(UnknownDocument, match=r"^no document is called 'nobody\.pdf'$"):
                run(*command, "--library", folder)


def test_a_document_is_deleted_by_its_name(receiving, tmp_path):
    folder = receiving.library.folder
    with PagelensClient(str(receiving.http.base_url)) as client:
        same = ["other/bell.pdf", "bell.pdf"]
        (tmp_path / "other").mkdir()
        for name in same:
            write_text_pdf(tmp_path / name, f"The bell of the chapel: {name}.")
        jobs = client.upload([tmp_path / "bell.pdf"])
        # An upload of the same name would take its place.
        receiving.library.ingest([tmp_path / "other"], lambda progress: None, optimize=False)
        client.wait(jobs[0])
        with pytest.raises(AmbiguousDocument, match=r"2 documents are called 'bell\.pdf'"):
            run("delete", "bell.pdf", "--library", folder)
        ids = [d.document_id for d in client.list_documents() if d.name == "bell.pdf"]
        assert run("delete", ids[0][:12], "--library", folder) == (
            0,
            "Deleted bell.pdf (1 pages).\n",
            "",
        )
        _, printed, _ = run("delete", "bell.pdf", "--json", "--library", folder)
        assert json.loads(printed) == {"deleted": [ids[1]]}
        assert len(client.list_documents()) == 3


def test_failed_jobs_whose_files_are_there_are_tried_again(receiving, tmp_path):
    folder = receiving.library.folder
    path = tmp_path / "tide.pdf"
    path.write_text("no PDF")
    receiving.library.ingest([path], lambda progress: None, optimize=False)
    with PagelensClient(str(receiving.http.base_url)) as client:
        lost = tmp_path / "lost.pdf"
        lost.write_text("no PDF, and no upload that is kept")
        (upload,) = client.upload([lost])
        assert upload.state is JobState.FAILED
        retry = ["ingest", "--retry-failed", "--library", folder, "--json"]

        exit_code, printed, told = run(*retry)
        assert exit_code == 3
        assert "refused tide.pdf: not a PDF" in told
        (failure,) = json.loads(printed.splitlines()[-1])["failed"]
        assert failure["file"] == "tide.pdf"

        write_text_pdf(path, "High tide is at noon.")
        exit_code, printed, _ = run(*retry)
        report = json.loads(printed.splitlines()[-1])
        assert (exit_code, report["documents"], report["pages"]) == (0, 1, 1)
        # Its reason is still that of the file which is gone.
        assert client.find_job(upload.job_id) == upload
        client.delete(client.find_document("tide.pdf").document_id)


def test_a_wrong_key_is_told_in_one_line_with_its_remedy(served, tmp_path, monkeypatch):
    address = str(served.http.base_url).rstrip("/")
    folder, new_file = served.library.folder, tmp_path / "new.gz"
    try:
        with serve(served.library, Settings(library=folder, api_key=KEY)) as locked:
            served.library.announce(locked)
            for key in ("", "wrong"):
                if key:
                    monkeypatch.setenv("PAGELENS_API_KEY", key)
                for command in (["search", "fees"], ["delete", "a.pdf"], ["backup", new_file]):
                    with pytest.raises(AccessDenied, match=f"^{locked}: .* no valid") as refused:
                        run(*command, "--library", folder)
                    assert "\n" not in str(refused.value)
                    assert "PAGELENS_API_KEY" in refused.value.remedy
            assert not list(tmp_path.iterdir())
            monkeypatch.setenv("PAGELENS_API_KEY", KEY)
            assert "harbour.pdf" in print_of("search", "mooring fees", "--library", folder)
            monkeypatch.delenv("PAGELENS_API_KEY")
            monkeypatch.setenv("PAGELENS_USER", "anybody")
            monkeypatch.setenv("PAGELENS_PASSWORD", KEY)
            assert "harbour.pdf" in print_of("search", "mooring fees", "--library", folder)
        with pytest.raises(ServerUnreachable, match=locked):
            run("search", "fees", "--library", folder)
    finally:
        served.library.announce(address)


@pytest.mark.parametrize("command", [["doctor"], ["evaluate", "sample_docs"]])
def test_what_only_its_holder_can_do_is_refused(served, command):
    with pytest.raises(LibraryBusy, match="in use by process"):
        run(*command, "--library", served.library.folder)
