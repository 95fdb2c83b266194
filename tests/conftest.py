import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from filelock import FileLock

from app.library import Library
from app.library_status import LibraryStatus, read_status
from app.settings import Settings
from ingest.office import find_converter
from retrieval.encoders.opening import EncoderOptions, open_encoder
from retrieval.encoders.torchvision_guard import ensure_torchvision_imports
from tests.browser import axe
from tests.browser.timings import TIMINGS, list_timings
from tests.documents import (
    cut_off,
    draw_lines,
    draw_noise,
    draw_photo,
    encode_image,
    write_blank_pdf,
    write_bomb_png,
    write_encrypted_pdf,
    write_pdf_without_pages,
    write_scan_pdf,
    write_text_pdf,
    write_tiff,
)
from tests.ingest.fill_disk import NOT_RUN, find_namespaces
from tests.libraries import copy_library
from tests.packaged_models import share_packaged_models
from tests.postgres import MISSING, PostgresServer, find_programs, run_postgres
from tests.terminal import ROOT, run_pagelens

# Before any test module imports transformers or peft.
ensure_torchvision_imports()

# A shell that runs the tests in the background lets them, and what they start and interrupt, ignore
# Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)

INGEST_S = 300

# Weights are read once a test run, whichever suite asks first.
load_encoder = cache(open_encoder)


@pytest.fixture(scope="session", autouse=True)
def ignore_settings_of_the_machine():
    """What is set outside must not change what the tests see, in this process or a child."""
    for name in [name for name in os.environ if name.startswith("PAGELENS_")]:
        del os.environ[name]


@pytest.fixture(scope="session", autouse=True)
def read_packaged_models_once():
    with pytest.MonkeyPatch.context() as patch:
        share_packaged_models(patch)
        yield


class FailuresAtOnce:
    """Prints each failure when it happens: a run that is ended from outside prints no summary."""

    def __init__(self, terminal) -> None:
        self.terminal = terminal

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.terminal.ensure_newline()
            self.terminal.line(f"FAILED {report.nodeid} ({report.when})", red=True)
            self.terminal.line(report.longreprtext)


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    if terminal := config.pluginmanager.getplugin("terminalreporter"):
        config.pluginmanager.register(FailuresAtOnce(terminal))


# Here, where the process that prints them looks: workers have the conftest of each folder, too.
def pytest_terminal_summary(terminalreporter):
    if timings := list_timings(terminalreporter.stats):
        terminalreporter.section(TIMINGS)
        for line in timings:
            terminalreporter.line(line)
    if shutil.which("chromium") is None:
        terminalreporter.section("BROWSER TESTS WERE NOT RUN", sep="!", red=True)
        terminalreporter.line("There is no Chromium here: `apt-get install chromium`, then again.")
    if not axe.AXE.is_file():
        terminalreporter.section("TESTS OF ACCESSIBILITY WERE NOT RUN", sep="!", red=True)
        terminalreporter.line(f"There is {axe.MISSING}.")
    if find_converter() is None:
        terminalreporter.section("TESTS OF OFFICE FILES WERE NOT RUN", sep="!", red=True)
        terminalreporter.line(
            "There is no LibreOffice here: `make test-programs` as root, then again."
        )
    if find_programs() is None:
        terminalreporter.section("TESTS ON POSTGRESQL WERE NOT RUN", sep="!", red=True)
        terminalreporter.line(f"There is {MISSING}, then again.")
    if not find_namespaces():
        terminalreporter.section("TESTS ON A FULL DISK WERE NOT RUN", sep="!", red=True)
        terminalreporter.line(NOT_RUN)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server of this test run's own."""
    programs = find_programs()
    if programs is None:
        pytest.skip(MISSING)
    with run_postgres(programs) as server:
        yield server


@pytest.fixture
def database_url(postgres_server) -> str:
    """An empty PostgreSQL database."""
    return postgres_server.create_database()


@pytest.fixture(scope="session")
def encoder():
    return load_encoder("minilm-layout")


@pytest.fixture(scope="session")
def sample_library(tmp_path_factory) -> Path:
    """The library of the sample documents, made once for all workers; copy it to open it."""
    base = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        base = base.parent
    folder = base / "sample-library"
    with FileLock(base / "sample-library.lock"):
        if not folder.exists():
            half_done = base / "sample-library-half-done"
            shutil.rmtree(half_done, ignore_errors=True)
            ended = run_pagelens(
                "ingest",
                ROOT / "sample_docs" / "corpus",
                "--library",
                half_done,
                timeout_s=INGEST_S,
            )
            assert ended.returncode == 0, ended.stderr
            half_done.rename(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory):
    """Writes the tiny checkpoint of a family, or an adapter on it, once a test run."""
    from tests.checkpoints import write_adapter, write_checkpoint

    root = tmp_path_factory.mktemp("checkpoints")

    @cache
    def write(name: str) -> Path:
        family, _, adapter = name.partition("+")
        if adapter:
            return write_adapter(family, write(family), root / name)
        return write_checkpoint(family, root / name)

    return write


