"""Templates: what is put into them is text, for the browser and for Gradio alike."""

from __future__ import annotations

from retrieval.answering.records import CitedPage
from retrieval.records import Box, Kind
from ui.answer_view import cut_out, split_written
from ui.rendering import render
from ui.text import escape_text

SCRIPT = "<script>alert(1)</script> ${x} {{y}} `z` \"q\" 'a'"


def test_values_of_templates_are_escaped():
    shown = render("search_form.html", documents=[SCRIPT], tags=[SCRIPT])
    assert shown.count(escape_text(SCRIPT)) == 2
    assert "<script" not in shown and "${" not in shown and "{{" not in shown


def test_what_a_model_writes_is_split_at_the_pages_that_were_given():
    page = CitedPage("0" * 64, "report.pdf", 2, Kind.PAGE, "report.pdf, p. 3", has_text=True)
    text = "It rose [report.pdf, p. 3].\n\nSee [other.pdf, p. 1] and [x](http://x.example)."
    first, second = split_written(text, [page])
    assert [(part.text, part.page) for part in first] == [
        ("It rose ", None),
        ("report.pdf, p. 3", f"{'0' * 64}.3"),
        (".", None),
    ]
    assert [part.page for part in second] == [None]
    assert second[0].text == "See [other.pdf, p. 1] and [x](http://x.example)."


def test_a_crop_shows_all_boxes_and_a_little_around_them():
    crop = cut_out([Box(0.2, 0.5, 0.4, 0.55), Box(0.3, 0.6, 0.688, 0.638)], (600, 800))
    # From 0.188 to 0.7 of the width, and from 0.488 to 0.65 of the height.
    assert abs(crop.ratio - 0.512 * 600 / (0.162 * 800)) < 1e-6
    assert abs(crop.zoom - 1 / 0.512) < 1e-6
    assert (round(crop.left, 6), round(crop.top, 6)) == (18.8, 48.8)
