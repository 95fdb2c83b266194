"""The evidence of a hit as a layer that lies over the page's picture, at whatever size it is shown.

Words are marks in fractions of the page; patches are a small transparent picture. Each belongs to a
word of the question, or to all, so that the browser can choose among them by itself.
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

from retrieval.evidence import draw_heat_layer, measure_strength
from retrieval.records import Evidence, Hit, Modality

# Of a heat map's longer side; the browser smooths it.
HEAT_PX = 64

# Where it is not one word of the question: that is its place among them.
ALL_WORDS = -1


@dataclass(frozen=True, slots=True)
class Mark:
    """One place that matched, in percent of the page's width and height, origin top left.

    Attributes:
        strength: how deeply it is marked, from 0 to 1.
        word: its place among `Layer.words`.
    """

    left: float
    top: float
    width: float
    height: float
    strength: float
    word: int


@dataclass(frozen=True, slots=True)
class Heat:
    """A heat map as an address that holds the whole picture, for one word or `ALL_WORDS`."""

    address: str
    word: int


@dataclass(frozen=True, slots=True)
class Layer:
    """What lies over a page.

    Attributes:
        words: of the question, each of which can be chosen.
    """

    words: tuple[str, ...]
    marks: tuple[Mark, ...]
    heats: tuple[Heat, ...]


def build_layer(hit: Hit, size_px: tuple[int, int]) -> Layer | None:
    """The layer of a hit; None where nothing on the page matched.

    Args:
        hit: what was found.
        size_px: (width, height) of its picture, for its proportions.
    """
    evidence = hit.evidence
    if evidence is None or not hit.matches:
        return None
    if evidence.modality is Modality.PAGES:
        return Layer(evidence.words, (), _draw_heats(evidence, size_px))
    place = {word: i for i, word in enumerate(evidence.words)}
    marks = [
        Mark(
            100 * match.box.x0,
            100 * match.box.y0,
            100 * (match.box.x1 - match.box.x0),
            100 * (match.box.y1 - match.box.y0),
            measure_strength(match),
            place[match.token],
        )
        for match in hit.matches
        if match.token
    ]
    return Layer(evidence.words, tuple(marks), ())


def _draw_heats(evidence: Evidence, size_px: tuple[int, int]) -> tuple[Heat, ...]:
    scale = HEAT_PX / max(size_px)
    size = (max(1, round(size_px[0] * scale)), max(1, round(size_px[1] * scale)))
    shown = [(ALL_WORDS, evidence)]
    shown += [(place, evidence.of_word(word)) for place, word in enumerate(evidence.words)]
    return tuple(Heat(_draw_heat(each, size), place) for place, each in shown)


def _draw_heat(evidence: Evidence, size: tuple[int, int]) -> str:
    content = io.BytesIO()
    draw_heat_layer(evidence, size).save(content, "PNG")
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode('ascii')}"
