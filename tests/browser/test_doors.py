"""What a browser must not do: run a file's name, or show the page to whoever has no key."""

from __future__ import annotations

import pytest
from fpdf import FPDF
from playwright.sync_api import Error, expect

from tests.browser.conftest import start_server
from tests.browsing import add_files, open_library, search_for

pytestmark = pytest.mark.browser

KEY = "key-of-the-browser"

# Taken for HTML, it would run a script, and ask the server for a picture called "x".
NAME = "<img src=x onerror=alert(1)>.pdf"
INGEST_MS = 30_000


def test_the_name_of_a_file_is_shown_as_text_wherever_it_stands(page):
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    pdf = FPDF()
    pdf.set_font("Helvetica", size=18)
    pdf.add_page()
    pdf.multi_cell(0, 10, "The lighthouse keeper feeds eleven gulls every morning.")
    whole = {"name": NAME, "mimeType": "application/pdf", "buffer": bytes(pdf.output())}
    broken = {"name": f"broken {NAME}", "mimeType": "application/pdf", "buffer": b"no PDF"}
    open_library(page)
    add_files(page, whole, broken)
    expect(page.locator("#add-report")).to_contain_text("Added 1 document", timeout=INGEST_MS)
    expect(page.locator("#documents")).to_contain_text(NAME)
    expect(page.locator("#refusals")).to_contain_text(NAME)
    search_for(page, "Who feeds the gulls?")
    expect(page.locator("#results .caption-label")).to_contain_text(NAME)
    expect(page.locator("#page-title")).to_contain_text(NAME)
    assert page.locator('img[src="x"]').count() == 0
    assert not dialogs


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
