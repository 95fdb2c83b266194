"""What a person does on the web page, and sees of it."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from playwright.sync_api import expect


def ask_page(page, server, **fields):
    """Opens the page at a search."""
    page.goto(f"{server}/?{urlencode(fields)}" if fields else server)
    expect(page.locator("#results :is(.card, .landing, .empty)").first).to_be_visible()


def search_for(page, question):
    page.get_by_label("Question", exact=True).fill(question)
    page.get_by_label("Question", exact=True).press("Enter")


def expect_found(page, best):
    """Waits for an answer whose best card bears this name."""
    expect(page.locator("#search-status")).to_contain_text("best first")
    expect(page.locator("#results .card").first).to_have_attribute(
        "aria-label", re.compile(f"^Result 1: {re.escape(best)}$")
    )


def open_best(page):
    """Opens the best page in the viewer, and waits until its text is beside it."""
    page.locator("#results .card h3 a").first.click()
    expect(page.locator("#viewer .text")).not_to_be_empty()
    return page.locator("#viewer")


def open_library(page):
    page.get_by_role("tab", name="Library").click()
    expect(page.locator("#library-summary")).to_contain_text("on the disk")


def add_files(page, *files):
    page.get_by_label("Choose files").set_input_files(list(files))


def frame_region(page, x0, y0, x1, y1):
    """Draws a box on the page in the viewer, from one corner to the other, in fractions of it."""
    page.get_by_role("button", name="Frame a region").click()
    box = page.locator("#viewer .sheet").bounding_box()
    for x, y, act in ((x0, y0, "down"), (x1, y1, "up")):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=4)
        getattr(page.mouse, act)()
