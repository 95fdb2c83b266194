"""Takes the README's pictures of the web page: `make screenshots`.

Serves the demo on a free port, opens it in Debian's Chromium, and does on it what a user would.
Each picture is taken light and dark, at the same size whatever the machine's screen is.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browsing import add_files, ask_page, frame_region, open_best
from tests.documents import write_encrypted_pdf
from tests.libraries import copy_library
from tests.terminal import ROOT, run_pagelens, serve_pagelens

FOLDER = ROOT / "docs"
SIZE_PX = {"width": 1280, "height": 860}
# A palette of so many colours, which halves a file and is hardly seen.
COLOURS = 256
LIMIT_BYTES = 200_000
SCHEMES = {"light": "", "dark": "-dark"}
INGEST_S = 600
WAIT_MS = 30_000

FERRY = "How many passengers did the ferry carry in its busiest month of 2024?"
LANTERNS = "How many solar marker lanterns were ordered, and at what price each?"
TAGS = {
    "electricity-statement-2024.pdf": "bills, 2024",
    "haldry-annual-report-2024.pdf": "reports, 2024",
    "invoice-brannoch-chandlers.pdf": "bills",
    "map-of-haldry.png": "maps",
    "slack-water-paper.pdf": "papers, tides",
    "still-life-with-jug.webp": "pictures",
}


def show_search(page: Page, server: str) -> None:
    """A question, and the pages found with their evidence."""
    ask_page(page, server, q=FERRY)


def show_viewer(page: Page, server: str) -> None:
    """The best page in the viewer, its text beside it."""
    ask_page(page, server, q=FERRY)
    viewer = open_best(page)
    expect(viewer.locator(".mark").first).to_be_visible()


def show_region(page: Page, server: str) -> None:
    """A region of the page, framed to search for what is like it."""
    show_viewer(page, server)
    frame_region(page, 0.07, 0.13, 0.93, 0.44)
    expect(page.get_by_role("link", name="More like this region")).to_be_visible()


def show_answer(page: Page, server: str) -> None:
    """An answer in quotes, and the pages that were read."""
    page.goto(f"{server}/?tab=ask")
    question = page.get_by_label("What you want to know")
    question.fill(LANTERNS)
    question.press("Enter")
    expect(page.locator('#ask-answer .answer[aria-busy="false"]')).to_be_visible()
    expect(page.locator("#ask-answer .quote").first).to_be_visible()


def show_library(page: Page, server: str) -> None:
    """Where files are dropped, and the documents with their tags."""
    page.goto(f"{server}/?tab=library")
    expect(page.locator("#documents li")).to_have_count(15)


def show_questions(page: Page, server: str) -> None:
    """The library's own questions: one that was asked, and titles to be checked."""
    page.goto(f"{server}/?tab=questions")
    expect(page.locator("#questions .questions > li").first).to_contain_text(FERRY)


# By the name of the file.
DEMO = {
    "search": show_search,
    "viewer": show_viewer,
    "region": show_region,
    "ask": show_answer,
}
LIBRARY = {"library": show_library, "questions": show_questions}


def fill_library(page: Page, server: str, folder: Path) -> None:
    """Gives documents tags, and hands in a file that no one can read without its password."""
    page.goto(f"{server}/?tab=library")
    expect(page.locator("#documents li")).to_have_count(15)
    for name, tags in TAGS.items():
        page.get_by_role("button", name=f"Tags of {name}").click()
        page.locator("#edit-tags input").fill(tags)
        page.get_by_role("button", name="Save").click()
        expect(page.locator("#library-notice")).to_contain_text(f"{name} has")
    secret = write_encrypted_pdf(folder / "letter-to-the-council.pdf")
    add_files(page, secret)
    expect(page.locator("#jobs")).to_contain_text("needs a password")


def fill_questions(page: Page, server: str) -> None:
    """Has titles proposed, then marks the right page of a search."""
    page.goto(f"{server}/?tab=questions")
    page.get_by_role("button", name="Propose titles of pages").click()
    expect(page.locator("#proposals")).to_contain_text("questions proposed.")
    ask_page(page, server, q=FERRY)
    mark = page.locator("#results .card").first.get_by_role("button", name="Right page")
    mark.click()
    expect(mark).to_have_attribute("aria-pressed", "true")


@contextmanager
def open_page(browser: Browser, scheme: str) -> Iterator[Page]:
    """A page of the browser in light or dark colours."""
    context = browser.new_context(viewport=SIZE_PX, color_scheme=scheme, reduced_motion="reduce")
    yield context.new_page()
    context.close()


def take_pictures(
    browser: Browser, server: str, pictures: dict[str, Callable[[Page, str], None]]
) -> None:
    """Takes each picture light and dark, and writes it into docs/."""
    with open_page(browser, "light") as page:
        # The first question waits for models to be loaded, and its picture would say how long.
        show_search(page, server)
    for name, show in pictures.items():
        for scheme, ending in SCHEMES.items():
            with open_page(browser, scheme) as page:
                show(page, server)
                # A picture that is still on its way would be a hole.
                page.wait_for_function(
                    "[...document.images].every(i => i.loading === 'lazy' || i.complete)"
                )
                shot = page.screenshot(animations="disabled", caret="hide")
            write_picture(FOLDER / f"{name}{ending}.png", shot)


def write_picture(file: Path, shot: bytes) -> None:
    """Writes a screenshot as a PNG with a palette.

    Raises:
        ValueError: it is larger than a README's picture may be.
    """
    picture = Image.open(BytesIO(shot)).convert("RGB")
    picture = picture.quantize(COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    picture.save(file, optimize=True)
    n_bytes = file.stat().st_size
    print(f"{file.relative_to(ROOT)}: {picture.width} x {picture.height}, {n_bytes:,} bytes")
    if n_bytes > LIMIT_BYTES:
        raise ValueError(f"{file} is larger than {LIMIT_BYTES:,} bytes")


def main() -> None:
    """Takes all pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--library", type=Path, help="a library of the sample documents, which is copied"
    )
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        library = Path(scratch) / "library"
        if chosen.library is not None:
            copy_library(chosen.library, library)
        else:
            ended = run_pagelens(
                "ingest", ROOT / "sample_docs/corpus", "--library", library, timeout_s=INGEST_S
            )
            if ended.returncode:
                raise SystemExit(ended.stderr)
        expect.set_options(timeout=WAIT_MS)
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        with serve_pagelens(library, "--demo") as server:
            take_pictures(browser, server.address, DEMO)
        # The demo is read-only: what can be done in a library is seen in one's own.
        with serve_pagelens(library) as server:
            with open_page(browser, "light") as page:
                fill_library(page, server.address, Path(scratch))
                fill_questions(page, server.address)
            take_pictures(browser, server.address, LIBRARY)
        browser.close()


if __name__ == "__main__":
    main()
