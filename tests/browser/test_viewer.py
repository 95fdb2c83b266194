"""The page viewer: a page large and sharp, its evidence and its text, and regions of it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browsing import ask_page, expect_found, frame_region, open_best

pytestmark = pytest.mark.browser

FERRY = "How many passengers did the ferry carry in its busiest month of 2024?"
REPORT = "haldry-annual-report-2024.pdf"
PREVIEW_PX = 1024


@pytest.fixture(scope="module")
def library(sample_library):
    return sample_library


@pytest.fixture
def viewer(page, server):
    """The report's third page, as it was found, in the viewer."""
    ask_page(page, server, q=FERRY)
    viewer = open_best(page)
    expect(viewer.locator(".at")).to_have_text("page 3 of 6")
    return viewer


def natural_width(viewer):
    return viewer.locator("img.page").evaluate("image => image.naturalWidth")


def test_the_viewer_shows_the_page_its_name_and_its_text(viewer):
    expect(viewer.get_by_role("heading", level=2)).to_have_text(REPORT)
    expect(viewer.locator("img.page")).to_have_attribute("alt", f"{REPORT}, page 3")
    text = viewer.locator("aside .text")
    expect(text).to_contain_text("Fares for a single crossing")
    expect(text.locator("mark").first).to_be_visible()
    # It can be selected, as any text.
    assert "crossing" in text.locator("p", has_text="Fares for").evaluate(
        "line => { getSelection().selectAllChildren(line); return getSelection().toString(); }"
    )


def test_a_page_that_is_zoomed_in_is_rendered_again(viewer, page):
    zoom = viewer.get_by_role("button", name="Zoom in")
    for _ in range(4):
        zoom.click()
    expect(viewer.locator("output")).to_have_text("384 %")
    page.wait_for_function(
        "width => document.querySelector('#viewer img.page').naturalWidth > width",
        arg=2 * PREVIEW_PX,
    )
    viewer.get_by_role("button", name="Fit").click()
    expect(viewer.locator("output")).to_have_text("100 %")


def test_a_zoomed_page_is_dragged(viewer, page):
    for _ in range(3):
        page.keyboard.press("+")
    stage = viewer.locator(".stage")
    before = stage.evaluate("stage => [stage.scrollLeft, stage.scrollTop]")
    box = stage.bounding_box()
    page.mouse.move(box["x"] + 300, box["y"] + 300)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 220, steps=4)
    page.mouse.up()
    after = stage.evaluate("stage => [stage.scrollLeft, stage.scrollTop]")
    assert after == [before[0] + 100, before[1] + 80]


def test_pages_are_turned_by_buttons_and_arrows(viewer, page):
    at = viewer.locator(".at")
    viewer.get_by_role("button", name="Next page").click()
    expect(at).to_have_text("page 4 of 6")
    assert page.url.endswith(".4")
    # What was found lies on the pages that were found.
    page.keyboard.press("ArrowLeft")
    expect(at).to_have_text("page 3 of 6")
    for number in (2, 1):
        page.keyboard.press("ArrowLeft")
        expect(at).to_have_text(f"page {number} of 6")
    expect(viewer.get_by_role("button", name="Previous page")).to_be_disabled()


def test_evidence_is_put_out_and_lit_again(viewer, page):
    marks = viewer.locator(".mark")
    n_marks = marks.count()
    assert n_marks > 2
    page.keyboard.press("e")
    expect(marks.locator("visible=true")).to_have_count(0)
    page.keyboard.press("e")
    expect(marks.locator("visible=true")).to_have_count(n_marks)
    viewer.get_by_role("group", name="Evidence").get_by_text("ferry", exact=True).click()
    expect(marks.locator("visible=true")).to_have_count(1)


def test_escape_closes_the_viewer_and_the_back_button_opens_nothing_else(viewer, page):
    page.keyboard.press("Escape")
    expect(viewer).not_to_be_visible()
    assert "open=" not in page.url
    expect_found(page, f"{REPORT}, page 3")
    page.go_forward()
    expect(viewer).to_be_visible()
    viewer.get_by_role("button", name="Close").click()
    expect(viewer).not_to_be_visible()


def test_a_slash_leaves_the_page_for_the_question(viewer, page):
    page.keyboard.press("/")
    expect(viewer).not_to_be_visible()
    expect(page.get_by_label("Question", exact=True)).to_be_focused()


def test_a_link_leads_to_the_page_with_its_evidence(viewer, page, browser):
    shared = browser.new_page()
    shared.goto(page.url)
    expect(shared.locator("#viewer .at")).to_have_text("page 3 of 6")
    expect(shared.locator("#viewer .mark").first).to_be_visible()
    shared.close()
    link = viewer.locator(".copy-link")
    link.click()
    expect(link).to_have_text(re.compile("Copied|Copy it"))
    assert link.get_attribute("href") == page.url


def test_the_original_is_downloaded(viewer, page):
    with page.expect_download() as waiting:
        viewer.get_by_role("link", name="Download").click()
    assert waiting.value.suggested_filename == REPORT
    assert waiting.value.path().read_bytes().startswith(b"%PDF")


def test_a_region_that_is_framed_is_searched_for(viewer, page):
    frame_region(page, 0.05, 0.62, 0.95, 0.82)
    viewer.get_by_role("link", name="More like this region").click()
    expect(viewer).not_to_be_visible()
    expect(page.locator("#search-status")).to_contain_text(f"Like a region of page 3 of {REPORT}")
    expect(page.locator("#results .card")).not_to_have_count(0)
    assert "region=0.0" in page.url
    page.reload()
    expect(page.locator("#search-status")).to_contain_text(f"Like a region of page 3 of {REPORT}")


def test_a_click_is_no_region(viewer, page):
    frame_region(page, 0.4, 0.4, 0.401, 0.401)
    expect(viewer.get_by_role("link", name="More like this region")).not_to_be_visible()


def test_a_page_that_is_not_there_is_said_so(page, server):
    page.goto(f"{server}/?open={'0' * 64}.1")
    expect(page.locator("#viewer").get_by_role("alert")).to_contain_text("no document")
