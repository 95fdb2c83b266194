"""Evidence: lights up on a page's picture what matched the question."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageChops, ImageDraw

from retrieval.records import Match

# The colour of a highlighter pen.
MARKER_RGB = (255, 214, 10)
OUTLINE_RGB = (230, 120, 0)

# A match this strong is marked in full; weaker ones fade, and below the floor they say nothing.
FULL_WEIGHT = 0.85
WEIGHT_FLOOR = 0.3


def draw_evidence(image: Image.Image, matches: Sequence[Match]) -> Image.Image:
    """A copy of the page's picture, `matches` marked as with a highlighter pen.

    Marks multiply, so dark letters under them stay readable; the stronger the match, the deeper.
    """
    image = image.convert("RGB")
    marks = Image.new("RGB", image.size, "white")
    draw = ImageDraw.Draw(marks)
    pad_px = max(2, round(max(image.size) * 0.002))
    rectangles = []
    for match in sorted(matches, key=lambda match: match.weight):
        strength = (match.weight - WEIGHT_FLOOR) / (FULL_WEIGHT - WEIGHT_FLOOR)
        strength = min(1.0, max(0.0, strength))
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
