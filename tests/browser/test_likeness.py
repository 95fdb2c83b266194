"""Searching by a picture, a page or a region of it, and evidence word by word.

The tests of this module go on from one another.
"""

from __future__ import annotations

import re

import pypdfium2
import pytest
from playwright.sync_api import expect

from tests.browsing import (
    COUNT_YELLOW,
    add_files,
    click_page,
    open_library,
    search_for,
    search_with_picture,
)
from tests.documents import draw_photo, encode_image, new_pdf

pytestmark = pytest.mark.browser

# What stands in the upper and in the lower half of each page.
PAGES = (
    ("Yachts pay a mooring fee in the harbour.", "The bakery sells rye bread and plum cake."),
    ("Four moons of Jupiter were seen", "through the telescope of the observatory."),
    ("Fresh bread and cake are baked", "every morning in our bakery."),
    ("The harbour master collects", "the fee for each mooring of a yacht."),
)
INGEST_MS = 120_000
# How far below the top of its column a picture stands, in pixels; the column may be scrolled.
PLACE_IN_COLUMN = """picture =>
    picture.getBoundingClientRect().top -
    document.querySelector("#page-column").getBoundingClientRect().top"""


@pytest.fixture(scope="module")
def island():
    pdf = new_pdf()
    for halves in PAGES:
        pdf.add_page()
        for half, text in enumerate(halves):
            pdf.text(x=60, y=120 + 420 * half, text=text)
    return bytes(pdf.output())


@pytest.fixture(scope="module")
def dusk():
    picture = encode_image(draw_photo(), "PNG")
    return {"name": "dusk.png", "mimeType": "image/png", "buffer": picture}


