"""Asking the sample library: quotes without a model, and what a model writes with its citations."""

from __future__ import annotations

import re
import threading

import pytest
from playwright.sync_api import expect

from tests.answer_server import serve_answers
from tests.browser.conftest import start_server
from tests.libraries import copy_library

pytestmark = pytest.mark.browser

FARES = "What does a visitor pay to take a car across on the ferry?"
REPORT = "haldry-annual-report-2024.pdf"


@pytest.fixture(scope="module")
def library(sample_library):
    return sample_library


def ask(page, question):
    expect(page.locator("#results .landing")).to_be_visible()
    page.get_by_role("tab", name="Ask").click()
    page.get_by_label("What you want to know").fill(question)
    page.get_by_role("button", name="Ask", exact=True).click()


def expect_end(page):
    expect(page.locator("#ask-answer .answer")).to_have_attribute("aria-busy", "false")


def test_without_a_model_pages_are_quoted_word_for_word(page, server):
    page.goto(server)
    ask(page, FARES)
    expect_end(page)
    expect(page.locator("#ask-box")).to_contain_text("quotes from the pages, word for word")
    quote = page.locator(".quote").first
    expect(quote.locator("blockquote")).to_have_text("Car with driver € 14.00 € 38.00")
    expect(quote.locator(".kind")).to_have_text("Table row")
    expect(quote.locator(".crop img")).not_to_have_js_property("naturalWidth", 0)
    quote.get_by_role("link", name=f"[{REPORT}, p. 3]").click()
    viewer = page.locator("#viewer")
    expect(viewer.locator(".at")).to_have_text("page 3 of 6")
    expect(viewer.locator(".mark").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(viewer).not_to_be_visible()
    assert "tab=ask" in page.url and "q=What" in page.url


def test_a_shared_address_asks_again(page, server):
    page.goto(f"{server}/?tab=ask&q=How+high+is+Carrick+Hill%3F")
    expect_end(page)
    expect(page.get_by_label("What you want to know")).to_have_value("How high is Carrick Hill?")
    expect(page.locator(".sources .card")).not_to_have_count(0)


def test_an_example_is_asked_and_its_address_is_kept_while_another_tab_is_open(page, server):
    page.goto(f"{server}/?tab=ask")
    page.get_by_role("link", name="How high is Carrick Hill?").click()
    expect_end(page)
    expect(page.locator(".quote").first).to_contain_text("Carrick Hill 214 m")
    page.get_by_role("tab", name="Library").click()
    page.get_by_role("tab", name="Ask").click()
    assert page.url.endswith("/?tab=ask&q=How+high+is+Carrick+Hill%3F")


def test_what_the_pages_do_not_hold_is_said(page, server):
    page.goto(server)
    ask(page, "quarterly zeppelin franchise litigation in Patagonia")
    expect_end(page)
    expect(page.locator("#ask-answer .notice")).to_contain_text("The pages do not hold the answer.")


def test_no_question_is_asked_for(page, server):
    page.goto(server)
    ask(page, "   ")
    expect(page.locator("#ask-answer")).to_contain_text("Type a question")


@pytest.fixture(scope="module")
def endpoint():
    with serve_answers() as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def answering(tmp_path_factory, library, endpoint):
    """A server over the sample library whose answers a local endpoint writes."""
    folder = tmp_path_factory.mktemp("answering")
    copy_library(library, folder / "library")
    settings = {"PAGELENS_ANSWER_URL": endpoint.url, "PAGELENS_ANSWER_MODEL": "told"}
    with start_server(folder, **settings) as address:
        yield address


def test_a_model_answers_in_a_stream_with_citations(page, answering, endpoint):
    pause = threading.Event()
    endpoint.tell("It costs ", f"€ 38.00 [{REPORT}, p. 3].", pause=pause)
    page.goto(answering)
    ask(page, FARES)
    written = page.locator("#ask-answer .written")
    # The first piece is seen while the rest is still to come.
    expect(written).to_have_text("It costs")
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    pause.set()
    expect(written).to_have_text(f"It costs € 38.00 [{REPORT}, p. 3].")
    expect_end(page)
    expect(page.locator(".sources .facts")).to_have_text(
        re.compile(r"told.*5 of at most 5 pages, about [\d,]+ of 12,000 tokens .* s\.$")
    )
    written.get_by_role("link").click()
    expect(page.locator("#viewer .at")).to_have_text("page 3 of 6")
    expect(page.locator("#viewer .mark").first).to_be_visible()


def test_what_a_model_was_talked_into_stays_plain_text(page, answering, endpoint):
    """No picture of another host is fetched (the page fixture checks), no other page is cited."""
    endpoint.tell(
        "![x](http://tracker.example/p.png) <img src=http://tracker.example/q.png> ",
        "[secret.pdf, p. 1] ${alert(1)} {{7*7}}",
        calls_tool=True,
    )
    page.goto(answering)
    ask(page, FARES)
    expect_end(page)
    written = page.locator("#ask-answer .written")
    expect(written).to_contain_text("![x](http://tracker.example/p.png) <img src=")
    expect(written).to_contain_text("[secret.pdf, p. 1] ${alert(1)} {{7*7}}")
    expect(written.get_by_role("link")).to_have_count(0)
    expect(page.locator("#ask-answer img:not(.page)")).to_have_count(0)


def test_an_answer_is_stopped(page, answering, endpoint):
    endpoint.tell("It begins ", "and goes on.", pause=threading.Event())
    page.goto(answering)
    ask(page, FARES)
    expect(page.locator("#ask-answer .written")).to_have_text("It begins")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()
    expect(page.locator("#ask-answer")).to_contain_text("Stopped.")
    assert endpoint.heard_end.wait(15)


def test_an_endpoint_that_fails_is_told_in_one_line(page, answering, endpoint):
    endpoint.tell(status=401)
    page.goto(answering)
    ask(page, FARES)
    expect(page.locator("#ask-answer").get_by_role("alert")).to_contain_text("401")


def test_a_model_is_asked_only_by_whoever_means_to(page, answering, endpoint):
    endpoint.tell("It costs.")
    page.goto(f"{answering}/?tab=ask&q=How+high+is+Carrick+Hill%3F")
    expect(page.get_by_label("What you want to know")).to_have_value("How high is Carrick Hill?")
    assert not endpoint.asked
