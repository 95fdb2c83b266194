"""The page is read by who sees no colours, and used by who has a keyboard alone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.states import (
    FERRY,
    REPORT,
    add_questions,
    show_answer,
    show_filters,
    show_library,
    show_models,
    show_questions,
    show_results,
    show_viewer,
)
from tests.browsing import ask_page, expect_found
from tests.libraries import copy_library

pytestmark = pytest.mark.browser

# What text and what marks of a control need at least (WCAG 2.2, 1.4.3 and 1.4.11).
TEXT_CONTRAST = 4.5
MARK_CONTRAST = 3.0


@pytest.fixture(scope="module")
def library(sample_library, tmp_path_factory):
    folder = copy_library(sample_library, tmp_path_factory.mktemp("asked") / "library")
    add_questions(folder)
    return folder


def read_colour(colour):
    """The channels of a computed colour, 0 to 1, and how opaque it is."""
    srgb = re.fullmatch(r"color\(srgb (.+)\)", colour)
    numbers = [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", colour)]
    channels = numbers[:3] if srgb else [number / 255 for number in numbers[:3]]
    return channels, numbers[3] if len(numbers) > 3 else 1.0


def measure_luminance(colour, ground=None):
    """Relative luminance as WCAG 2.2 defines it; of what is not opaque, over a ground."""
    channels, opacity = read_colour(colour)
    if opacity < 1:
        below, _ = read_colour(ground)
        channels = [opacity * a + (1 - opacity) * b for a, b in zip(channels, below, strict=True)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other, ground=None):
    """The contrast of two colours, which is what is left of them in greyscale."""
    lower, higher = sorted(measure_luminance(each, ground) for each in (one, other))
    return (higher + 0.05) / (lower + 0.05)


def style(locator, name, pseudo=None):
    return locator.evaluate(
        "(element, [name, pseudo]) => getComputedStyle(element, pseudo)[name]", [name, pseudo]
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_read_without_colours(page, server, scheme):
    page.emulate_media(color_scheme=scheme)
    show_results(page, server)
    ground = style(page.locator("body"), "backgroundColor")
    # The selected tab: heavier, and underlined.
    chosen, other = (page.get_by_role("tab", name=name) for name in ("Search", "Ask"))
    assert int(style(chosen, "fontWeight")) > int(style(other, "fontWeight"))
    line = style(chosen, "backgroundColor", "::after")
    assert contrast(line, ground) >= MARK_CONTRAST
    # The chosen evidence: filled.
    words = page.get_by_role("group", name="Evidence")
    filled, empty = (words.get_by_text(name, exact=True) for name in ("All", "None"))
    fills = [style(pill, "backgroundColor") for pill in (filled, empty)]
    assert contrast(*fills) >= MARK_CONTRAST
    for pill, fill in zip((filled, empty), fills, strict=True):
        assert contrast(style(pill, "color"), fill) >= TEXT_CONTRAST
    # Marks on white paper: each has an edge; of one word that was chosen, a strong one.
    paper = "rgb(255, 255, 255)"
    marks = page.locator("#results .card").first.locator(".mark")
    for mark in marks.all():
        assert contrast(style(mark, "borderTopColor"), paper, paper) > 2
    words.get_by_text("ferry", exact=True).click()
    mark = marks.locator("visible=true").first
    assert style(mark, "outlineStyle") == "solid"
    assert contrast(style(mark, "outlineColor"), paper) >= MARK_CONTRAST
    # On a dark page the ring around it is seen, which on a light one is not.
    assert "rgba(255, 255, 255" in style(mark, "boxShadow")
    # Words that matched are bold.
    snippet = page.locator("#results .snippet mark").first
    assert int(style(snippet, "fontWeight")) >= 600


# The element with the focus, and whether a ring is seen around it or around what it fills.
DESCRIBE_FOCUS = """() => {
    const at = document.activeElement;
    const around = [at.closest(".box"), at.closest("label"), at].filter(Boolean);
    const ringed = around.find((element) => {
        const { outlineStyle, outlineWidth } = getComputedStyle(element);
        return outlineStyle === "solid" && parseFloat(outlineWidth) >= 2;
    });
    const { width, height } = (ringed ?? at).getBoundingClientRect();
    return {
        name: at.outerHTML.slice(0, 120),
        isOut: at === document.body,
        isSeen: Boolean(ringed) && width > 8 && height > 8,
        colour: ringed && getComputedStyle(ringed).outlineColor,
        ground: getComputedStyle(document.body).backgroundColor,
    };
}"""
MOST_STOPS = 150


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "show", [show_filters, show_viewer, show_answer, show_library, show_models, show_questions]
)
def test_the_focus_is_seen_wherever_it_goes(page, server, show, scheme):
    page.emulate_media(color_scheme=scheme)
    show(page, server)
    seen = []
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        focus = page.evaluate(DESCRIBE_FOCUS)
        # Beyond the last one the browser's own bar comes; a date is entered in three parts.
        if focus["isOut"] or focus["name"] in seen[-1:]:
            continue
        if focus["name"] in seen:
            break
        assert focus["isSeen"], focus["name"]
        assert contrast(focus["colour"], focus["ground"]) >= MARK_CONTRAST, focus["name"]
        seen.append(focus["name"])
    assert len(seen) > 5, seen


def press_until(page, key, locator):
    """Presses a key until something has the focus, as one does who sees where it goes."""
    for _ in range(MOST_STOPS):
        if locator.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{key} never led to {locator}")


def test_the_keyboard_is_enough_to_search_and_to_read(page, server):
    ask_page(page, server)
    page.keyboard.press("/")
    page.keyboard.type(FERRY)
    page.keyboard.press("Enter")
    expect_found(page, f"{REPORT}, page 3")
    evidence = page.get_by_role("group", name="Evidence")
    press_until(page, "Tab", evidence.get_by_role("radio", name="All"))
    press_until(page, "ArrowRight", evidence.get_by_role("radio", name="ferry"))
    expect(page.locator("#results .card").first.locator(".mark:visible")).to_have_count(1)
    link = page.locator("#results .card h3 a").first
    press_until(page, "Tab", link)
    page.keyboard.press("Enter")
    at = page.locator("#viewer .at")
    expect(at).to_have_text("page 3 of 6")
    page.keyboard.press("ArrowRight")
    expect(at).to_have_text("page 4 of 6")
    page.keyboard.press("ArrowLeft")
    expect(at).to_have_text("page 3 of 6")
    page.keyboard.press("Escape")
    expect(page.locator("#viewer")).not_to_be_visible()
    expect(link).to_be_focused()


def test_the_keyboard_is_enough_to_delete_a_document(page, server):
    show_library(page, server)
    name = "sailing-boat-at-noon.png"
    tab = page.get_by_role("tab", name="Library")
    tab.focus()
    press_until(page, "Tab", page.get_by_role("button", name=f"Delete {name}"))
    page.keyboard.press("Enter")
    dialog = page.locator("#confirm-delete")
    expect(dialog.get_by_role("button", name="Keep it")).to_be_focused()
    press_until(page, "Tab", dialog.get_by_role("button", name="Delete it"))
    page.keyboard.press("Enter")
    expect(page.locator("#library-notice")).to_contain_text(f"Deleted {name}")
    expect(page.get_by_role("button", name=f"Delete {name}")).to_have_count(0)
