"""What a browser must not do: run a file's name, or show the page to whoever has no key."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from playwright.sync_api import Error, expect

from app.client import PagelensClient
from tests.browser.conftest import start_server
from tests.browsing import add_files, expect_found, open_best, search_for
from tests.documents import write_text_pdf

pytestmark = pytest.mark.browser

KEY = "key-of-the-browser"
INGEST_MS = 120_000

# Taken for HTML, it would run a script, and ask the server for a picture called "x".
NAME = "<img src=x onerror=alert(1)>.pdf"


def test_the_name_of_a_file_is_shown_as_text_wherever_it_stands(page, server, tmp_path):
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    path = write_text_pdf(tmp_path / NAME, "The lighthouse keeper feeds eleven gulls.")
    with PagelensClient(server) as client:
        (job,) = client.upload([path], tags=[NAME])
        assert client.wait(job).name == NAME
    page.goto(f"{server}/?tab=library")
    listed = page.locator("#documents li")
    expect(listed.locator(".name")).to_have_text(NAME)
    expect(listed.locator(".tag")).to_have_text(NAME)
    listed.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("dialog")).to_contain_text(NAME)
    page.keyboard.press("Escape")
    page.get_by_role("tab", name="Search").click()
    search_for(page, "Who feeds the gulls?")
    expect(page.locator("#results .card h3")).to_have_text(NAME)
    expect(page.locator("#results .card img.page")).to_have_attribute("alt", f"{NAME}, page 1")
    open_best(page)
    expect(page.locator("#viewer").get_by_role("heading")).to_have_text(NAME)
    page.goto(f"{server}/?tab=ask&q=Who+feeds+the+gulls%3F")
    expect(page.locator("#ask-answer .label")).to_contain_text("onerror=alert(1)")
    assert page.locator('img[src="x"]').count() == 0
    assert not dialogs


def test_what_an_address_says_is_shown_as_text(page, server):
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    script = "<img src=x onerror=alert(1)> ${alert(2)} {{7*7}}"
    page.goto(f"{server}/?{urlencode({'q': script, 'tag': script, 'document': script})}")
    expect(page.locator("#search-status .line")).to_contain_text(
        f"no document is called {script!r}"
    )
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
        page.goto(f"{address}/?tab=library")
        # Pages, uploads and downloads all pass the same doors.
        add_files(page, write_text_pdf(tmp_path / "open.pdf", "The gulls are fed at noon."))
        expect(page.locator("#documents .name")).to_have_text("open.pdf", timeout=INGEST_MS)
        page.get_by_role("tab", name="Search").click()
        search_for(page, "When are the gulls fed?")
        expect_found(page, "open.pdf, page 1")
        expect(page.locator("#results img.page")).not_to_have_js_property("naturalWidth", 0)
        known.close()
