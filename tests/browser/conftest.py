"""Starts the real server and Debian's Chromium for the browser tests."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.libraries import copy_library

CHROMIUM = shutil.which("chromium")
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SCREENSHOTS = Path(__file__).parent / "screenshots"
ADDRESS = re.compile(r"^Pagelens is at (http://127\.0\.0\.1:\d+) ", re.MULTILINE)
STOP_S = 60
# A search answers in a fraction of it, where nothing else keeps the processor busy.
EXPECT_MS = 60_000


@pytest.fixture(scope="module")
def library():
    """The library that is served; None for an empty one. Modules say which."""
    return None


@pytest.fixture(scope="module")
def options():
    """Options of `pagelens serve` besides its folder and port."""
    return []


@pytest.fixture(scope="module")
def server(tmp_path_factory, library, options):
    """The address of a server; skips before it starts one in vain."""
    folder = tmp_path_factory.mktemp("served")
    if library is not None:
        copy_library(library, folder / "library")
    with start_server(folder, options) as address:
        yield address


@contextmanager
def start_server(folder: Path, options: Sequence[str] = (), **settings: str) -> Iterator[str]:
    """Yields the address of `pagelens serve` with these settings in its environment."""
    if CHROMIUM is None:
        pytest.skip("no chromium: apt-get install chromium")
    command = [sys.executable, "-m", "app", "serve", "--port", "0", *options]
    environment = {key: v for key, v in os.environ.items() if not key.startswith("PAGELENS_")}
    with (folder / "stderr.txt").open("w+") as errors:
        process = subprocess.Popen(
            [*command, "--library", str(folder / "library")],
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**environment, **settings},
            text=True,
        )
        try:
            # Its encoders come first.
            printed = ""
            while not (announced := ADDRESS.search(printed)):
                line = process.stdout.readline()
                assert line, printed + (folder / "stderr.txt").read_text()
                printed += line
            yield announced[1]
        finally:
            process.terminate()
            try:
                returncode = process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise
    assert returncode == 0, (folder / "stderr.txt").read_text()
    assert not (folder / "library" / "library.holder.json").exists(), "the library was not closed"


@pytest.fixture(scope="module")
def browser():
    """A window of Debian's Chromium, headless; its pages share a cache, which loads them faster."""
    if CHROMIUM is None:
        pytest.skip("no chromium: apt-get install chromium")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=EXPECT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        context.set_default_timeout(EXPECT_MS)
        yield context
        browser.close()


@pytest.fixture
def page(browser, request):
    """A page of the browser; asks nothing of other hosts, and fails no script."""
    asked, script_errors = [], []
    page = browser.new_page()
    page.on("request", lambda asked_for: asked.append(asked_for.url))
    page.on("pageerror", lambda error: script_errors.append(str(error)))
    yield page
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{request.node.name}.png")
    page.close()
    # A module may start more than one server, all on this machine.
    ours = ("http://127.0.0.1:", "data:", "blob:http://127.0.0.1:")
    assert asked and not [url for url in asked if not url.startswith(ours)]
    assert not script_errors
