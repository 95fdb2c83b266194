"""The demo: the sample documents, found by its examples, that nobody who looks at them changes."""

import json

import httpx
import pytest

from app import demo
from app.demo import EXAMPLES, SAMPLES, find_examples, make_demo_settings, prepare_demo
from app.library import Library
from app.settings import Settings
from ingest.documents import Documents
from retrieval.errors import InvalidLibraryPath, PathNotFound, ReadOnlyLibrary
from tests.libraries import copy_library
from tests.terminal import ROOT, run_pagelens, serve_pagelens


def silent(progress):
    pass


@pytest.fixture(scope="module")
def demo_settings(tmp_path_factory):
    """Those of a demo that was started once."""
    folder = tmp_path_factory.mktemp("demo") / "library"
    settings = make_demo_settings(Settings(library=folder), has_folder=True)
    report = prepare_demo(settings, silent)
    assert report.documents == 15
    assert not report.failed
    return settings


@pytest.fixture(scope="module")
def shown(demo_settings, tmp_path_factory):
    """A copy of it, open in this process."""
    folder = tmp_path_factory.mktemp("shown") / "library"
    copy_library(demo_settings.library, folder)
    with Library(demo_settings.model_copy(update={"library": folder})) as library:
        yield library


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.shows)
def test_each_example_finds_its_page_first(shown, example):
    (hit,) = shown.search(example.question, 1).hits
    assert (hit.document, hit.page_number) == (example.document, example.page_number)


def test_examples_that_are_questions_of_the_sample_set_agree_with_its_judgements():
    queries = map(json.loads, (ROOT / "sample_docs/queries.jsonl").read_text().splitlines())
    asked = {query["text"]: query["id"] for query in queries}
    lines = (ROOT / "sample_docs/qrels.tsv").read_text().splitlines()[1:]
    right = {tuple(line.split("\t")[:3]) for line in lines}
    judged = [example for example in EXAMPLES if example.question in asked]
    assert len(judged) == len(EXAMPLES) - 1, "all but that for a photo, which no one judged"
    for example in judged:
        assert (asked[example.question], example.document, str(example.page_number)) in right


def test_examples_are_shown_where_their_documents_are(shown, library):
    assert find_examples(shown) == EXAMPLES
    assert find_examples(library) == ()


def test_a_later_start_adds_nothing(demo_settings):
    assert prepare_demo(demo_settings, silent) is None


def test_nobody_changes_the_library_of_the_demo_and_no_question_is_kept(shown):
    id_ = shown.find_document("map-of-haldry.png").document_id
    for change in (
        lambda: shown.ingest([SAMPLES], silent),
        lambda: shown.delete(id_),
        lambda: shown.write_tags(id_, ["mine"]),
        lambda: shown.reindex(id_),
    ):
        with pytest.raises(ReadOnlyLibrary, match="read-only"):
            change()
    assert shown.search("What does a loaf of seaweed rye cost?", 1).hits
    documents = Documents(shown.folder)
    assert documents.list_questions() == []
    documents.close()


def test_the_demo_keeps_away_from_a_library_with_documents_of_its_own(terminal_library, tmp_path):
    folder = copy_library(terminal_library.folder, tmp_path / "library")
    with pytest.raises(InvalidLibraryPath, match="documents of its own"):
        prepare_demo(make_demo_settings(Settings(library=folder), has_folder=True), silent)


def test_the_demo_has_a_folder_of_its_own_whatever_is_set(tmp_path):
    settings = Settings(library=tmp_path, database_url="postgresql://me@db/all", bucket="s3://b")
    mine = make_demo_settings(settings, has_folder=False)
    assert mine.library.name == "demo"
    assert tmp_path not in (mine.library, *mine.library.parents)
    assert (mine.database_url, mine.bucket, mine.read_only) == (None, None, True)
    assert make_demo_settings(settings, has_folder=True).library == tmp_path


def test_where_the_sample_documents_are_missing_their_folder_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "SAMPLES", tmp_path / "corpus")
    with pytest.raises(PathNotFound, match=str(tmp_path / "corpus")):
        prepare_demo(make_demo_settings(Settings(library=tmp_path), has_folder=True), silent)


def test_serve_demo_answers_questions_and_refuses_changes(demo_settings):
    folder = demo_settings.library
    with serve_pagelens(folder, "--demo") as server, httpx.Client(trust_env=False) as http:
        api = f"{server.address}/api/v1"
        assert http.get(f"{api}/status").json()["documents"] == 15
        answer = http.post(f"{api}/search", json={"question": EXAMPLES[0].question}, timeout=60)
        assert answer.json()["hits"][0]["document"] == EXAMPLES[0].document
        refused = run_pagelens("delete", "map-of-haldry.png", "--library", folder)
        assert "this library is read-only" in refused.stderr
        assert refused.returncode == ReadOnlyLibrary.exit_code
