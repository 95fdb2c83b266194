"""Office files, web pages and mails become documents by LibreOffice, and reach nothing else."""

import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.dry_run import forecast
from app.library import Library
from app.settings import Settings
from ingest import confined, office
from ingest.files import readable_path
from ingest.media_types import MediaType, read_media_type
from ingest.render import render_pages
from retrieval.errors import ConverterMissing, DamagedFile, NotADocument, RenderingFailed
from tests.office_files import write_docx, write_mail, write_odp, write_odt, write_xlsx

MISSING = "there is no LibreOffice here: `apt-get install libreoffice-writer-nogui`"


def silent(progress):
    """For a run that nobody watches."""


needs_libreoffice = pytest.mark.skipif(office.find_converter() is None, reason=MISSING)


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("office")
    # What a file is, is read from its content: names are given wrongly as often as not.
    write_docx(folder / "mooring.docx", "The mooring rules of the north quay.", "Fees: 12 crowns.")
    write_xlsx(folder / "harvest.xlsx", ("Orchard", "Bushels"), ("Quince hill", "4,310"))
    write_odt(folder / "minutes.odt", "The committee minutes name Alma Thorvald as treasurer.")
    write_odp(
        folder / "slides.odp",
        "Lighthouse keepers of the west",
        "Lamp oil and what it cost in winter",
    )
    write_mail(
        folder / "repair.eml", "The crane", "The crane is repaired on Tuesday.", plan=b"%PDF-"
    )
    return folder


@needs_libreoffice
def test_pages_of_office_files_are_found_by_their_words(files, tmp_path):
    with Library(Settings(library=tmp_path / "library")) as library:
        report = library.ingest([files], silent)
        assert not report.failed
        assert report.documents == 5
        for question, name, page in (
            ("fees in crowns", "mooring.docx", 2),
            ("bushels of the quince hill orchard", "harvest.xlsx", 1),
            ("who is the treasurer", "minutes.odt", 1),
            ("lamp oil in winter", "slides.odp", 2),
            ("when is the crane repaired", "repair.eml", 1),
        ):
            (hit,) = library.search(question, 1).hits
            assert (hit.document, hit.page_number) == (name, page)
        mail = library.find_document("repair.eml")
        words = {word.text for word in library.read_words(mail.document_id, 0)}
        assert {"Tuesday.", "plan.pdf"} <= words
        assert any("office@example.org" in word for word in words)
        # What is downloaded is the file that was added, and a page is drawn from its PDF.
        original = library.find_original(mail.document_id)
        assert original.read_bytes() == (files / "repair.eml").read_bytes()
        pdf = readable_path(library.folder, mail.document_id)
        assert read_media_type(pdf) is MediaType.PDF
        pdf.unlink()
        assert library.render_page(mail.document_id, 0, 2_000)
        assert pdf.exists()
        library.delete(mail.document_id)
        assert not pdf.exists()


@needs_libreoffice
def test_a_dry_run_counts_the_pages_of_an_office_file(files, tmp_path):
    counted = forecast(tmp_path / "library", None, None, [files / "mooring.docx"], silent)
    assert (counted.documents, counted.pages, counted.failed) == (1, 2, ())


@pytest.fixture
def listener() -> Iterator[tuple[str, list[str]]]:
    """A server's address, and the paths that are asked of it."""
    asked: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


@needs_libreoffice
def test_a_web_page_fetches_nothing_and_shows_no_other_file(tmp_path, listener):
    address, asked = listener
    secret = tmp_path / "secret.png"
    Image.new("RGB", (400, 400), "red").save(secret)
    page = tmp_path / "page.html"
    page.write_text(
        f'<!DOCTYPE html><p>The tide table</p><img src="{address}/pixel.png">'
        f'<img src="{secret.as_uri()}" width="400" height="400">'
        f'<iframe src="{address}/frame"></iframe><link rel="stylesheet" href="{address}/a.css">'
    )
    assert read_media_type(page) is MediaType.HTML
    office.convert_to_pdf(page, MediaType.HTML, tmp_path / "page.pdf")
    assert asked == []
    (rendered,) = render_pages(tmp_path / "page.pdf", MediaType.PDF, [0], 1024)
    assert "tide" in [word.text for word in rendered.words]
    pixels = np.asarray(rendered.image).reshape(-1, 3)
    assert not ((pixels[:, 0] > 200) & (pixels[:, 1] < 60)).any()


@pytest.mark.skipif(not confined.is_possible(), reason="this kernel has no Landlock")
def test_a_confined_program_reads_no_file_outside_of_its_folder(tmp_path):
    inside, outside = tmp_path / "inside", tmp_path / "outside.txt"
    inside.mkdir()
    for path in (inside / "own.txt", outside):
        path.write_text("the tide")

    def read(path: Path) -> subprocess.CompletedProcess:
        limits = map(str, office.LIMITS)
        script = [sys.executable, confined.__file__, str(inside), *limits]
        return subprocess.run([*script, shutil.which("cat"), str(path)], capture_output=True)

    assert read(inside / "own.txt").stdout == b"the tide"
    refused = read(outside)
    assert (refused.returncode, refused.stdout) == (1, b"")
    assert b"Permission denied" in refused.stderr


def test_without_libreoffice_an_office_file_is_refused_and_others_are_not(
    files, tmp_path, monkeypatch
):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(ConverterMissing, match="Word document needs LibreOffice"):
        office.convert_to_pdf(files / "mooring.docx", MediaType.DOCX, tmp_path / "a.pdf")


@needs_libreoffice
def test_a_conversion_that_takes_too_long_is_ended(files, tmp_path, monkeypatch):
    monkeypatch.setattr(office, "CONVERSION_S", 0.05)
    with pytest.raises(RenderingFailed, match="longer than"):
        office.convert_to_pdf(files / "mooring.docx", MediaType.DOCX, tmp_path / "a.pdf")
    assert not (tmp_path / "a.pdf").exists()


def test_what_only_looks_like_an_office_file_is_refused(tmp_path):
    cut = tmp_path / "cut.docx"
    whole = write_docx(tmp_path / "whole.docx", "A page.")
    cut.write_bytes(whole.read_bytes()[:-40])
    with pytest.raises(DamagedFile, match="zip archive"):
        read_media_type(cut)
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr("a.txt", "nothing")
    with pytest.raises(NotADocument, match="unpack it first"):
        read_media_type(tmp_path / "photos.zip")
    for name, content in {
        "notes.eml": b"To: do\nbuy rope\n",
        "page.html": b"an <html> page is described here",
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(NotADocument):
            read_media_type(tmp_path / name)


@needs_libreoffice
def test_a_damaged_office_file_is_refused_by_name(tmp_path):
    broken = tmp_path / "broken.docx"
    with zipfile.ZipFile(broken, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", "<w:document")
    with Library(Settings(library=tmp_path / "library")) as library:
        report = library.ingest([broken], silent)
        assert [(refusal.path.name, report.documents) for refusal in report.failed] == [
            ("broken.docx", 0)
        ]
        assert "cannot read the Word document" in report.failed[0].error
        assert library.list_documents() == []
