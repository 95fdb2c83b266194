"""Searching with a picture: chosen, pasted or dropped."""

from __future__ import annotations

import base64

import pypdfium2
import pytest
from playwright.sync_api import expect

from tests.browsing import ask_page, expect_found
from tests.documents import encode_image
from tests.terminal import ROOT

pytestmark = pytest.mark.browser

INVOICE = "invoice-brannoch-chandlers.pdf"

# Hands a file over as the clipboard or a dragging hand does.
HAND_OVER = """([kind, name, type, content]) => {
    const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name, { type }));
    const event = kind === "paste"
        ? new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true })
        : new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true });
    document.getElementById("question").dispatchEvent(event);
}"""


@pytest.fixture(scope="module")
def library(sample_library):
    return sample_library


@pytest.fixture(scope="module")
def cutting():
    """A piece of the invoice, cut out of a screenshot of it."""
    page = (
        pypdfium2.PdfDocument(ROOT / "sample_docs" / "corpus" / INVOICE)[0].render(scale=2).to_pil()
    )
    part = page.crop((0, page.height // 4, page.width, page.height // 2))
    return encode_image(part, "PNG")


def test_a_picture_finds_the_page_that_it_was_cut_from(page, server, cutting):
    ask_page(page, server)
    page.get_by_label("Search with a picture").set_input_files(
        {"name": "cutting.png", "mimeType": "image/png", "buffer": cutting}
    )
    expect_found(page, f"{INVOICE}, page 1")
    expect(page.locator("#search-status")).to_contain_text("Like cutting.png: ")
    # The address holds the picture, too, as long as the server keeps it.
    page.reload()
    expect_found(page, f"{INVOICE}, page 1")


@pytest.mark.parametrize("kind", ["paste", "drop"])
def test_a_picture_is_pasted_or_dropped(page, server, cutting, kind):
    ask_page(page, server)
    content = base64.b64encode(cutting).decode()
    if kind == "drop":
        page.evaluate(HAND_OVER, ["dragover", "cutting.png", "image/png", content])
    page.evaluate(HAND_OVER, [kind, "cutting.png", "image/png", content])
    expect_found(page, f"{INVOICE}, page 1")


def test_what_is_no_picture_is_refused_in_one_line(page, server):
    ask_page(page, server)
    page.get_by_label("Search with a picture").set_input_files(
        {"name": "no.png", "mimeType": "image/png", "buffer": b"no picture at all"}
    )
    expect(page.locator("#search-status")).to_contain_text("no.png: not a")
    content = base64.b64encode(b"text").decode()
    page.evaluate(HAND_OVER, ["dragover", "notes.txt", "text/plain", content])
    page.evaluate(HAND_OVER, ["drop", "notes.txt", "text/plain", content])
    expect(page.locator("#search-status")).to_contain_text("Only a picture can be searched with")


def test_a_picture_that_the_server_no_longer_keeps_is_asked_for_again(page, server):
    page.goto(f"{server}/?picture={'0' * 64}/gone.png")
    expect(page.locator("#search-status")).to_contain_text(
        "gone.png: the picture that was searched with is no longer here"
    )
