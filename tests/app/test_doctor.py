"""`pagelens doctor`: what is lost is found, and made anew where that is possible."""

import pytest

from app.library import Library
from app.settings import Settings
from ingest.files import original_path, preview_path
from ingest.progress import Progress
from retrieval.errors import BackupNotWritten
from tests.documents import draw_photo, write_text_pdf
from tests.terminal import last_json, run_pagelens

HARBOUR = "Mooring fees are collected by the harbour master before noon."
HOURS = "Opening hours of the library: Monday to Friday from nine to five."
GARDEN = "The vegetable garden grows leeks, carrots and beans behind the school."


def silent(progress: Progress) -> None:
    pass


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    write_text_pdf(folder / "harbour.pdf", HARBOUR, HOURS)
    write_text_pdf(folder / "garden.pdf", GARDEN)
    draw_photo().save(folder / "photo.png")
    return folder


@pytest.fixture
def library(tmp_path, files):
    with Library(Settings(library=tmp_path / "library")) as opened:
        opened.ingest([files], silent, tags=["kept"])
        yield opened


def id_of(library, name):
    return library.find_document(name).document_id


def test_a_healthy_library_is_called_so(library):
    diagnosis = library.examine(silent)
    assert diagnosis.is_healthy
    assert (diagnosis.n_pages, diagnosis.recall) == (4, 1.0)
    assert diagnosis.n_questions >= 3


def test_pages_that_are_missing_are_made_anew_and_others_removed(library):
    harbour, garden = id_of(library, "harbour.pdf"), id_of(library, "garden.pdf")
    library._index.delete_documents([harbour])
    library._documents.delete(garden)

    diagnosis = library.examine(silent)
    assert not diagnosis.is_healthy
    assert diagnosis.missing == {(harbour, 0), (harbour, 1)}
    assert diagnosis.stray == {(garden, 0)}

    assert library.repair(diagnosis, silent) == []
    assert library.examine(silent).is_healthy
    (hit,) = library.search("Who collects the mooring fees?", 1).hits
    assert (hit.document, hit.page_number) == ("harbour.pdf", 1)
    assert library.find_document("harbour.pdf").tags == ("kept",)


def test_a_picture_that_is_lost_is_made_anew(library):
    harbour = id_of(library, "harbour.pdf")
    preview_path(library.folder, harbour, 1).unlink()
    diagnosis = library.examine(silent)
    assert diagnosis.lost_previews == {(harbour, 1)}
    assert library.repair(diagnosis, silent) == []
    assert library.examine(silent).is_healthy
    assert library.find_preview(harbour, 1).is_file()


def test_an_original_that_is_lost_is_named_and_put_back_by_ingesting_its_file(
    library, files, tmp_path
):
    garden = id_of(library, "garden.pdf")
    original_path(library.folder, garden).unlink()
    diagnosis = library.examine(silent)
    assert diagnosis.lost_originals == {garden}
    (lost,) = library.repair(diagnosis, silent)
    assert (lost.path.name, "lost its original" in lost.error) == ("garden.pdf", True)
    with pytest.raises(BackupNotWritten, match="has lost files/"):
        library.backup(tmp_path / "backup.tar.gz", silent)

    assert library.ingest([files / "garden.pdf"], silent).documents == 0
    assert library.examine(silent).is_healthy
    assert library.find_original(garden).read_bytes() == (files / "garden.pdf").read_bytes()


def test_doctor_on_the_command_line(tmp_path, files):
    folder = tmp_path / "library"
    with Library(Settings(library=folder)) as library:
        library.ingest([files], silent)
        garden = id_of(library, "garden.pdf")
    ended = run_pagelens("doctor", "--library", folder, "--json")
    assert ended.returncode == 0, ended.stderr
    assert last_json(ended)["healthy"] is True
    original_path(folder, garden).unlink()
    ended = run_pagelens("doctor", "--library", folder)
    assert ended.returncode == 3
    assert "1 document without the original\n  garden.pdf\n" in ended.stdout
    assert ended.stdout.endswith(
        "not healthy: pagelens ingest with the files puts their originals back\n"
    )
