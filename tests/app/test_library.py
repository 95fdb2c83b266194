"""The Library: what is added is found, what is deleted is gone, what a crash left is removed."""

from datetime import datetime, timezone

import numpy as np
import pytest

from app.library import Library
from app.settings import Settings
from ingest.documents import ENCODER_KEY, Documents, PageRecord
from ingest.files import original_path, preview_path
from ingest.sources import read_source
from retrieval.encoders.minilm_basis import load_basis
from retrieval.encoders.minilm_head import save_head
from retrieval.encoders.stream import encode_pages
from retrieval.errors import (
    AmbiguousDocument,
    EncoderMismatch,
    LibraryBusy,
    ModelFolderGone,
    PagelensError,
    UnknownDocument,
)
from retrieval.index.base import IndexedPage, IndexLayout, PageFilter, VectorStorage
from retrieval.index.edge import EdgeIndex
from retrieval.records import Kind, TextSource
from tests.conftest import load_encoder
from tests.documents import build_page, draw_lines, draw_photo, write_text_pdf

# In name order it comes before "harbour.pdf", whose bytes are the same.
HARBOUR = "harbour copy.pdf"


def silent(progress):
    pass


def open_library(folder):
    return Library(Settings(library=folder))


def only(document):
    return PageFilter(documents=frozenset({document.document_id}))


def layout_of(encoder):
    return IndexLayout(encoder.spec.dim, encoder.key, VectorStorage.TURBO4)


def found_names(answer):
    return [(hit.document, hit.page_number) for hit in answer.hits]


@pytest.mark.parametrize(
    ("question", "document", "page_number"),
    [
        ("Who collects the mooring fees?", HARBOUR, 1),
        ("Which flag warns of a storm?", HARBOUR, 2),
        ("Who saw a comet through a telescope?", "scan.pdf", 1),
        ("Which planet has four moons?", "cards.tiff", 1),
        ("Which vegetables grow in the garden?", "cards.tiff", 2),
        ("What does a violin cost?", "cards.tiff", 4),
    ],
)
def test_a_question_finds_its_page(library, question, document, page_number):
    answer = library.search(question, 3)
    assert found_names(answer)[0] == (document, page_number)
    scores = [hit.score for hit in answer.hits]
    assert scores == sorted(scores, reverse=True)


def test_each_frame_of_a_tiff_is_a_page_read_by_ocr(library):
    document = library.find_document("cards.tiff")
    assert document.n_pages == 5
    sources = library.list_text_sources(document.document_id)
    assert sources == {0: "ocr", 1: "ocr", 2: "ocr", 3: "ocr", 4: "none"}


def test_a_tiff_of_cards_whose_last_is_blank_is_no_photo(library):
    document = library.find_document("cards.tiff")
    hits = library.search("moons of Jupiter", 4, page_filter=only(document)).hits
    assert {hit.kind for hit in hits} == {Kind.PAGE}
    assert document.kind is Kind.PAGE


def test_a_pdf_is_read_by_its_text_layer(library):
    document = library.find_document(HARBOUR)
    sources = library.list_text_sources(document.document_id)
    assert sources == {0: "text-layer", 1: "text-layer"}


def test_a_picture_without_words_is_a_photo_with_a_preview(library):
    photo = library.find_document("dusk.png")
    assert (photo.kind, photo.n_pages) == (Kind.PHOTO, 1)
    assert library.list_text_sources(photo.document_id) == {0: "none"}
    assert library.page_picture(photo.document_id, 0).size == draw_photo().size


def test_evidence_stands_on_the_words_that_answer(library):
    hit = library.search("lighthouse", 1).hits[0]
    assert (hit.document, hit.page_number) == (HARBOUR, 2)
    picture = np.asarray(library.page_picture(hit.document_id, hit.page_index), int)
    lit = np.asarray(library.lit_page(hit), int)
    rows, columns = np.nonzero((lit != picture).any(axis=2))
    box = hit.matches[0].box
    height, width = picture.shape[:2]
    assert columns.min() / width == pytest.approx(box.x0, abs=0.01)
    assert columns.max() / width == pytest.approx(box.x1, abs=0.01)
    assert rows.min() / height == pytest.approx(box.y0, abs=0.01)
    assert rows.max() / height == pytest.approx(box.y1, abs=0.01)


def test_a_search_can_be_kept_to_some_documents(library):
    bakery = library.find_document("bakery.pdf")
    answer = library.search("mooring fees", 10, page_filter=only(bakery))
    assert [hit.document_id for hit in answer.hits] == [bakery.document_id]


def test_a_question_without_a_word_finds_nothing(library):
    assert library.search("?!", 10).hits == ()


def test_the_library_keeps_originals_byte_for_byte(library, terminal_library):
    document = library.find_document(HARBOUR)
    kept = original_path(library.folder, document.document_id).read_bytes()
    assert kept == (terminal_library.good_files / HARBOUR).read_bytes()
    assert document.n_bytes == len(kept)


def test_a_document_is_found_by_name_id_or_the_start_of_its_id(library):
    document = library.find_document(HARBOUR)
    assert library.find_document(document.document_id) == document
    assert library.find_document(document.document_id[:12]) == document
    for unknown in ("harbour", "nothing.pdf", "", document.document_id[:3]):
        with pytest.raises(UnknownDocument, match="no document"):
            library.find_document(unknown)


