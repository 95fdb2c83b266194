"""Lines, sentences, table rows and figures, from words and their boxes alone."""

from PIL import Image, ImageDraw

from retrieval.answering.candidates import list_candidates
from retrieval.answering.lines import build_lines
from retrieval.answering.records import QuoteKind
from retrieval.records import Box, Word

LETTER, LINE, STEP = 0.01, 0.012, 0.02


def write(text: str, x: float, y: float, size: float = 1.0) -> list[Word]:
    """The words of one line, letters all of one width; two spaces are a gap between cells."""
    words = []
    for part in text.split(" "):
        if part:
            x1 = x + len(part) * LETTER * size
            words.append(Word(part, Box(x, y, x1, y + LINE * size)))
            x = x1
        x += LETTER * size * (1 if part else 4)
    return words


def texts(words, picture=None):
    return [(each.kind, each.text) for each in list_candidates(words, picture)]


def cells(words):
    return [[" ".join(w.text for w in cell) for cell in line.cells] for line in build_lines(words)]


def test_a_row_of_a_table_is_a_line_with_cells_apart():
    words = write("Adult  € 3.00", 0.1, 0.1) + write("Car with driver  € 14.00", 0.1, 0.2)
    assert cells(words) == [["Adult", "€ 3.00"], ["Car with driver", "€ 14.00"]]


def test_columns_that_were_read_across_are_read_down():
    across = write("the tide turns at noon  and gulls sleep on roofs", 0.05, 0.1)
    across += write("but nobody is on time  while boats lie in mud", 0.05, 0.12)
    assert [line.text for line in build_lines(across)] == [
        "the tide turns at noon",
        "but nobody is on time",
        "and gulls sleep on roofs",
        "while boats lie in mud",
    ]


def test_a_sentence_goes_on_over_lines_and_has_a_box_on_each():
    words = write("Mr. Pell came. The ferry was late by", 0.1, 0.1)
    words += write("3.5 hours. It rained.", 0.1, 0.1 + STEP)
    first, second, third = list_candidates(words)
    assert [c.text for c in (first, second, third)] == [
        "Mr. Pell came.",
        "The ferry was late by 3.5 hours.",
        "It rained.",
    ]
    assert [len(c.boxes) for c in (first, second, third)] == [1, 2, 1]
    assert second.boxes[1].x0 == 0.1


def test_headings_and_paragraphs_are_apart_and_labels_belong_to_what_they_name():
    words = write("The ferry", 0.1, 0.1, size=2)
    words += write("It was late on every single day of a long and windy autumn, again.", 0.1, 0.2)
    words += write("Person to call", 0.1, 0.3) + write("Wren Wetherell", 0.1, 0.325)
    assert texts(words) == [
        (QuoteKind.SENTENCE, "The ferry"),
        (
            QuoteKind.SENTENCE,
            "It was late on every single day of a long and windy autumn, again.",
        ),
        (QuoteKind.SENTENCE, "Person to call Wren Wetherell"),
    ]


def test_a_table_row_has_the_row_that_names_its_columns_beside_it_not_in_it():
    words = write("Passenger  Islander", 0.1, 0.1)
    words += write("Adult  € 3.00", 0.1, 0.12) + write("Bicycle  € 1.00", 0.1, 0.14)
    adult, bicycle = list_candidates(words)
    assert (adult.kind, adult.text, adult.header) == (
        QuoteKind.TABLE_ROW,
        "Adult € 3.00",
        "Passenger Islander",
    )
    assert bicycle.boxes == (Box(0.1, 0.14, bicycle.words[-1].box.x1, 0.14 + LINE),)


def test_a_figure_is_its_caption_with_the_region_of_its_picture():
    picture = Image.new("RGB", (600, 800), "white")
    ImageDraw.Draw(picture).ellipse((120, 240, 420, 480), fill="navy")
    words = write("Figure 2. Share of wind.", 0.2, 0.62) + write("31 %", 0.3, 0.45)
    figure, label = sorted(list_candidates(words, picture), key=lambda each: each.kind.value)
    assert (label.text, figure.kind, figure.text) == (
        "31 %",
        QuoteKind.FIGURE,
        "Figure 2. Share of wind.",
    )
    assert figure.labels == "31 %"
    caption, region = figure.boxes
    assert caption.y0 == 0.62
    for found, drawn in zip(region, (0.2, 0.3, 0.7, 0.6), strict=True):
        assert abs(found - drawn) < 0.03


def test_a_frame_around_text_is_no_figure():
    picture = Image.new("RGB", (600, 800), "white")
    ImageDraw.Draw(picture).rectangle((40, 150, 560, 460), outline="black", width=4)
    words = write("Notes of the harbour master", 0.1, 0.16)
    for row in range(8):
        words += write("no boat shall moor here", 0.1, 0.22 + row * STEP)
    assert QuoteKind.FIGURE not in {kind for kind, _ in texts(words, picture)}


def test_a_page_without_words_holds_nothing_to_quote():
    assert list_candidates((), Image.new("RGB", (600, 800), "navy")) == []


def test_labels_of_a_map_name_no_columns():
    words = write("North Point", 0.1, 0.1) + write("Smugglers Cave", 0.6, 0.1)
    words += write("Carrick Hill", 0.3, 0.12) + write("Port Haldry", 0.8, 0.12)
    words += write("Low Quay", 0.3, 0.14) + write("The Waist", 0.8, 0.14)
    assert [row.header for row in list_candidates(words)] == ["", ""]
