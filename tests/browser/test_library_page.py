"""The library tab: files and folders that come in, and what is done with documents.

The tests of this module go on from one another, in one library that is empty at first.
"""

from __future__ import annotations

import re

import pikepdf
import pytest
from playwright.sync_api import expect

from app.client import PagelensClient
from tests.browser.conftest import start_server
from tests.browsing import add_files, ask_page
from tests.documents import write_scan_pdf, write_text_pdf

pytestmark = pytest.mark.browser

INGEST_MS = 120_000
NAME = "tides.pdf"
PAGES = ("The tide table of Haldry.", "Spring tides in March.", "Neap tides in May.")


@pytest.fixture
def open_page(page, server):
    page.goto(f"{server}/?tab=library")
    expect(page.locator("#library-summary")).to_contain_text("on the disk")
    return page


def documents(page):
    return page.locator("#documents li")


def document(page, name):
    return documents(page).filter(has_text=name)


def expect_listed(page, *names):
    expect(documents(page).locator(".name")).to_have_text(list(names), timeout=INGEST_MS)


def test_an_empty_library_leads_to_where_documents_are_added(page, server):
    page.goto(server)
    expect(page.locator("#results .empty")).to_contain_text("Nothing to search yet")
    page.get_by_role("link", name="Add documents").click()
    expect(page.get_by_text("Drop files or folders here")).to_be_visible()
    expect(page.locator("#documents .empty")).to_have_text("No documents yet.")
    expect(page.locator("#library-summary")).to_contain_text("Pages: minilm-layout")


def test_files_that_are_chosen_come_in_with_their_tags(page, server, tmp_path):
    page.goto(server)
    expect(page.locator("#results .empty")).to_be_visible()
    page.get_by_role("tab", name="Library").click()
    page.get_by_label("Tags for what is added").fill("harbour, tables")
    add_files(page, write_text_pdf(tmp_path / NAME, *PAGES))
    expect_listed(page, NAME)
    listed = document(page, NAME)
    expect(listed.locator(".facts")).to_contain_text(
        re.compile(r"PDF\s+3 pages\s+\d.* kB\s+added 20")
    )
    expect(listed.locator(".tag")).to_have_text(["harbour", "tables"])
    expect(listed.locator("img")).not_to_have_js_property("naturalWidth", 0)
    expect(page.locator("#jobs li")).to_have_count(0)
    expect(page.locator("#library-summary")).to_contain_text("1 document, 3 pages")
    page.get_by_role("tab", name="Search").click()
    expect(page.locator("#search-status")).to_contain_text("3 pages of 1 document")


def test_what_is_refused_says_why_and_can_be_dismissed(open_page, tmp_path):
    page = open_page
    (tmp_path / "notes.pdf").write_bytes(b"no PDF at all")
    add_files(page, tmp_path / "notes.pdf")
    failed = page.locator("#jobs li", has_text="notes.pdf")
    expect(failed).to_contain_text("not a PDF, a picture or an office file that Pagelens reads")
    # It is not forgotten with the page that it was handed in on.
    page.reload()
    expect(failed.get_by_text("not a PDF, a picture or an office file")).to_be_visible()
    failed.get_by_role("button", name="Dismiss").click()
    expect(page.locator("#jobs li")).to_have_count(0)
    expect_listed(page, NAME)


def test_an_upload_that_the_server_refuses_can_be_tried_again(open_page, tmp_path):
    page = open_page
    refused = '{"error": {"type": "DiskFull", "message": "the disk is full", "remedy": ""}}'
    page.route(
        "**/api/v1/documents?*",
        lambda route: route.fulfill(status=507, content_type="application/json", body=refused),
        times=1,
    )
    add_files(page, write_text_pdf(tmp_path / "again.pdf", "The second try."))
    upload = page.locator("#uploads li", has_text="again.pdf")
    expect(upload).to_contain_text("the disk is full")
    upload.get_by_role("button", name="Try again").click()
    expect_listed(page, "again.pdf", NAME)
    expect(upload).to_have_count(0)


def test_a_folder_comes_in_with_all_below_it(open_page, tmp_path):
    page = open_page
    below = tmp_path / "papers" / "old"
    below.mkdir(parents=True)
    write_text_pdf(tmp_path / "papers" / "first.pdf", "The first paper.")
    write_text_pdf(below / "second.pdf", "The second paper.")
    page.get_by_label("Choose a folder").set_input_files(tmp_path / "papers")
    expect(documents(page)).to_have_count(4, timeout=INGEST_MS)
    expect(document(page, "second.pdf")).to_be_visible()


def test_documents_are_sorted_and_chosen(open_page):
    page = open_page
    form = page.locator("#documents-form")
    form.get_by_label("Sort by").select_option("name")
    expect_listed(page, "again.pdf", "first.pdf", "second.pdf", NAME)
    form.get_by_label("Sort by").select_option("pages")
    expect(documents(page).first).to_contain_text(NAME)
    form.get_by_label("Name contains").fill("SEC")
    expect_listed(page, "second.pdf")
    form.get_by_label("Name contains").fill("")
    expect(documents(page)).to_have_count(4)
    document(page, NAME).get_by_text("harbour").click()
    expect_listed(page, NAME)
    form.get_by_label("Name contains").fill("nothing of this name")
    expect(page.locator("#documents .empty")).to_contain_text("No document fits")


