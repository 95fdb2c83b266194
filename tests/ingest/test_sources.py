"""Files are found, told by their content, and named by their bytes."""

import hashlib
import os

import pillow_heif
import pytest

from ingest.media_types import MediaType, sniff_media_type
from ingest.sources import FILE_LIMIT_BYTES, Refusal, Source, find_files, read_source
from retrieval.errors import NotADocument, PathNotFound
from tests.documents import draw_noise, write_blank_pdf

PICTURE_FORMATS = {
    "PNG": MediaType.PNG,
    "JPEG": MediaType.JPEG,
    "WEBP": MediaType.WEBP,
    "TIFF": MediaType.TIFF,
    "GIF": MediaType.GIF,
    "BMP": MediaType.BMP,
    "HEIF": MediaType.HEIC,
}


def save(path, pillow_format, **options):
    pillow_heif.register_heif_opener()
    draw_noise((64, 48)).save(path, pillow_format, **options)
    return path


def names_of(paths, folder):
    return [str(path.relative_to(folder)) for path in paths]


@pytest.mark.parametrize(("pillow_format", "media_type"), PICTURE_FORMATS.items())
def test_a_picture_is_told_by_its_content_whatever_its_name(tmp_path, pillow_format, media_type):
    source = read_source(save(tmp_path / "holiday.pdf", pillow_format))
    assert isinstance(source, Source)
    assert source.media_type is media_type
    assert source.media_type.is_image


def test_big_tiff_and_motorola_tiff_are_tiff(tmp_path):
    big = read_source(save(tmp_path / "big", "TIFF", big_tiff=True))
    assert big.media_type is MediaType.TIFF
    assert sniff_media_type(b"MM\x00*\x00\x00\x00\x08") is MediaType.TIFF


def test_a_pdf_is_told_by_its_content_whatever_its_name(tmp_path):
    source = read_source(write_blank_pdf(tmp_path / "scan.jpg", (100, 100)))
    assert source.media_type is MediaType.PDF
    assert not source.media_type.is_image


def test_a_pdf_may_carry_other_bytes_before_its_header(tmp_path):
    path = write_blank_pdf(tmp_path / "mailed.pdf", (100, 100))
    path.write_bytes(b"Content-Type: application/pdf\r\n\r\n" + path.read_bytes())
    assert read_source(path).media_type is MediaType.PDF


def test_a_document_is_known_by_the_hash_of_its_bytes(tmp_path):
    path = save(tmp_path / "photo.png", "PNG")
    source = read_source(path)
    assert source.document_id == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (source.n_bytes, source.name, source.path) == (path.stat().st_size, "photo.png", path)


def test_an_empty_file_is_refused(tmp_path):
    path = tmp_path / "empty.pdf"
    path.touch()
    assert read_source(path) == Refusal(path, "the file is empty (0 bytes)")


@pytest.mark.parametrize(
    "content",
    [
        b"Dear harbour master,\n",
        b"\x00" * 4096,
        b"RIFF\x00\x00\x00\x00AVI LIST",
        b"\x00\x00\x00\x18ftypmp42 a video",
        b"%",
    ],
)
def test_what_is_no_document_is_refused_whatever_its_name(tmp_path, content):
    path = tmp_path / "invoice.pdf"
    path.write_bytes(content)
    refusal = read_source(path)
    assert isinstance(refusal, Refusal)
    assert "not a PDF, a picture or an office file" in refusal.error
    with pytest.raises(NotADocument):
        sniff_media_type(content[:1024])


def test_a_file_that_vanished_is_refused(tmp_path):
    assert isinstance(read_source(tmp_path / "gone.pdf"), Refusal)


def test_a_named_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert read_source(tmp_path / "pipe") == Refusal(tmp_path / "pipe", "not a regular file")


def test_a_name_that_is_not_utf8_can_be_shown(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9.png")
    source = read_source(save(path, "PNG"))
    assert source.name == "caf\ufffd.png"
    assert find_files([tmp_path]) == [path]


def test_folders_are_searched_to_the_bottom_in_name_order(tmp_path):
    for name in ("b.pdf", "a/z.png", "a/deep/er/x.pdf", "c.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"content")
    assert names_of(find_files([tmp_path]), tmp_path) == [
        "a/deep/er/x.pdf",
        "a/z.png",
        "b.pdf",
        "c.txt",
    ]


def test_hidden_files_and_folders_are_left_out_unless_named(tmp_path):
    (tmp_path / ".git").mkdir()
    for name in (".hidden.pdf", ".git/x.pdf", "shown.pdf"):
        (tmp_path / name).write_bytes(b"content")
    assert names_of(find_files([tmp_path]), tmp_path) == ["shown.pdf"]
    assert find_files([tmp_path / ".hidden.pdf"]) == [tmp_path / ".hidden.pdf"]


def test_a_file_named_twice_is_found_once(tmp_path):
    path = tmp_path / "a.pdf"
    path.write_bytes(b"content")
    assert find_files([path, tmp_path, path]) == [path]


def test_a_link_to_a_folder_is_left_out_and_one_to_nowhere_is_listed_to_be_refused(tmp_path):
    (tmp_path / "a.pdf").write_bytes(b"content")
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    (tmp_path / "circle").symlink_to(tmp_path)
    (tmp_path / "link.pdf").symlink_to(tmp_path / "a.pdf")
    assert names_of(find_files([tmp_path]), tmp_path) == ["a.pdf", "link.pdf", "nowhere"]


def test_folders_may_lie_deeper_in_each_other_than_a_stack_is_high(tmp_path):
    folders = [tmp_path]
    for _ in range(1_200):
        folders.append(folders[-1] / "d")
        folders[-1].mkdir()
    path = folders[-1] / "a.pdf"
    path.write_bytes(b"content")
    assert find_files([tmp_path]) == [path]
    # Removed by hand: pytest's own way of removing them is as deep as they are.
    path.unlink()
    for folder in folders[:0:-1]:
        folder.rmdir()


def test_a_file_larger_than_the_limit_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "sparse.pdf"
    path.write_bytes(b"%PDF-1.7\n")
    os.truncate(path, FILE_LIMIT_BYTES + (1 << 30))
    assert read_source(path) == Refusal(path, "the file has 3.0 GiB; the limit is 2 GiB")


def test_a_picture_whose_comment_names_a_pdf_is_a_picture():
    assert sniff_media_type(b"\xff\xd8\xff\xfe\x00\x0b%PDF-1.7\n") is MediaType.JPEG
    assert sniff_media_type(b"BM and then a %PDF-1.7") is MediaType.PDF


def test_an_empty_folder_holds_no_files(tmp_path):
    assert find_files([tmp_path]) == []


def test_a_missing_path_is_an_error_that_names_it(tmp_path):
    with pytest.raises(PathNotFound, match="no-such-folder"):
        find_files([tmp_path, tmp_path / "no-such-folder"])


def test_every_format_has_its_own_media_type():
    assert {media_type for media_type in MediaType if media_type.is_image} == set(
        PICTURE_FORMATS.values()
    )
