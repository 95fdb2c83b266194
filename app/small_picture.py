"""Pictures of pages small enough to be sent to a program that has little room for them."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image

QUALITY = 85
# By how much a picture that is too large becomes smaller at a time.
SHRINK = 0.8


@dataclass(frozen=True, slots=True)
class SmallPicture:
    """A JPEG file, which every assistant that sees can read, and its size."""

    content: bytes
    width_px: int
    height_px: int


def shrink_picture(picture: Image.Image, width_px: int, limit_bytes: int) -> SmallPicture:
    """A picture of at most this width, and narrower still where its file would be too large."""
    width = min(width_px, picture.width)
    while True:
        height = max(1, round(picture.height * width / picture.width))
        content = io.BytesIO()
        small = picture.resize((width, height), Image.Resampling.LANCZOS)
        small.convert("RGB").save(content, "JPEG", quality=QUALITY)
        if content.tell() <= limit_bytes or width == 1:
            return SmallPicture(content.getvalue(), width, height)
        width = max(1, int(width * SHRINK))
