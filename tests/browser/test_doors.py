"""What a browser must not do: run a file's name, or show the page to whoever has no key."""

from __future__ import annotations

import pytest
from playwright.sync_api import Error, expect

from app.client import PagelensClient
from tests.browser.conftest import start_server
from tests.browsing import open_library, search_for
from tests.documents import write_text_pdf

pytestmark = pytest.mark.browser

KEY = "key-of-the-browser"

# Taken for HTML, it would run a script, and ask the server for a picture called "x".
NAME = "<img src=x onerror=alert(1)>.pdf"


def test_the_name_of_a_file_is_shown_as_text_wherever_it_stands(page, server, tmp_path):
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    path = write_text_pdf(tmp_path / NAME, "The lighthouse keeper feeds eleven gulls.")
    # Gradio takes such characters out of the names of its own uploads; the API does not.
    with PagelensClient(server) as client:
        (job,) = client.upload([path])
        assert client.wait(job).name == NAME
    open_library(page)
    expect(page.locator("#documents")).to_contain_text(NAME)
    page.get_by_label("Delete a document").click()
    page.get_by_role("option", name=NAME).click()
    search_for_gulls(page)
    expect(page.locator("#results .caption-label")).to_contain_text(NAME)
    expect(page.locator("#page-title")).to_contain_text(NAME)
    assert page.locator('img[src="x"]').count() == 0
    assert not dialogs


def search_for_gulls(page):
    page.get_by_role("tab", name="Search").click()
    search_for(page, "Who feeds the gulls?")


def test_the_page_asks_for_the_key_and_then_works_as_ever(browser, tmp_path):
    with start_server(tmp_path, PAGELENS_API_KEY=KEY) as address:
        stranger = browser.browser.new_context()
        answer = None
        try:
            answer = stranger.new_page().goto(address)
        except Error as refused:
            # Without anybody to ask, some releases of Chromium show no page at all.
            assert "INVALID_AUTH_CREDENTIALS" in str(refused)
        assert answer is None or answer.status == 401
        stranger.close()
        known = browser.browser.new_context(http_credentials={"username": "me", "password": KEY})
        page = known.new_page()
        page.goto(address)
        search_for(page, "anything")
        expect(page.locator("#search-status")).to_contain_text("Add documents on the Library tab")
        known.close()
