"""The demo: examples that each find their page, and nothing that can be changed."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from app.demo import EXAMPLES
from tests.browsing import expect_found

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def library(sample_library):
    return sample_library


@pytest.fixture(scope="module")
def options():
    return ["--demo"]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.shows)
def test_an_example_finds_the_page_that_it_promises(page, server, example):
    page.goto(server)
    page.get_by_role("link", name=f"{example.shows} {example.question}").click()
    expect_found(page, f"{example.document}, page {example.page_number}")
    expect(page.locator("#results .card").first.locator(".sheet")).to_be_visible()


def test_nothing_can_be_added_or_removed(page, server):
    page.goto(f"{server}/?tab=library")
    expect(page.locator("#documents li")).to_have_count(15)
    expect(page.get_by_role("note")).to_contain_text("read-only")
    for name in ("Delete", "Re-index", "Tags of", "Choose files"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    # Not even by whoever writes an event of the page.
    page.evaluate(
        """() => window.pagelens.trigger("library", {
            act: "delete", id: document.querySelector("[data-document]").dataset.document, view: {}
        })"""
    )
    expect(page.locator("#library-notice")).to_contain_text("read-only")
    expect(page.locator("#documents li")).to_have_count(15)


def test_nothing_can_be_compared(page, server):
    page.goto(f"{server}/?tab=models")
    expect(page.locator("#comparisons")).to_contain_text("None yet.")
    expect(page.get_by_role("button", name="Start")).to_have_count(0)
    page.evaluate("window.pagelens.trigger('compare', { act: 'start', form: {} })")
    expect(page.locator("#compare-notice")).to_contain_text("read-only")
