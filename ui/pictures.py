"""The pictures that the page shows: thumbnails, a region's frame, and what stands in for none."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFont

from retrieval.records import Box

THUMBNAIL_PX = 640

# A4 upright.
BLANK_SIZE_PX = (620, 877)
BLANK_RGB = (236, 236, 232)
BLANK_TEXT_RGB = (90, 90, 88)

# Unlike any colour of evidence, and seen on light and dark pages by its white edge.
FRAME_RGB = (37, 99, 235)
FRAME_EDGE_RGB = (255, 255, 255)
# Line width of a frame and radius of a corner's mark, as parts of the page's long side.
FRAME_WIDTH = 0.004
CORNER_RADIUS = 0.009


def shrink_picture(picture: Image.Image) -> Image.Image:
    """A small copy for the gallery: whole pages side by side would take megabytes."""
    small = picture.copy()
    small.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX), Image.Resampling.LANCZOS)
    return small


def draw_blank(text: str = "no preview") -> Image.Image:
    """What stands in for a page that has no preview."""
    blank = Image.new("RGB", BLANK_SIZE_PX, BLANK_RGB)
    middle = (BLANK_SIZE_PX[0] / 2, BLANK_SIZE_PX[1] / 2)
    font = ImageFont.load_default(size=36)
    ImageDraw.Draw(blank).text(middle, text, fill=BLANK_TEXT_RGB, font=font, anchor="mm")
    return blank


def mark_region(picture: Image.Image, region: Box) -> None:
    """Draws a frame around a region of a page, on the picture itself."""
    width_px = measure_px(picture, FRAME_WIDTH)
    x0, y0 = region.x0 * picture.width, region.y0 * picture.height
    x1, y1 = region.x1 * picture.width, region.y1 * picture.height
    draw = ImageDraw.Draw(picture)
    for colour, grow_px, line_px in (
        (FRAME_EDGE_RGB, width_px, 2 * width_px),
        (FRAME_RGB, width_px / 2, width_px),
    ):
        corners = (x0 - grow_px, y0 - grow_px, x1 + grow_px, y1 + grow_px)
        draw.rectangle(corners, outline=colour, width=line_px)


def mark_corner(picture: Image.Image, x: float, y: float) -> None:
    """Draws a dot at a place of a page, given in fractions, on the picture itself."""
    centre = (x * picture.width, y * picture.height)
    edge_px = measure_px(picture, FRAME_WIDTH)
    ImageDraw.Draw(picture).circle(
        centre,
        measure_px(picture, CORNER_RADIUS),
        fill=FRAME_RGB,
        outline=FRAME_EDGE_RGB,
        width=edge_px,
    )


def measure_px(picture: Image.Image, part: float) -> int:
    """A part of the picture's long side in pixels; at least one."""
    return max(1, round(part * max(picture.size)))
