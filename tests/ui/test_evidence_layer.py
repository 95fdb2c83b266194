"""What lies over a page: marks of words or heat of patches, for each word and for all."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from retrieval.records import Evidence, Hit, Kind, Modality, StageScores
from tests.documents import grid_box
from ui.evidence_layer import ALL_WORDS, build_layer

SIZE_PX = (600, 800)


def build_hit(modality, similarities, boxes, tokens=("ferry", "month")):
    evidence = Evidence(
        tokens,
        np.array(boxes, np.float32),
        np.array(similarities, np.float32),
        modality,
    )
    return Hit("0" * 64, "report.pdf", 0, Kind.PAGE, 1.0, StageScores(), evidence)


def test_each_word_has_a_mark_in_percent_of_the_page():
    boxes = [(0.1, 0.2, 0.3, 0.25), (0.5, 0.6, 0.7, 0.65)]
    layer = build_layer(build_hit(Modality.WORDS, [[0.9, 0.1], [0.0, 0.5]], boxes), SIZE_PX)
    assert layer.words == ("ferry", "month")
    assert not layer.heats
    ferry, month = layer.marks
    assert (ferry.word, month.word) == (0, 1)
    place = (ferry.left, ferry.top, ferry.width, ferry.height)
    assert place == pytest.approx((10, 20, 20, 5), abs=1e-4)
    assert ferry.strength == 1.0 and 0 < month.strength < 1


def test_patches_are_heat_for_all_words_and_for_each():
    boxes = [grid_box(column, row, 4, 4) for row in range(4) for column in range(4)]
    similarities = np.full((2, 16), 0.1)
    similarities[0, 0] = similarities[1, 15] = 0.9
    layer = build_layer(build_hit(Modality.PAGES, similarities, boxes), SIZE_PX)
    assert not layer.marks
    assert [heat.word for heat in layer.heats] == [ALL_WORDS, 0, 1]
    opacity = [read_opacity(heat.address) for heat in layer.heats]
    # "ferry" is in the first patch, "month" in the last, and all are in both.
    for shown, first, last in zip(opacity, (1, 1, 0), (1, 0, 1), strict=True):
        assert shown.shape == (64, 48)
        assert bool(shown[4, 4] > 100) is bool(first)
        assert bool(shown[-5, -5] > 100) is bool(last)
        assert shown[32, 24] == 0


def read_opacity(address):
    content = base64.b64decode(address.removeprefix("data:image/png;base64,"))
    return np.asarray(Image.open(io.BytesIO(content)))[..., 3]


def test_a_photo_found_by_its_looks_has_no_layer():
    hit = Hit("0" * 64, "boat.png", 0, Kind.PHOTO, 1.0, StageScores(), None)
    assert build_layer(hit, SIZE_PX) is None
