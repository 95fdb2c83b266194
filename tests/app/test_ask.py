"""Questions answered by a library and on the command line: quotes, or what a model writes."""

import json

import pytest

from app.library import Library
from app.settings import Settings, load_settings
from retrieval.answering.prompt import NOT_HELD
from retrieval.answering.records import (
    AnswerEnd,
    AnswerPages,
    AnswerText,
    Quote,
    QuoteKind,
)
from retrieval.errors import InvalidSetting
from retrieval.index.base import PageFilter
from retrieval.records import Kind
from tests.answer_checkpoints import write_answerer
from tests.answer_server import serve_answers
from tests.libraries import copy_library
from tests.terminal import run_pagelens, serve_pagelens

QUESTION = "Who collects the mooring fees?"


@pytest.fixture(scope="module")
def endpoint():
    with serve_answers() as server:
        yield server


@pytest.fixture(scope="module")
def folder(terminal_library, tmp_path_factory):
    """A copy of the library, which no process holds between tests."""
    folder = tmp_path_factory.mktemp("asked") / "library"
    copy_library(terminal_library.folder, folder)
    return folder


@pytest.fixture(scope="module")
def answered(folder, endpoint):
    """The library with an endpoint that writes its answers."""
    settings = Settings(library=folder, answer_url=endpoint.url, answer_model="seer")
    with Library(settings) as library:
        yield library


def test_without_a_model_the_best_pages_are_quoted(library):
    assert "no model writes" in library.answerer_choice.name
    assert library.answerer_choice.reason.startswith("neither PAGELENS_ANSWER_URL")
    pages, best, *_, end = library.ask(QUESTION)
    assert isinstance(pages, AnswerPages)
    assert (pages.is_generated, pages.budget) == (False, None)
    assert isinstance(best, Quote)
    assert best.kind is QuoteKind.SENTENCE
    assert best.text == (
        "The harbour master collects mooring fees from every yacht on the first of May."
    )
    words = library._index.fetch_words([(best.document_id, best.page_index)])[0]
    assert best.text == " ".join(word.text for word in words)
    assert min(box.y0 for box in best.boxes) == min(word.box.y0 for word in words)
    assert isinstance(end, AnswerEnd)
    assert end.is_answered
    assert end.citations[0].boxes == best.boxes


def test_nonsense_is_not_answered(library):
    events = list(library.ask("how many flanterbs does a grouvel need"))
    assert [type(event) for event in events] == [AnswerPages, AnswerEnd]
    assert not events[-1].is_answered


def test_a_filter_says_which_pages_may_be_used(library):
    bakery = library.find_document("bakery.pdf").document_id
    pages = next(library.ask(QUESTION, PageFilter(documents=frozenset({bakery}))))
    assert {page.document for page in pages.pages} == {"bakery.pdf"}


def test_a_model_is_given_the_best_pages_and_its_citations_show_what_matched(answered, endpoint):
    endpoint.tell("The harbour master ", "[harbour copy.pdf, p. 1].")
    assert answered.answerer_choice.name == f"seer at {endpoint.url}"
    pages, *deltas, end = answered.ask(QUESTION)
    assert (pages.is_generated, pages.pages[0].label) == (True, "harbour copy.pdf, p. 1")
    assert len(pages.pages) <= 5
    assert 0 < pages.budget.tokens <= pages.budget.token_limit
    assert deltas == [AnswerText("The harbour master "), AnswerText("[harbour copy.pdf, p. 1].")]
    assert [c.document for c in end.citations] == ["harbour copy.pdf"]
    assert end.citations[0].boxes
    (asked,) = endpoint.asked
    assert "collects mooring fees" in asked.texts[0]
    assert len(asked.pictures) == len(pages.pages)


def test_a_photo_found_by_its_looks_is_shown_to_a_model_and_not_quoted(answered, library, endpoint):
    endpoint.tell(NOT_HELD)
    only_photos = PageFilter(kind=Kind.PHOTO)
    pages, *_, end = answered.ask("a sky at dusk", only_photos)
    assert [(p.document, p.has_text, p.has_picture) for p in pages.pages] == [
        ("dusk.png", False, True)
    ]
    assert not end.is_answered
    assert next(library.ask("a sky at dusk", only_photos)).pages == ()