def test_a_library_is_held_once(library):
    with pytest.raises(LibraryBusy, match="in use by process"):
        open_library(library.folder)


def test_deleting_removes_original_previews_and_points(library, tmp_path):
    write_text_pdf(tmp_path / "secret.pdf", "The zeppelin timetable is secret.", "Zeppelin two.")
    # A second document of the same name, which must not be taken for the first.
    (tmp_path / "other").mkdir()
    write_text_pdf(tmp_path / "other" / "secret.pdf", "Another paper about gooseberry jam.")
    library.ingest([tmp_path], silent)
    with pytest.raises(AmbiguousDocument, match="2 documents are called"):
        library.find_document("secret.pdf")
    document = library.find_document(read_source(tmp_path / "secret.pdf").document_id)
    id_ = document.document_id
    assert found_names(library.search("zeppelin timetable", 1)) == [("secret.pdf", 1)]
    assert original_path(library.folder, id_).exists()
    assert library.page_picture(id_, 1) is not None

    library.delete(id_)
    assert id_ not in {hit.document_id for hit in library.search("zeppelin", 50).hits}
    assert not original_path(library.folder, id_).exists()
    assert library.page_picture(id_, 0) is None
    assert library.list_text_sources(id_) == {}
    # And the other is still there.
    assert library.find_document("secret.pdf").n_pages == 1

    # What was deleted can be added again.
    assert library.ingest([tmp_path / "secret.pdf"], silent).documents == 1
    assert found_names(library.search("zeppelin timetable", 1)) == [("secret.pdf", 1)]


def test_what_a_crash_left_unfinished_is_removed_when_the_library_is_opened(encoder, tmp_path):
    folder = tmp_path / "library"
    folder.mkdir()
    draw_lines(["half a document"]).save(tmp_path / "half.png")
    source = read_source(tmp_path / "half.png")
    half = IndexedPage(
        source.document_id,
        source.name,
        0,
        Kind.PAGE,
        datetime.now(timezone.utc),
        encode_pages(encoder, [build_page("half a document")])[0],
    )
    documents = Documents(folder)
    documents.write_setting(ENCODER_KEY, encoder.key)
    documents.begin(source, 2, Kind.PAGE, half.added_at, [])
    documents.add_pages(source.document_id, [PageRecord(0, TextSource.OCR, 3, None)])
    documents.close()
    index = EdgeIndex(folder / "index", layout_of(encoder))
    index.upsert([half])
    index.close()
    left_behind = [
        original_path(folder, source.document_id),
        preview_path(folder, source.document_id, 0),
    ]
    for path in left_behind:
        path.parent.mkdir(parents=True)
        path.write_bytes(b"left behind")

    with open_library(folder) as library:
        assert library.list_documents() == []
        assert library.search("half a document", 10).hits == ()
    assert not any(path.exists() for path in left_behind)
    documents = Documents(folder)
    assert documents.list_unfinished() == []
    documents.close()
    index = EdgeIndex(folder / "index", layout_of(encoder))
    assert index.count() == 0
    index.close()


def test_a_library_that_could_not_be_made_leaves_nothing_behind(tmp_path):
    (tmp_path / "no-checkpoint").mkdir()
    folder = tmp_path / "libraries" / "library"
    with pytest.raises(PagelensError):
        Library(Settings(library=folder, model=str(tmp_path / "no-checkpoint")))
    assert not folder.parent.exists()
    folder.mkdir(parents=True)
    with pytest.raises(PagelensError):
        Library(Settings(library=folder, model=str(tmp_path / "no-checkpoint")))
    assert list(folder.iterdir()) == [], "a folder that was there stays"
    Library(Settings(library=folder, model="minilm-layout")).close()
    with pytest.raises(PagelensError):
        Library(Settings(library=folder, model=str(tmp_path / "no-checkpoint")))
    assert (folder / "pagelens.sqlite").exists()


def test_a_library_says_that_the_folder_of_its_model_was_moved_and_opens_once_it_is_back(tmp_path):
    head = tmp_path / "my-head"
    head.mkdir()
    save_head(load_basis()[:, ::-1].copy(), head)
    folder = tmp_path / "library"
    Library(Settings(library=folder, model=str(head))).close()
    head.rename(tmp_path / "renamed")
    for asked in ("auto", str(tmp_path / "renamed")):
        with pytest.raises(ModelFolderGone) as refused:
            Library(Settings(library=folder, model=asked))
        assert f"was made with the model folder {head}, which is not there" in str(refused.value)
    (tmp_path / "renamed").rename(head)
    open_library(folder).close()


def test_a_library_of_another_encoder_is_refused_by_both_names_and_let_go(tmp_path):
    documents = Documents(tmp_path)
    documents.write_setting(ENCODER_KEY, "another-encoder@7")
    for _ in range(2):
        with pytest.raises(EncoderMismatch) as refused:
            open_library(tmp_path)
        assert "another-encoder@7" in str(refused.value)
        assert load_encoder("minilm-layout").key in str(refused.value)
    documents.write_setting(ENCODER_KEY, load_encoder("minilm-layout").key)
    documents.close()
    open_library(tmp_path).close()
