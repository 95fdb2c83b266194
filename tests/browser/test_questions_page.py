"""The library's own questions: a page is marked as right, what is proposed is checked.

The tests of this module go on from one another, in one library that has no question at first.
"""

from __future__ import annotations

import io
import zipfile

import pytest
from playwright.sync_api import expect

from app.client import PagelensClient
from tests.browser.axe import AXE, MISSING, find_faults
from tests.browsing import ask_page, expect_found

pytestmark = pytest.mark.browser

FERRY = "How many passengers did the ferry carry in its busiest month of 2024?"
REPORT = "haldry-annual-report-2024.pdf"
PROPOSE_MS = 120_000


@pytest.fixture(scope="module")
def library(sample_library):
    return sample_library


@pytest.fixture
def open_page(page, server):
    page.goto(f"{server}/?tab=questions")
    expect(page.locator("#questions :is(.questions, .empty)")).to_be_visible()
    return page


def questions(page):
    return page.locator("#questions .questions > li")


def question(page, text):
    return questions(page).filter(has_text=text)


def right_page(page, place=0):
    return page.locator("#results .card").nth(place).get_by_role("button", name="Right page")


def test_the_right_page_of_a_search_is_marked_and_stays_so(page, server):
    ask_page(page, server, q=FERRY)
    expect_found(page, f"{REPORT}, page 3")
    for place in (0, 1):
        expect(right_page(page, place)).to_have_attribute("aria-pressed", "false")
        right_page(page, place).click()
        expect(right_page(page, place)).to_have_attribute("aria-pressed", "true")
    # By keyboard, too: it keeps the focus.
    expect(right_page(page, 1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(right_page(page, 1)).to_have_attribute("aria-pressed", "false")
    page.reload()
    expect(right_page(page, 0)).to_have_attribute("aria-pressed", "true")
    expect(right_page(page, 1)).to_have_attribute("aria-pressed", "false")


def test_what_is_searched_by_a_page_cannot_be_marked(page, server):
    with PagelensClient(server) as client:
        report = client.find_document(REPORT).document_id
    ask_page(page, server, like=f"{report}.3")
    expect(page.locator("#results .card").first).to_be_visible()
    expect(page.get_by_role("button", name="Right page")).to_have_count(0)


def test_what_was_marked_is_listed_with_its_page(open_page):
    page = open_page
    expect(questions(page)).to_have_count(1)
    marked = question(page, FERRY)
    expect(marked.locator(".facts")).to_contain_text("asked by a person checked")
    expect(marked.get_by_role("link", name=f"{REPORT}, page 3")).to_be_visible()
    expect(page.locator("#questions-summary")).to_contain_text(
        "1 question; searches are measured by 1."
    )
    marked.get_by_role("link", name=FERRY).click()
    expect_found(page, f"{REPORT}, page 3")


def test_its_text_is_edited(open_page):
    page = open_page
    question(page, FERRY).get_by_role("button", name="Edit").click()
    field = page.get_by_role("dialog", name="Edit the question").get_by_label("Its text")
    expect(field).to_have_value(FERRY)
    field.fill("Passengers of the ferry in its busiest month")
    field.press("Enter")
    expect(page.locator("#questions-notice")).to_contain_text("The question is now: Passengers")
    expect(questions(page).locator(".name")).to_have_text(
        ["Passengers of the ferry in its busiest month"]
    )


def test_titles_are_proposed_accepted_and_declined(open_page):
    page = open_page
    page.get_by_role("button", name="Propose titles of pages").click()
    expect(page.locator("#proposals")).to_contain_text("questions proposed.", timeout=PROPOSE_MS)
    proposed = question(page, "Fares for a single crossing")
    expect(proposed).to_contain_text("not checked yet")
    expect(page.locator("#questions-summary")).to_contain_text("searches are measured by 1.")
    page.get_by_label("Text contains").fill("fares")
    expect(questions(page)).to_have_count(1)
    proposed.get_by_role("button", name="Accept").click()
    expect(page.locator("#questions-notice")).to_contain_text("Accepted: Fares")
    expect(proposed.get_by_role("button", name="Accept")).to_have_count(0)
    # Who checks by keyboard goes on where the list was.
    expect(proposed.get_by_role("button", name="Edit")).to_be_focused()
    page.get_by_label("Text contains").fill("")
    expect(page.locator("#questions-summary")).to_contain_text("searches are measured by 2.")
    page.get_by_label("Checked", exact=True).select_option("checked")
    expect(questions(page)).to_have_count(2)
    page.get_by_label("Checked", exact=True).select_option("unchecked")
    declined = questions(page).first
    expect(declined).to_contain_text("not checked yet")
    # One that nobody has checked goes at once.
    text = declined.locator(".name").inner_text()
    declined.get_by_role("button", name="Delete").click()
    expect(page.locator("#questions-notice")).to_contain_text(f"Deleted: {text}")
    expect(page.get_by_role("link", name=text, exact=True)).to_have_count(0)


def test_the_tab_has_no_fault_that_a_reader_would_meet(open_page):
    if not AXE.is_file():
        pytest.skip(MISSING)
    expect(questions(open_page).nth(5)).to_be_visible()
    assert find_faults(open_page) == []


def test_a_page_that_is_not_right_is_taken_away(open_page):
    page = open_page
    accepted = question(page, "Fares for a single crossing")
    accepted.get_by_role("button", name="Not this page").click()
    expect(accepted).to_contain_text("No page yet: search for it, and mark the right one.")
    expect(page.locator("#questions-summary")).to_contain_text("searches are measured by 1.")


def test_all_is_downloaded_as_an_evaluation_set(open_page):
    with open_page.expect_download() as waiting:
        open_page.get_by_role("link", name="Download with all documents").click()
    assert waiting.value.suggested_filename == "questions.zip"
    with zipfile.ZipFile(io.BytesIO(waiting.value.path().read_bytes())) as archive:
        assert b"busiest month" in archive.read("queries.jsonl")
        assert f"corpus/{REPORT}" in archive.namelist()


def test_a_question_that_was_checked_is_deleted_after_a_second_click(open_page):
    page = open_page
    marked = question(page, "Passengers of the ferry")
    dialog = page.get_by_role("dialog", name="Delete Passengers of the ferry")
    for answer, left in (("Keep it", 1), ("Delete it", 0)):
        marked.get_by_role("button", name="Delete").click()
        dialog.get_by_role("button", name=answer).click()
        expect(dialog).to_be_hidden()
        expect(marked).to_have_count(left)
