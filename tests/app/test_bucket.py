"""A library whose originals and previews are in a bucket; fsspec's own store in memory is one."""

import fsspec
import pytest

from app.library import Library
from app.settings import load_settings
from ingest.files import original_path, preview_path
from retrieval.errors import BucketFailed, FileRefused, InvalidSetting, LibraryMismatch
from tests.documents import write_text_pdf


def silent(progress):
    pass


@pytest.fixture
def bucket():
    """The URL of an empty bucket."""
    store = fsspec.filesystem("memory")
    yield "memory://papers/pagelens"
    if store.exists("/papers"):
        store.rm("/papers", recursive=True)


@pytest.fixture
def pdf(tmp_path):
    return write_text_pdf(tmp_path / "harbour.pdf", "The harbour master collects mooring fees.")


def names_in(bucket):
    store, root = fsspec.url_to_fs(bucket)
    return sorted(name.removeprefix(f"{root}/").split("/")[0] for name in store.find(root))


def test_files_are_in_the_bucket_and_fetched_when_they_are_wanted(tmp_path, bucket, pdf):
    folder = tmp_path / "library"
    with Library(load_settings(library=folder, bucket=bucket)) as library:
        library.ingest([pdf], silent)
        (document,) = library.list_documents()
        id_ = document.document_id
        assert names_in(bucket) == ["files", "previews"]
        # Of the original no copy stays; of pictures some do, and need not.
        assert not original_path(folder, id_).exists()
        preview_path(folder, id_, 0).unlink()
        assert library.find_original(id_).read_bytes() == pdf.read_bytes()
        assert library.page_picture(id_, 0).width > 100
        assert library.examine(silent).is_healthy
        assert library.backup(tmp_path / "backup.tar.gz", silent).documents == 1
        library.delete(id_)
        assert names_in(bucket) == []
        assert not original_path(folder, id_).exists()


def test_a_picture_that_the_bucket_lacks_is_found_missing(tmp_path, bucket, pdf):
    with Library(load_settings(library=tmp_path / "library", bucket=bucket)) as library:
        library.ingest([pdf], silent)
        (document,) = library.list_documents()
        store, root = fsspec.url_to_fs(bucket)
        store.rm(f"{root}/previews", recursive=True)
        diagnosis = library.examine(silent)
        assert diagnosis.lost_previews == {(document.document_id, 0)}
        assert library.repair(diagnosis, silent) == []
        assert library.examine(silent).is_healthy
        assert names_in(bucket) == ["files", "previews"]


def test_a_library_stays_with_its_bucket(tmp_path, bucket, pdf):
    folder = tmp_path / "library"
    with Library(load_settings(library=folder, bucket=bucket)) as library:
        library.ingest([pdf], silent)
    with pytest.raises(LibraryMismatch, match="PAGELENS_BUCKET is not set"):
        Library(load_settings(library=folder))
    with pytest.raises(LibraryMismatch, match="not in memory://elsewhere"):
        Library(load_settings(library=folder, bucket="memory://elsewhere"))
    with Library(load_settings(library=tmp_path / "own")) as library:
        library.ingest([pdf], silent)
    with pytest.raises(LibraryMismatch, match="are in its folder"):
        Library(load_settings(library=tmp_path / "own", bucket=bucket))


@pytest.mark.parametrize(
    "url", ["papers", "file:///mnt/papers", "/mnt/papers", "s3://key:secret@papers", "s3://a b", ""]
)
def test_an_address_that_is_no_bucket_is_refused(url):
    with pytest.raises(InvalidSetting, match=r"PAGELENS_BUCKET.*such as s3://bucket/prefix"):
        load_settings(bucket=url)


def test_a_store_that_nothing_speaks_to_is_named(tmp_path):
    with pytest.raises(InvalidSetting, match="nowhere://papers"):
        Library(load_settings(library=tmp_path / "library", bucket="nowhere://papers"))


def test_a_store_that_fails_is_one_line_and_the_library_stays_closed(tmp_path, monkeypatch):
    def fail(*args, **options):
        raise TimeoutError("no answer\nfor 5 s")

    monkeypatch.setattr("fsspec.implementations.memory.MemoryFileSystem.exists", fail)
    settings = load_settings(library=tmp_path / "library", bucket="memory://papers")
    with pytest.raises(BucketFailed, match="the bucket memory://papers: no answer for 5 s"):
        Library(settings)


def test_what_is_not_the_document_is_not_kept(tmp_path, bucket, pdf):
    with Library(load_settings(library=tmp_path / "library", bucket=bucket)) as library:
        with pytest.raises(FileRefused, match="add it again"):
            library._files.keep_original("0" * 64, pdf)
        assert names_in(bucket) == []
