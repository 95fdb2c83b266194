"""`pagelens ingest --watch`: a process that stays, and takes files as they come."""

import json
import signal
import subprocess
import sys
from contextlib import ExitStack, contextmanager

import pytest
from typer.testing import CliRunner

from app.cli import program
from app.client import PagelensClient
from app.library_status import read_status
from tests.documents import cut_off, write_text_pdf
from tests.terminal import ROOT, serve_pagelens

STOP_S = 60


class Watching:
    """A process that watches a folder; what it says is read as it says it."""

    def __init__(self, process):
        self.process = process

    def read_until(self, text):
        """The first line with this text; it fails if the process ends before it."""
        lines = []
        for line in self.process.stderr:
            lines.append(line)
            if text in line:
                return line
        raise AssertionError(f"{text!r} was not said: {''.join(lines)}")

    def stop(self, by=signal.SIGINT):
        """(exit code, standard output), after a signal."""
        self.process.send_signal(by)
        output, _ = self.process.communicate(timeout=STOP_S)
        return self.process.returncode, output


@contextmanager
def watching(folder, library, *options):
    command = [sys.executable, "-m", "app", "ingest", "--watch", folder, "--library", library]
    process = subprocess.Popen(
        [*map(str, command), *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield Watching(process)
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def inbox(tmp_path):
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def names_in(library):
    return sorted(document.name for document in read_status(library).documents)


def test_files_are_added_as_they_come_until_it_is_stopped(inbox, tmp_path):
    # Where it would meet its own previews.
    library = inbox / "library"
    write_text_pdf(inbox / "harbour.pdf", "Mooring fees", "Storm warnings")
    (inbox / "notes.pdf").write_text("no PDF")
    whole = write_text_pdf(tmp_path / "long.pdf", *["Rye bread and plum cake " * 20] * 3)
    with watching(inbox, library, "--json") as watch:
        watch.read_until(f"refused {inbox}/notes.pdf: not a PDF")
        watch.read_until(f"added {inbox}/harbour.pdf: 2 pages")
        watch.read_until(f"Watching {inbox} (Ctrl-C stops it)")

        copied = inbox / "long.pdf"
        copied.write_bytes(cut_off(whole.read_bytes()))
        watch.read_until(f"refused {copied}: the PDF is cut off")
        copied.write_bytes(whole.read_bytes())
        watch.read_until(f"added {copied}: 3 pages")

        write_text_pdf(inbox / "harbour.pdf", "The fees have changed")
        watch.read_until(f"added {inbox}/harbour.pdf: 1 page")
        copied.unlink()
        (inbox / "copy.pdf").write_bytes((inbox / "harbour.pdf").read_bytes())
        watch.read_until(f"already there {inbox}/copy.pdf: 1 page")
        # By then what became of the one before stands in a line of its own.
        write_text_pdf(inbox / "last.pdf", "The last of today")
        watch.read_until(f"added {inbox}/last.pdf: 1 page")
        exit_code, output = watch.stop(signal.SIGTERM)
    assert exit_code == 0
    # The new version alone; what was deleted from the folder stays.
    assert names_in(library) == ["harbour.pdf", "last.pdf", "long.pdf"]
    reports = [json.loads(line) for line in output.splitlines()]
    assert [
        [(file["path"], file["outcome"]) for file in report["files"]] for report in reports[:5]
    ] == [
        [(f"{inbox}/notes.pdf", "refused"), (f"{inbox}/harbour.pdf", "added")],
        [(str(copied), "refused")],
        [(str(copied), "added")],
        [(f"{inbox}/harbour.pdf", "added")],
        [(f"{inbox}/copy.pdf", "already_there")],
    ]


def test_what_is_stopped_while_a_file_is_added_goes_on_the_next_time(inbox, tmp_path):
    library = tmp_path / "library"
    write_text_pdf(inbox / "log.pdf", *[f"Day {i} of the harbour log" for i in range(16)])
    with watching(inbox, library) as watch:
        while not list((library / "previews").rglob("*.webp")):
            with pytest.raises(subprocess.TimeoutExpired):
                watch.process.wait(timeout=0.05)
        exit_code, output = watch.stop()
    assert (exit_code, output) == (0, "Stopped watching; 0 documents (0 pages) added.\n")
    assert [job.name for job in read_status(library).under_way] == ["log.pdf"]
    with watching(inbox, library) as watch:
        watch.read_until(f"added {inbox}/log.pdf: 16 pages")
        watch.read_until("Watching")
        exit_code, output = watch.stop()
    assert (exit_code, output) == (0, "Stopped watching; 1 document (16 pages) added.\n")


def test_files_go_to_the_server_that_holds_the_library_and_wait_while_it_is_away(inbox, tmp_path):
    library = tmp_path / "library"
    with ExitStack() as watched:
        with serve_pagelens(library) as server:
            watch = watched.enter_context(watching(inbox, library, "--tag", "town"))
            watch.read_until(f"The library is served at {server.address}")
            watch.read_until("Watching")
            write_text_pdf(inbox / "bakery.pdf", "Rye bread and plum cake")
            watch.read_until(f"added {inbox}/bakery.pdf: 1 page")
        write_text_pdf(inbox / "harbour.pdf", "Mooring fees")
        watch.read_until(f"Waiting: {server.address} cannot be reached")
        with serve_pagelens(library) as server:
            watch.read_until(f"added {inbox}/harbour.pdf: 1 page")
            exit_code, output = watch.stop()
            with PagelensClient(server.address) as client:
                found = sorted((d.name, *d.tags) for d in client.list_documents())
    assert found == [("bakery.pdf", "town"), ("harbour.pdf", "town")]
    assert (exit_code, output) == (0, "Stopped watching; 2 documents (2 pages) added.\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--watch", __file__], "--watch takes folders"),
        (["--watch"], "name files or folders"),
        (["--watch", ".", "--dry-run"], "neither"),
        (["--watch", ".", "--retry-failed"], "neither"),
    ],
)
def test_what_cannot_be_watched_is_a_usage_error(tmp_path, arguments, message):
    ended = CliRunner().invoke(program, ["ingest", *arguments, "--library", str(tmp_path / "new")])
    assert ended.exit_code == 2
    assert message in ended.output
    assert not (tmp_path / "new").exists()
