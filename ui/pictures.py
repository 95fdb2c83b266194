"""The pictures that the page shows: thumbnails, and what stands in for a missing preview."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFont

THUMBNAIL_PX = 640

# A4 upright.
BLANK_SIZE_PX = (620, 877)
BLANK_RGB = (236, 236, 232)
BLANK_TEXT_RGB = (90, 90, 88)


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
