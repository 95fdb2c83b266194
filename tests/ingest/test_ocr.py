"""Pages without a text layer are read by OCR."""

import pytest

from ingest.ocr import read_words
from tests.documents import draw_lines, draw_photo

LINES = [
    "The keeper lights the lamp at sunset",
    "and counts 42 ships before midnight",
    "Château près de la forêt, été à Orléans",
]
SIZE_PX = (900, 320)


@pytest.fixture(scope="module")
def words():
    return read_words(draw_lines(LINES, SIZE_PX))


def test_reads_the_words_that_were_drawn(words):
    drawn = " ".join(LINES[:2]).lower().split()
    read = [word.text.lower() for word in words]
    assert sum(word in read for word in drawn) / len(drawn) >= 0.9


def test_reads_line_by_line_from_the_top(words):
    texts = [word.text.lower() for word in words]
    assert texts.index("keeper") < texts.index("sunset") < texts.index("midnight")


def test_boxes_stand_on_their_words(words):
    boxes = {word.text.lower(): word.box for word in words}
    for row, line in enumerate(LINES[:2]):
        # DejaVu at 36 px, from (60, 40) downwards, a line each 80 px.
        for text in (line.split()[1].lower(), line.split()[-1].lower()):
            center_px = (boxes[text].y0 + boxes[text].y1) / 2 * SIZE_PX[1]
            assert center_px == pytest.approx(40 + 80 * row + 22, abs=15)
    assert words[0].text == "The"
    assert words[0].box.x0 * SIZE_PX[0] == pytest.approx(60, abs=15)
    assert words[0].box.x1 < boxes["keeper"].x0
    for box in boxes.values():
        assert 0 <= box.x0 < box.x1 <= 1
        assert 0 <= box.y0 < box.y1 <= 1


def test_an_accented_line_stays_words(words):
    french = [word.text for word in words if word.box.y0 * SIZE_PX[1] > 180]
    expected = LINES[2].split()
    assert abs(len(french) - len(expected)) <= 1, french
    assert "forêt" in " ".join(french) or "foret" in " ".join(french)
    assert "Château" in french


def test_a_picture_without_text_has_no_words():
    assert read_words(draw_photo()) == ()


def test_a_thin_picture_costs_no_more_than_others_and_its_words_stand_in_their_place():
    # Enlarged until its short side has the detector's 736 px, it would have 15 million pixels.
    banner = draw_lines([""], (1600, 60))
    banner.paste(draw_lines(["The harbour"], (400, 100)).crop((0, 30, 400, 90)), (1000, 0))
    words = read_words(banner)
    assert [word.text for word in words] == ["The", "harbour"]
    assert 1000 / 1600 < words[0].box.x0 < words[1].box.x1 < 1400 / 1600
    assert words[0].box.y1 - words[0].box.y0 > 0.3


def test_a_picture_as_thin_as_a_hair_is_read_like_any_other():
    assert read_words(draw_lines([], (2, 1600))) == ()