@pytest.fixture
def cutting(island):
    """The words of page 3, cut out of a screenshot of it."""
    page = pypdfium2.PdfDocument(island)[2].render(scale=2).to_pil()
    upper = page.crop((60, 140, page.width - 60, page.height // 2))
    return {"name": "cutting.png", "mimeType": "image/png", "buffer": encode_image(upper, "PNG")}


def expect_answer(page, asked, best):
    expect(page.locator("#search-status")).to_have_text(
        re.compile(rf"{re.escape(asked)}\d pages?( and 1 photo)? found in \d+ ms, best first\.")
    )
    expect(page.locator("#results .caption-label").first).to_contain_text(best)
    expect(page.locator("#page-title")).to_contain_text(best)


def test_an_empty_library_has_nothing_like_a_picture(page, dusk):
    search_with_picture(page, dusk)
    expect(page.locator("#search-status")).to_contain_text("The library is empty")


def test_a_photo_that_is_found_is_called_one(page, island, dusk):
    open_library(page)
    add_files(page, {"name": "island.pdf", "mimeType": "application/pdf", "buffer": island}, dusk)
    expect(page.locator("#add-report")).to_contain_text("Added 2 doc", timeout=INGEST_MS)
    page.get_by_role("tab", name="Search").click()
    search_for(page, "the sky in the evening")
    captions = page.locator("#results .caption-label")
    expect(captions.filter(has_text="dusk.png")).to_have_text(
        re.compile(r"dusk\.png, page 1 \(photo, approximate, score \d\.\d\d\)")
    )
    expect(captions.filter(has_text="island.pdf").first).not_to_contain_text("photo")


def test_a_picture_finds_the_page_that_it_was_cut_from(page, cutting):
    search_with_picture(page, cutting)
    expect_answer(page, "Like cutting.png: ", "island.pdf, page 3")


def test_what_is_no_picture_is_refused_in_one_line(page):
    search_with_picture(
        page, {"name": "no.png", "mimeType": "image/png", "buffer": b"no picture at all"}
    )
    expect(page.locator("#search-status")).to_have_text(re.compile(r"no\.png: not a .*"))
    page.get_by_label("Remove Image").click()
    page.locator("#look").click()
    expect(page.locator("#search-status")).to_contain_text("Choose, paste or drop a picture")


def test_the_evidence_is_shown_for_one_word_for_all_or_not_at_all(page):
    search_for(page, "the harbour and the bakery")
    title, picture = page.locator("#page-title"), page.locator("#page-picture img")
    expect(title).to_contain_text("page 1 of 4")
    upper, lower = picture.evaluate(COUNT_YELLOW)
    assert upper > 100 and lower > 100
    for choice, is_lit in (("bakery", (0, 1)), ("None", (0, 0)), ("harbour", (1, 0))):
        before = picture.get_attribute("src")
        page.locator("#evidence").get_by_label(choice).check()
        expect(picture).not_to_have_attribute("src", before)
        assert tuple(n > 100 for n in picture.evaluate(COUNT_YELLOW)) == is_lit, choice
    page.locator("#next-page").click()
    expect(title).to_contain_text("page 2 of 4")
    page.locator("#previous-page").click()
    expect(title).to_contain_text("page 1 of 4")
    expect(page.locator("#evidence").get_by_label("All")).to_be_checked()


def test_more_like_a_page_gives_other_pages(page):
    search_for(page, "the harbour and the bakery")
    expect(page.locator("#page-title")).to_contain_text("page 1 of 4")
    page.locator("#like-page").click()
    expect(page.locator("#search-status")).to_contain_text("Like page 1 of island.pdf: 3 pages")
    captions = page.locator("#results .caption-label")
    expect(captions).to_have_count(3)
    expect(captions.filter(has_text="page 1")).to_have_count(0)


@pytest.mark.parametrize(
    ("from_y", "to_y", "best"),
    [(0.45, 0.1, "island.pdf, page 4"), (0.5, 0.9, "island.pdf, page 3")],
)
def test_more_like_a_region_asks_for_what_stands_between_two_clicks(page, from_y, to_y, best):
    search_for(page, "the harbour and the bakery")
    expect(page.locator("#page-title")).to_contain_text("page 1 of 4")
    hint, like_region = page.locator("#region-hint"), page.locator("#like-region")
    picture = page.locator("#page-picture")
    expect(like_region).to_be_disabled()
    place = picture.evaluate(PLACE_IN_COLUMN)
    click_page(page, 0.95, from_y)
    expect(hint).to_contain_text("Now click the opposite corner")
    assert picture.evaluate(PLACE_IN_COLUMN) == place
    expect(like_region).to_be_disabled()
    click_page(page, 0.05, to_y)
    expect(hint).to_contain_text("The region is framed")
    like_region.click()
    expect_answer(page, "Like a region of page 1 of island.pdf: ", best)


def test_a_corner_may_be_clicked_before_the_first_is_answered(page):
    search_for(page, "the harbour and the bakery")
    expect(page.locator("#page-title")).to_contain_text("page 1 of 4")
    held = []
    page.route("**/queue/join*", lambda route: held.append(route))
    for corner in ((0.95, 0.45), (0.05, 0.1)):
        with page.expect_request("**/queue/join*"):
            click_page(page, *corner)
    for route in held:
        route.continue_()
    expect(page.locator("#region-hint")).to_contain_text("The region is framed")
    expect(page.locator("#like-region")).to_be_enabled()


def test_the_models_tab_names_the_encoders_and_their_licences(page):
    page.get_by_role("tab", name="Models").click()
    expect(page.locator("#encoders")).to_contain_text("Pages: minilm-layout (")
    expect(page.locator("#encoders")).to_contain_text("Photos: imagenet-tags (")
    rows = page.locator("#models tbody tr")
    expect(rows.filter(has_text="colqwen2.5-v0.2")).to_contain_text(
        re.compile(r"page pictures128768\s*3,750 M7\.5 GB89\.4 %Qwen research .*not permitted")
    )
    expect(rows.filter(has_text="colpali-v1.3").first).to_contain_text("Gemma terms")
    expect(rows.filter(has_text="siglip2-base")).to_contain_text("photos")