def test_tags_are_edited_and_can_be_searched_by(open_page, server):
    page = open_page
    document(page, "first.pdf").get_by_role("button", name="Tags of").click()
    dialog = page.get_by_role("dialog", name="Tags of first.pdf")
    field = dialog.get_by_label("Separated by commas")
    field.fill("x" * 101)
    field.press("Enter")
    expect(page.locator("#library-notice")).to_contain_text("at most 100 characters")
    document(page, "first.pdf").get_by_role("button", name="Tags of").click()
    field.fill("papers, old,, papers")
    field.press("Enter")
    expect(page.locator("#library-notice")).to_contain_text("first.pdf has 2 tags now")
    expect(document(page, "first.pdf").locator(".tag")).to_have_text(["papers", "old"])
    ask_page(page, server, q="paper", tag="papers")
    expect(page.locator("#results .card")).to_have_count(1)


def test_a_document_is_read_anew(open_page):
    page = open_page
    document(page, "first.pdf").get_by_role("button", name="Re-index").click()
    expect(page.locator("#library-notice")).to_contain_text("first.pdf is read anew")
    expect(documents(page)).to_have_count(4, timeout=INGEST_MS)
    expect(document(page, "first.pdf").locator(".tag")).to_have_text(["papers", "old"])


def test_a_document_is_deleted_after_a_second_click(open_page):
    page = open_page
    document(page, NAME).get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog", name=f"Delete {NAME} (3 pages)?")
    dialog.get_by_role("button", name="Keep it").click()
    expect(document(page, NAME)).to_be_visible()
    document(page, NAME).get_by_role("button", name="Delete").click()
    dialog.get_by_role("button", name="Delete it").click()
    expect(page.locator("#library-notice")).to_contain_text(f"Deleted {NAME} (3 pages).")
    expect(document(page, NAME)).to_have_count(0)


def test_a_document_that_is_deleted_meanwhile_is_said_to_be_gone(open_page, server, tmp_path):
    page = open_page
    with PagelensClient(server) as client:
        (job,) = client.upload([write_text_pdf(tmp_path / "gone.pdf", "Here today.", "Gone.")])
        gone = client.wait(job)
        page.goto(f"{server}/?tab=library&open={gone.document_id}.1")
        expect(page.locator("#viewer .text")).to_contain_text("Here today.")
        client.delete(gone.document_id)
    page.keyboard.press("ArrowRight")
    expect(page.locator("#viewer").get_by_role("alert")).to_contain_text(
        "This page of gone.pdf is no longer in the library."
    )
    expect(page.locator("#viewer .text")).to_be_empty()


def test_the_original_is_downloaded(open_page):
    with open_page.expect_download() as waiting:
        document(open_page, "again.pdf").get_by_role("link", name="Download").click()
    assert waiting.value.suggested_filename == "again.pdf"


def test_progress_is_seen_and_survives_a_reload_and_a_restart(browser, tmp_path):
    """Scans take a second a page, so that a file of 12 is under way for a while."""
    scan = write_scan_pdf(tmp_path / "scan.pdf", ["The keeper of the light", "wrote this letter."])
    long = join_pages(scan, tmp_path / "long-scan.pdf", 12)
    folder = tmp_path / "served"
    folder.mkdir()
    with start_server(folder) as address:
        page = browser.new_page()
        page.goto(f"{address}/?tab=library")
        expect(page.locator("#library-summary")).to_contain_text("0 documents")
        add_files(page, long)
        job = page.locator("#jobs li", has_text="long-scan.pdf")
        expect(job).to_contain_text("of 12 pages", timeout=INGEST_MS)
        expect(job.get_by_role("progressbar")).to_have_attribute("max", "12")
        # Else it is over before a slow machine shows the page again.
        job.get_by_role("button", name="Hold").click()
        expect(job).to_contain_text("held")
        page.reload()
        expect(job).to_contain_text("of 12 pages")
        expect(job).to_contain_text("held")
        page.close()
    with start_server(folder) as address:
        page = browser.new_page()
        page.goto(f"{address}/?tab=library")
        job = page.locator("#jobs li", has_text="long-scan.pdf")
        expect(job).to_contain_text("held")
        job.get_by_role("button", name="Go on").click()
        expect_listed(page, "long-scan.pdf")
        expect(document(page, "long-scan.pdf")).to_contain_text("12 pages")
        page.close()


def join_pages(path, joined, times):
    with pikepdf.open(path) as one, pikepdf.new() as many:
        for _ in range(times):
            many.pages.extend(one.pages)
        many.save(joined)
    return joined


# Drops a drawing on the page, as a browser tells of it.
DROP = """async () => {
    const drawing = document.createElement("canvas");
    drawing.getContext("2d").fillRect(10, 10, 100, 60);
    const content = await new Promise((done) => drawing.toBlob(done));
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([content], "drawing.png", { type: "image/png" }));
    for (const kind of ["dragover", "drop"])
        document.getElementById("drop-zone").dispatchEvent(
            new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true }));
}"""


def test_a_file_that_is_dropped_comes_in(open_page):
    open_page.evaluate(DROP)
    expect(document(open_page, "drawing.png")).to_be_visible(timeout=INGEST_MS)
    expect(document(open_page, "drawing.png").locator(".facts")).to_contain_text("photo, PNG")
