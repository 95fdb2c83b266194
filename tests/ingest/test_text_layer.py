"""The words of a PDF's text layer stand where a reader sees them."""

import numpy as np
import pikepdf
import pypdfium2 as pdfium
import pytest

from ingest.pdf import render_page
from ingest.text_layer import is_garbled, join_characters, read_words, split_at_spaces
from retrieval.records import Box, Word
from tests.documents import new_pdf, write_blank_pdf

LONG_SIDE_PX = 1000

# Each word in a colour of its own, so that its ink can be told from the others'.
COLOURED_WORDS = {
    "Lighthouse": ((90, 150), (220, 0, 0)),
    "mooring": ((330, 150), (0, 0, 220)),
    "invoice": ((90, 420), (0, 150, 0)),
    "quay": ((400, 640), (200, 0, 200)),
}
FONT_SIZE_PT = 28


@pytest.fixture(scope="module")
def coloured_pdf(tmp_path_factory):
    pdf = new_pdf()
    pdf.add_page()
    pdf.set_font("DejaVu", size=FONT_SIZE_PT)
    for word, ((x_pt, y_pt), colour) in COLOURED_WORDS.items():
        pdf.set_text_color(*colour)
        pdf.text(x_pt, y_pt, word)
    path = tmp_path_factory.mktemp("text-layer") / "coloured.pdf"
    pdf.output(str(path))
    return path


def change_page(path, target, **entries):
    with pikepdf.open(path) as pdf:
        for name, value in entries.items():
            pdf.pages[0].obj[f"/{name}"] = value
        pdf.save(target)
    return target


def read_page(path):
    with pdfium.PdfDocument(path) as document:
        return read_words(document[0]), render_page(document[0], LONG_SIDE_PX)


def find_ink(picture, colour):
    """The box of the pixels of one colour; None where there are none."""
    distance = np.abs(np.asarray(picture, dtype=int) - colour).sum(axis=2)
    rows, columns = np.nonzero(distance < 60)
    if not len(rows):
        return None
    size = [picture.width, picture.height]
    return np.array(
        [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], float
    ) / np.tile(size, 2)


def area(box):
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def assert_words_stand_on_their_ink(words, picture, expected):
    boxes = {word.text: np.array(word.box) for word in words}
    assert set(boxes) == set(expected)
    for text in expected:
        ink = find_ink(picture, COLOURED_WORDS[text][1])
        assert ink is not None, text
        # Nothing of a word stands out of its box by more than 3 px, and most of the box is word.
        slack = 3 / min(picture.size)
        assert (boxes[text][:2] <= ink[:2] + slack).all(), (text, boxes[text], ink)
        assert (boxes[text][2:] >= ink[2:] - slack).all(), (text, boxes[text], ink)
        assert area(ink) / area(boxes[text]) > 0.5, (text, boxes[text], ink)


def test_words_stand_where_they_were_drawn(coloured_pdf):
    words, picture = read_page(coloured_pdf)
    assert [word.text for word in words] == list(COLOURED_WORDS)
    assert_words_stand_on_their_ink(words, picture, COLOURED_WORDS)
    for word in words:
        x_pt, baseline_pt = COLOURED_WORDS[word.text][0]
        assert word.box.x0 == pytest.approx(x_pt / 595.28, abs=0.01)
        assert word.box.y0 < baseline_pt / 841.89 <= word.box.y1 + 0.005


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_words_turn_with_the_page(coloured_pdf, tmp_path, degrees):
    words, picture = read_page(change_page(coloured_pdf, tmp_path / "rotated.pdf", Rotate=degrees))
    assert (picture.width > picture.height) == (degrees != 180)
    assert_words_stand_on_their_ink(words, picture, COLOURED_WORDS)


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_crop_box_moves_words_and_hides_those_outside(coloured_pdf, tmp_path, degrees):
    # Cuts the bottom word away; points from the bottom left.
    crop = pikepdf.Array([60, 300, 560, 800])
    path = change_page(coloured_pdf, tmp_path / "cropped.pdf", CropBox=crop, Rotate=degrees)
    words, picture = read_page(path)
    assert_words_stand_on_their_ink(words, picture, ["Lighthouse", "mooring", "invoice"])


def test_a_media_box_that_starts_elsewhere_moves_nothing(coloured_pdf, tmp_path):
    path = change_page(
        coloured_pdf, tmp_path / "moved.pdf", MediaBox=pikepdf.Array([-100, -50, 595, 842])
    )
    words, picture = read_page(path)
    assert_words_stand_on_their_ink(words, picture, COLOURED_WORDS)


def test_larger_units_move_nothing(coloured_pdf, tmp_path):
    path = change_page(coloured_pdf, tmp_path / "units.pdf", UserUnit=2)
    words, picture = read_page(path)
    assert_words_stand_on_their_ink(words, picture, COLOURED_WORDS)


def test_hebrew_reads_in_logical_order(tmp_path):
    first, second = "שלום", "עולם"
    pdf = new_pdf()
    pdf.add_page()
    # On paper the line runs from right to left: the last letter stands leftmost.
    pdf.text(100, 100, f"{first} {second}"[::-1])
    pdf.output(str(tmp_path / "hebrew.pdf"))
    words, _ = read_page(tmp_path / "hebrew.pdf")
    assert [word.text for word in words] == [first, second]
    assert words[0].box.x0 > words[1].box.x0


def test_a_word_hyphenated_over_a_line_end_is_one_word(tmp_path):
    pdf = new_pdf()
    pdf.add_page()
    pdf.text(60, 100, "The committee published a long docu-")
    pdf.text(60, 118, "ment about lighthouses and harbours")
    pdf.output(str(tmp_path / "hyphen.pdf"))
    words, _ = read_page(tmp_path / "hyphen.pdf")
    texts = [word.text for word in words]
    assert "document" in texts
    # Its box is on one of its lines, not over both.
    box = words[texts.index("document")].box
    assert box.y1 - box.y0 < 18 / 842


def test_a_hyphen_within_a_line_stays(tmp_path):
    pdf = new_pdf()
    pdf.add_page()
    pdf.text(60, 100, "a well-known harbour")
    pdf.output(str(tmp_path / "hyphen.pdf"))
    words, _ = read_page(tmp_path / "hyphen.pdf")
    assert [word.text for word in words] == ["a", "well-known", "harbour"]


def test_a_page_without_text_has_no_words(tmp_path):
    words, _ = read_page(write_blank_pdf(tmp_path / "blank.pdf", (200, 300)))
    assert words == ()


def test_splits_at_spaces_and_control_characters():
    assert list(split_at_spaces("ab  c\r\nd\u00a0e")) == [(0, 2), (4, 5), (7, 8), (9, 10)]
    assert list(split_at_spaces("")) == []


def test_spells_ligatures_out_and_joins_halves_of_characters():
    assert join_characters("eﬃcient") == "efficient"
    assert join_characters(["\ud83d", "\ude42"]) == "🙂"
    assert join_characters(["d", "o", "\x02", "c"]) == "doc"


def make_words(*texts):
    return [Word(text, Box(0, 0, 1, 1)) for text in texts]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ((), False),
        (("An", "honest", "page"), False),
        (("\uf0b7", "a", "page", "with", "bullets"), False),
        (("\ue012\ue013\ue014", "\ue015\ue016"), True),
        (("\ufffd\ufffd\ufffd", "abc"), True),
        (("שלום", "日本語", "Ёлка"), False),
    ],
)
def test_tells_garbled_text_from_text(texts, expected):
    assert is_garbled(make_words(*texts)) is expected