@pytest.fixture(scope="session")
def open_tiny(tiny_checkpoint):
    """Opens the tiny checkpoint of a family through the code that opens published ones.

    In float32, which it is compared with: on some CPUs "auto" is bfloat16.
    """
    return lambda name: load_encoder(str(tiny_checkpoint(name)), EncoderOptions(dtype="float32"))


class TerminalLibrary(NamedTuple):
    folder: Path
    good_files: Path
    hostile_files: Path
    ended: subprocess.CompletedProcess[str]
    status: LibraryStatus


@pytest.fixture(scope="session")
def terminal_library(tmp_path_factory) -> TerminalLibrary:
    """A library made by one `pagelens ingest` of good files and of every kind of bad one."""
    root = tmp_path_factory.mktemp("terminal")
    good, hostile = root / "files" / "good", root / "files" / "hostile"
    good.mkdir(parents=True)
    hostile.mkdir()
    write_good_files(good)
    write_hostile_files(hostile)
    library = root / "library"
    ended = run_pagelens("ingest", root / "files", "--library", library, "--json")
    return TerminalLibrary(library, good, hostile, ended, read_status(library))


@pytest.fixture(scope="session")
def library(terminal_library, tmp_path_factory) -> Iterator[Library]:
    """A copy of that library, open in this process: a library is a folder, and can be moved."""
    folder = tmp_path_factory.mktemp("moved") / "library"
    copy_library(terminal_library.folder, folder)
    with Library(Settings(library=folder)) as library:
        yield library


def write_good_files(folder: Path) -> None:
    """Six documents of eleven pages, and a copy of one of them."""
    harbour = write_text_pdf(
        folder / "harbour.pdf",
        "The harbour master collects mooring fees from every yacht on the first of May.",
        "Storm warnings are shown as red flags on the mast beside the lighthouse.",
    )
    (folder / "harbour copy.pdf").write_bytes(harbour.read_bytes())
    write_text_pdf(
        folder / "bakery.pdf", "Our bakery sells rye bread, plum cake and warm cinnamon rolls."
    )
    write_text_pdf(
        folder / "really-a-pdf.jpg", "This recipe for goulash needs beef, onions and paprika."
    )
    write_scan_pdf(
        folder / "scan.pdf",
        ["A letter about the comet", "seen through our telescope", "on a cold winter night"],
    )
    write_tiff(
        folder / "cards.tiff",
        ["Card one: the moons of Jupiter", "four of them in one line", "in a cold March"],
        ["Card two: potatoes and carrots", "grow well in the sandy soil", "of the garden"],
        ["Card three: the steam engine", "pulls nine wagons of coal", "over the iron bridge"],
        ["Card four: a violin made by hand", "from the wood of an old spruce", "costs a fortune"],
        [],
    )
    draw_photo().save(folder / "dusk.png")


def write_hostile_files(folder: Path) -> None:
    write_encrypted_pdf(folder / "encrypted.pdf")
    write_pdf_without_pages(folder / "no-pages.pdf")
    write_blank_pdf(folder / "huge-page.pdf", (14_400, 14_400))
    write_bomb_png(folder / "bomb.png")
    whole = write_text_pdf(folder / "cut-off.pdf", *["A page that will be lost. " * 20] * 3)
    whole.write_bytes(cut_off(whole.read_bytes()))
    (folder / "cut-off.png").write_bytes(cut_off(encode_image(draw_noise(), "PNG")))
    (folder / "cut-off.jpg").write_bytes(cut_off(encode_image(draw_noise(), "JPEG")))
    (folder / "cut-off.tiff").write_bytes(cut_off(encode_image(draw_lines(["A card"]), "TIFF")))
    (folder / "empty.pdf").touch()
    (folder / "letter.pdf").write_text("Dear harbour master, this is not a PDF.")
    (folder / "archive.zip").write_bytes(b"PK\x05\x06" + bytes(18))
    (folder / "damaged.pdf").write_bytes(b"%PDF-1.7\n" + b"\x9c garbage " * 300 + b"\n%%EOF\n")
    (folder / "damaged.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"garbage" * 40)
    write_blank_pdf(folder / "one-huge-page-of-two.pdf", (300, 400), (14_400, 300))