def test_a_model_on_this_machine_answers(folder, tmp_path):
    model = write_answerer(tmp_path / "tiny")
    settings = Settings(
        library=folder.with_name("local"), answer_model=str(model), answer_pages=1, dtype="float32"
    )
    copy_library(folder, settings.library)
    with Library(settings) as library:
        assert library.answerer_choice.name == f"{model} on this machine"
        pages, *deltas, end = library.ask(QUESTION)
    assert len(pages.pages) == 1
    assert {type(delta) for delta in deltas} == {AnswerText}
    assert isinstance(end, AnswerEnd)


def test_settings_that_make_no_answerer_are_refused(tmp_path, monkeypatch):
    with pytest.raises(InvalidSetting, match="but not PAGELENS_ANSWER_MODEL"):
        Library(Settings(library=tmp_path / "library", answer_url="http://127.0.0.1:1/v1"))
    assert not (tmp_path / "library").exists()
    for name, value in (
        ("URL", "ftp://example.org"),
        ("URL", "http://user:secret@example.org/v1"),
        ("API_KEY", "two words"),
        ("PAGES", "0"),
        ("TOKENS", "100"),
        ("TIMEOUT_S", "0"),
    ):
        monkeypatch.setenv(f"PAGELENS_ANSWER_{name}", value)
        with pytest.raises(InvalidSetting, match=f"PAGELENS_ANSWER_{name}") as refused:
            load_settings()
        assert value not in str(refused.value) or value.isdecimal()
        monkeypatch.delenv(f"PAGELENS_ANSWER_{name}")


def test_the_key_stands_in_no_description_of_the_settings(monkeypatch):
    monkeypatch.setenv("PAGELENS_ANSWER_API_KEY", "sk-secret")
    assert "sk-secret" not in repr(load_settings())


def test_the_command_line_prints_quotes_with_their_pages(terminal_library):
    ended = run_pagelens("ask", QUESTION, "--library", terminal_library.folder)
    assert ended.returncode == 0, ended.stderr
    first, quote, *_ = ended.stdout.splitlines()
    assert first.startswith("quotes from the pages, word for word")
    assert quote == (
        "  “The harbour master collects mooring fees from every yacht on the first of May.” "
        "[harbour copy.pdf, p. 1]"
    )
    refused = run_pagelens("ask", " ", "--library", terminal_library.folder)
    assert refused.returncode == 2
    assert "the question is empty" in refused.stderr


def test_the_command_line_asks_the_server_that_holds_the_library(folder, endpoint, tmp_path):
    library = tmp_path / "library"
    copy_library(folder, library)
    settings = {"answer_url": endpoint.url, "answer_model": "seer", "answer_api_key": "sk-key"}
    with serve_pagelens(library, **settings):
        endpoint.tell("A line\n", "of text [harbour copy.pdf, p. 1].\x1b[2J")
        ended = run_pagelens(
            "ask", QUESTION, "--document", "harbour copy.pdf", "--library", library
        )
        assert ended.returncode == 0, ended.stderr
        lines = ended.stdout.splitlines()
        assert lines[0].startswith(f"seer at {endpoint.url}; 2 pages, about ")
        assert lines[1:3] == ["A line", "of text [harbour copy.pdf, p. 1].[2J"]
        as_json = run_pagelens("ask", QUESTION, "--json", "--library", library)
        events = [json.loads(line) for line in as_json.stdout.splitlines()]
        assert [event["event"] for event in events] == ["pages", "text", "text", "end"]
        assert events[-1]["answered"]
        endpoint.tell("x", status=401)
        failed = run_pagelens("ask", QUESTION, "--library", library)
        assert failed.returncode == 8
        assert "does not take the API key" in failed.stderr
        assert "PAGELENS_ANSWER_API_KEY" in failed.stderr
        assert "sk-key" not in failed.stderr
        busy = run_pagelens("ask", QUESTION, "--reranker", "none", "--library", library)
        assert busy.returncode == 4
