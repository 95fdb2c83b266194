"""Evidence lights up what matched, and nothing else."""

import numpy as np
import pytest
from PIL import Image

from retrieval.evidence import WEIGHT_FLOOR, mark_matches
from retrieval.records import Box, Match

SIZE_PX = (400, 600)
BOX = Box(0.25, 0.5, 0.5, 0.6)
# The marker's edge stands a little outside the letters.
PAD_PX = 3


def blank():
    return Image.new("RGB", SIZE_PX, "white")


def light(picture, *matches):
    return np.asarray(mark_matches(picture, matches), dtype=int)


def inside(box, pad_px=0):
    mask = np.zeros(SIZE_PX[::-1], dtype=bool)
    x0, y0, x1, y1 = (round(edge * side) for edge, side in zip(box, SIZE_PX * 2, strict=True))
    mask[max(0, y0 - pad_px) : y1 + pad_px, max(0, x0 - pad_px) : x1 + pad_px] = True
    return mask


def test_lights_up_the_box_and_nothing_outside():
    lit = light(blank(), Match(BOX, 0.9, "harbour"))
    changed = (lit != 255).any(axis=2)
    assert changed[inside(BOX)].all()
    assert not changed[~inside(BOX, PAD_PX)].any()


def test_marks_in_the_yellow_of_a_highlighter():
    red, green, blue = light(blank(), Match(BOX, 0.9, "harbour"))[330, 150]
    assert red > 240
    assert green > 190
    assert blue < 60


def test_letters_under_a_mark_stay_readable():
    page = blank()
    page.putpixel((150, 330), (0, 0, 0))
    lit = light(page, Match(BOX, 0.9, "harbour"))
    assert lit[330, 150].tolist() == [0, 0, 0]


def test_marks_never_lighten_a_page():
    noise = np.random.default_rng(3).integers(0, 256, (*SIZE_PX[::-1], 3)).astype(np.uint8)
    picture = Image.fromarray(noise)
    lit = light(picture, Match(BOX, 0.9, "harbour"))
    # But for the outline, which must show on dark pages too.
    core = inside(Box(0.28, 0.52, 0.47, 0.58))
    assert (lit[core] <= noise[core]).all()


def test_an_outline_shows_on_a_dark_page():
    lit = light(Image.new("RGB", SIZE_PX, "black"), Match(BOX, 0.9, "harbour"))
    assert lit.max() > 150
    assert not lit[~inside(BOX, PAD_PX)].any()


def test_a_stronger_match_is_marked_deeper():
    blues = [light(blank(), Match(BOX, weight, "x"))[330, 150, 2] for weight in (0.4, 0.6, 0.8)]
    assert blues[0] > blues[1] > blues[2]


@pytest.mark.parametrize("weight", [0.0, WEIGHT_FLOOR])
def test_a_weak_match_lights_nothing(weight):
    assert (light(blank(), Match(BOX, weight, "the")) == 255).all()


def test_no_match_leaves_the_picture_as_it_is_and_never_changes_the_original():
    page = blank()
    light(page, Match(BOX, 0.9, "harbour"))
    assert np.asarray(page).min() == 255
    assert (light(page) == 255).all()


def test_two_places_are_both_lit():
    other = Box(0.6, 0.1, 0.9, 0.2)
    lit = light(blank(), Match(BOX, 0.9, "harbour"), Match(other, 0.5, "fee"))
    changed = (lit != 255).any(axis=2)
    assert changed[inside(BOX)].all()
    assert changed[inside(other)].all()
    assert not changed[~(inside(BOX, PAD_PX) | inside(other, PAD_PX))].any()


def test_a_box_at_the_edge_of_the_page_can_be_lit():
    lit = light(blank(), Match(Box(0.0, 0.0, 1.0, 1.0), 0.9, "harbour"))
    assert (lit != 255).any(axis=2).all()


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "1"])
def test_any_picture_can_be_lit(mode):
    lit = mark_matches(Image.new(mode, SIZE_PX), [Match(BOX, 0.9, "harbour")])
    assert (lit.mode, lit.size) == ("RGB", SIZE_PX)
