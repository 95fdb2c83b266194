"""The web page, driven as a person does; the tests of this module go on from one another."""

from __future__ import annotations

import json
import re
import urllib.request

import pytest
from fpdf import FPDF
from playwright.sync_api import expect

from tests.browsing import COUNT_YELLOW, add_files, open_library, search_for

pytestmark = pytest.mark.browser

# Read as HTML or Markdown, it would look otherwise.
NAME = "Überfahrt &amp; _Fahrplan_ [1931](x).pdf"
PAGES = (
    "The ferry leaves the harbour at six in the morning and returns before noon.",
    "In the storm of November the barometer fell to 28.41 inches, the lowest ever read here.",
    "Tickets are sold at the bakery beside the lighthouse, and children travel free of charge.",
)
INGEST_MS = 120_000


@pytest.fixture(scope="module")
def timetable():
    pdf = FPDF()
    pdf.set_font("Helvetica", size=18)
    for text in PAGES:
        pdf.add_page()
        pdf.multi_cell(0, 10, text)
    return {"name": NAME, "mimeType": "application/pdf", "buffer": bytes(pdf.output())}


def test_an_empty_library_says_where_to_add_documents(page):
    expect(page.locator("#search-status")).to_contain_text("The library is empty")
    search_for(page, "barometer")
    expect(page.locator("#search-status")).to_contain_text("Add documents on the Library tab")


def test_health_answers_ok(server):
    with urllib.request.urlopen(server + "/health") as response:
        assert json.load(response) == {"status": "ok"}


def test_adding_without_files_asks_for_files(page):
    open_library(page)
    page.locator("#add").click()
    expect(page.locator("#add-report")).to_contain_text("Choose files")


def test_uploaded_files_are_added_and_refused_ones_give_their_reason(page, timetable):
    open_library(page)
    recipe = {"name": "recipe.pdf", "mimeType": "application/pdf", "buffer": b"no PDF at all"}
    add_files(page, timetable, recipe)
    report = page.locator("#add-report")
    expect(report).to_contain_text("Added 1 document (3 pages)", timeout=INGEST_MS)
    expect(report).to_contain_text("1 refused")
    expect(page.locator("#refusals li")).to_have_text(re.compile(r"recipe\.pdf: .+"))
    expect(page.locator("#documents")).to_contain_text(NAME)
    expect(page.locator("#library-summary")).to_contain_text("1 document, 3 pages, encoder minilm")


def test_the_page_found_is_shown_large_and_its_document_can_be_walked(page):
    search_for(page, "How low did the barometer fall in the storm?")
    status = page.locator("#search-status")
    expect(status).to_have_text(re.compile(r"3 pages found in \d+ ms"))
    captions = page.locator("#results .caption-label")
    expect(captions).to_have_count(3)
    expect(captions.first).to_have_text(
        re.compile(re.escape(NAME) + r", page 2 \(score \d+\.\d\d\)")
    )
    title, picture = page.locator("#page-title"), page.locator("#page-picture img")
    previous, following = page.locator("#previous-page"), page.locator("#next-page")
    expect(title).to_have_text(f"{NAME}, page 2 of 3")
    expect(picture).to_have_attribute("alt", f"{NAME}, page 2 of 3")
    following.click()
    expect(title).to_have_text(f"{NAME}, page 3 of 3")
    expect(following).to_be_disabled()
    previous.click()
    expect(title).to_have_text(f"{NAME}, page 2 of 3")
    previous.click()
    expect(title).to_have_text(f"{NAME}, page 1 of 3")
    expect(previous).to_be_disabled()
    captions.first.click()
    expect(title).to_have_text(f"{NAME}, page 2 of 3")


def test_full_screen_shows_the_page_alone_and_larger(page):
    search_for(page, "How low did the barometer fall in the storm?")
    picture = page.locator("#page-picture img")
    expect(picture).to_be_visible()
    beside = picture.bounding_box()
    page.locator("#page-picture").get_by_label("Fullscreen").click()
    expect(page.locator("#page-picture.fullscreen")).to_be_visible()
    page.wait_for_function(
        "width => document.querySelector('#page-picture img').clientWidth > width",
        arg=beside["width"],
    )
    # What stands beside the column lies below it.
    on_top = "point => document.elementFromPoint(...point)?.closest('#page-picture') !== null"
    question = page.locator("#question").bounding_box()
    assert page.evaluate(on_top, [question["x"] + 20, question["y"] + 10])
    page.keyboard.press("Escape")


def test_the_best_page_has_its_evidence_lit_up(page):
    search_for(page, "How low did the barometer fall in the storm?")
    expect(page.locator("#page-title")).to_contain_text("page 2 of 3")
    assert page.locator("#page-picture img").evaluate(COUNT_YELLOW)[0] > 500


def test_an_empty_question_asks_for_words(page):
    search_for(page, "  ")
    expect(page.locator("#search-status")).to_contain_text("Type a question")


def test_a_document_is_deleted_after_a_second_click(page):
    open_library(page)
    page.locator("#delete").click()
    expect(page.locator("#deletion")).to_contain_text("Choose a document")
    page.get_by_label("Delete a document").click()
    page.get_by_role("option", name=NAME).click()
    page.locator("#delete").click()
    page.locator("#confirm-delete").click()
    expect(page.locator("#deletion")).to_contain_text(f"Deleted {NAME} (3 pages)")
    expect(page.locator("#library-summary")).to_contain_text("0 documents, 0 pages")
    expect(page.locator("#documents")).not_to_contain_text(NAME)
