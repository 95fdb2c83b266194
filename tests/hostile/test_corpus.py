"""The hostile corpus through `pagelens ingest`: no crash, no hang, a clear reason each.

The honest PDF of 10,000 pages takes twenty minutes, and is written by the script alone:
`python -m tests.hostile.write_corpus FOLDER --slow`. Here stands one that only claims so many.
"""

import hashlib
import itertools
import json
import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from app.library_status import LibraryStatus, read_status
from tests.hostile.cases import Expectation, Outcome, find_fault
from tests.terminal import last_json, run_pagelens

KINDS = 60
# What no file may take; the limits of a rendering process are well below.
HANG_S = 60
# Of the whole run, on a machine that does other things as well.
RUN_TIMEOUT_S = 600


class Run(NamedTuple):
    files: Mapping[Path, Expectation]
    library: Path
    started: float
    ended: subprocess.CompletedProcess[str]
    status: LibraryStatus


@pytest.fixture(scope="module")
def run(corpus, corpus_folder, tmp_path_factory) -> Run:
    library = tmp_path_factory.mktemp("ingested") / "library"
    started = time.time()
    ended = run_pagelens(
        "ingest", corpus_folder, "--library", library, "--json", timeout_s=RUN_TIMEOUT_S
    )
    return Run(corpus, library, started, ended, read_status(library))


@pytest.fixture(scope="module")
def reasons(run) -> dict[str, list[str]]:
    """What was said about each file, by its path."""
    said: dict[str, list[str]] = {}
    for failed in last_json(run.ended)["failed"]:
        said.setdefault(failed["file"], []).append(failed["error"])
    return said


def test_there_are_many_kinds_each_with_its_own_content(run):
    assert len(run.files) > 5 * KINDS
    regular = [path for path in run.files if path.is_file() and path.stat().st_size < 1 << 27]
    digests = {hashlib.sha256(path.read_bytes()).digest() for path in regular}
    assert len(digests) == len(regular)


def test_the_run_goes_to_its_end(run):
    assert run.ended.returncode == 3, run.ended.stderr
    assert "Traceback" not in run.ended.stderr


def test_every_file_is_indexed_or_refused_as_it_should_be(run, reasons):
    indexed = {document.document_id for document in run.status.documents}
    faults = {}
    for path, expected in run.files.items():
        said = reasons.get(str(path), [])
        is_indexed = hash_of(path) in indexed
        if fault := find_fault(expected, is_indexed=is_indexed, reasons=said):
            faults[str(path.name)] = fault
    assert not faults


def hash_of(path: Path) -> str:
    """The id of the document that a file would be; empty where it cannot be one."""
    if not path.is_file() or path.stat().st_size > 1 << 27 or not os.access(path, os.R_OK):
        return ""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_nothing_else_is_refused(run, reasons):
    assert set(reasons) <= {str(path) for path in run.files}


def test_people_read_nothing_that_a_terminal_would_act_on(run):
    assert all(line.isprintable() for line in run.ended.stderr.splitlines())


def test_no_file_holds_up_the_run(run):
    previews = sorted(p.stat().st_mtime for p in (run.library / "previews").rglob("*.webp"))
    moments = [run.started, *previews]
    assert max(later - sooner for sooner, later in itertools.pairwise(moments)) < HANG_S


def test_every_good_file_is_found(run, tmp_path):
    questions = {
        str(number): (expected.question, path)
        for number, (path, expected) in enumerate(run.files.items())
        if expected.question
    }
    assert len(questions) > 30
    asked = tmp_path / "questions.jsonl"
    asked.write_text(
        "".join(json.dumps({"id": key, "text": q}) + "\n" for key, (q, _) in questions.items())
    )
    ended = run_pagelens(
        "search", "--queries", asked, "--library", run.library, "--reranker", "none", "--top-k", "1"
    )
    assert ended.returncode == 0, ended.stderr
    found = {}
    for line in ended.stdout.splitlines():
        answer = json.loads(line)
        found[answer["id"]] = [hit["document"] for hit in answer["hits"]]
    for key, (_, path) in questions.items():
        assert found[key] == [os.fsencode(path.name).decode("utf-8", "replace")]


def test_outcomes_are_of_every_sort(run):
    assert {expected.outcome for expected in run.files.values()} == set(Outcome)
