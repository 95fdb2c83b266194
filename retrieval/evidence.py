"""Evidence: lights up on a page's picture what matched the question.

Words are marked as with a highlighter pen; patches, which cover the page without a gap, are shown
as a heat map, for one token of the query or the maximum over all.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from retrieval.records import Evidence, Match, Modality

# The colour of a highlighter pen.
MARKER_RGB = (255, 214, 10)
OUTLINE_RGB = (230, 120, 0)

# A match this strong is marked in full; weaker ones fade, and below the floor they say nothing.
FULL_WEIGHT = 0.85
WEIGHT_FLOOR = 0.3

# The heat map is computed on a canvas this large and scaled up: patches are far coarser.
CANVAS_LONG_SIDE = 192

# Every patch resembles every token a little. Heat begins where a patch stands out from the page:
# above this quantile of its similarities.
COLD_QUANTILE = 0.6

# From cold to hot: nothing, yellow, orange, red; and how much of the page it covers up.
HEAT_RGB = np.array([(255, 255, 255), (255, 224, 70), (250, 130, 20), (200, 20, 30)], np.float32)
HEAT_OPACITY = 0.65

# How much of the heat's colour shows on black.
GLOW = 0.4


def draw_evidence(image: Image.Image, evidence: Evidence) -> Image.Image:
    """A copy of the page's picture, at any size, with the evidence lit up.

    For one word of the query, hand over `evidence.of_word(word)`.
    """
    if evidence.modality == Modality.PAGES:
        return draw_heat_map(image, evidence)
    return mark_matches(image, evidence.matches)


def draw_heat_map(image: Image.Image, evidence: Evidence) -> Image.Image:
    """A copy of the page's picture under the heat map of its evidence."""
    image = image.convert("RGB")
    scale = CANVAS_LONG_SIDE / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    heat = Image.fromarray(compute_heat(evidence, size))
    heat = heat.filter(ImageFilter.GaussianBlur(CANVAS_LONG_SIDE / 64))
    smooth = np.asarray(heat.resize(image.size, Image.Resampling.BICUBIC), dtype=np.float32)
    level = smooth / 255
    colour = colour_heat(level)
    opacity = HEAT_OPACITY * np.sqrt(level)[..., None]
    # Mostly multiplied, so that print stays readable under it; a dark page takes some colour too.
    page = np.asarray(image, dtype=np.float32)
    tint = colour * (GLOW + (1 - GLOW) * page / 255)
    lit = page * (1 - opacity) + tint * opacity
    return Image.fromarray(lit.astype(np.uint8))


def draw_heat_layer(evidence: Evidence, size: tuple[int, int]) -> Image.Image:
    """The heat map alone, RGBA and transparent where it is cold, to be laid over the page.

    Args:
        evidence: what matched.
        size: (width, height) in pixels; a layer that is scaled up needs few, as patches are coarse.
    """
    level = compute_heat(evidence, size).astype(np.float32) / 255
    colour = colour_heat(level)
    opacity = 255 * HEAT_OPACITY * np.sqrt(level)[..., None]
    return Image.fromarray(np.concatenate([colour, opacity], axis=-1).astype(np.uint8), "RGBA")


def colour_heat(level: NDArray[np.floating]) -> NDArray[np.float32]:
    """The colours `[height, width, 3]` of heat between 0 and 1."""
    steps = np.linspace(0, 1, len(HEAT_RGB))
    return np.stack(
        [np.interp(level, steps, HEAT_RGB[:, i]).astype(np.float32) for i in range(3)], axis=-1
    )


def compute_heat(evidence: Evidence, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The heat of each pixel of a canvas, `[height, width]`: 0 for cold, 255 for the best place.

    A pixel is as hot as the hottest place that covers it, and a place as hot as its best token
    makes it: by where its similarity stands between `COLD_QUANTILE` of that token's similarities
    on this page and the best of them.

    Args:
        evidence: what matched.
        size: (width, height) of the canvas.
    """
    width, height = size
    canvas = np.zeros((height, width), dtype=np.float32)
    rows = evidence.similarities
    if not rows.size:
        return canvas.astype(np.uint8)
    cold = np.quantile(rows, COLD_QUANTILE, axis=1, keepdims=True)
    best = rows.max(axis=1, keepdims=True)
    rises = np.clip((rows - cold) / np.maximum(best - cold, 1e-6), 0, 1) ** 2
    # A token that is nowhere on the page must not shine as brightly as one that is.
    trust = np.clip(best / max(float(best.max()), 1e-6), 0, 1)
    places = (rises * trust).max(axis=0)
    edges = np.clip(evidence.boxes, 0, 1) * np.array([width, height, width, height])
    for heat, (x0, y0, x1, y1) in zip(places, edges, strict=True):
        area = np.s_[
            int(y0) : max(int(np.ceil(y1)), int(y0) + 1),
            int(x0) : max(int(np.ceil(x1)), int(x0) + 1),
        ]
        canvas[area] = np.maximum(canvas[area], heat)
    return np.asarray((255 * canvas).round().astype(np.uint8))


def measure_strength(match: Match) -> float:
    """How deeply a match is marked, from 0 for not at all to 1."""
    strength = (match.weight - WEIGHT_FLOOR) / (FULL_WEIGHT - WEIGHT_FLOOR)
    return min(1.0, max(0.0, strength))


def mark_matches(image: Image.Image, matches: tuple[Match, ...]) -> Image.Image:
    """A copy of the page's picture, `matches` marked as with a highlighter pen.

    Marks multiply, so dark letters under them stay readable; the stronger the match, the deeper.
    """
    image = image.convert("RGB")
    marks = Image.new("RGB", image.size, "white")
    draw = ImageDraw.Draw(marks)
    pad_px = max(2, round(max(image.size) * 0.002))
    rectangles = []
    for match in sorted(matches, key=lambda match: match.weight):
        strength = measure_strength(match)
        if strength == 0.0:
            continue
        x0, y0, x1, y1 = match.box
        rectangle = (
            x0 * image.width - pad_px,
            y0 * image.height - pad_px,
            x1 * image.width + pad_px,
            y1 * image.height + pad_px,
        )
        colour = tuple(round(255 + (channel - 255) * strength) for channel in MARKER_RGB)
        draw.rounded_rectangle(rectangle, radius=2 * pad_px, fill=colour)
        rectangles.append((rectangle, strength))
    lit = ImageChops.multiply(image, marks)
    outline = ImageDraw.Draw(lit, "RGBA")
    for rectangle, strength in rectangles:
        # The outline keeps evidence visible on dark pages and in greyscale.
        outline.rounded_rectangle(
            rectangle,
            radius=2 * pad_px,
            outline=(*OUTLINE_RGB, round(255 * strength)),
            width=max(1, pad_px // 2),
        )
    return lit
