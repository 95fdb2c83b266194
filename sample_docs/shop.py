"""The bakery front: a picture with a sign and a chalk board to read."""

from __future__ import annotations

import numpy as np
from pages import CORPUS
from paint import Colour, Pixels, clouds, finish, glow, gradient, light, mask, over
from PIL import Image, ImageDraw, ImageFilter
from scans import face

WIDTH, HEIGHT = 2200, 1640
GOLD: Colour = (244, 206, 120)
CHALK: Colour = (238, 238, 228)


def _rect(x: float, y: float, w: float, h: float, blur: float = 0.0) -> Pixels:
    return mask(WIDTH, HEIGHT, [(x, y), (x + w, y), (x + w, y + h), (x, y + h)], blur=blur)


def _letters(
    canvas: Pixels,
    x: float,
    y: float,
    text: str,
    font: str,
    size: float,
    colour: Colour,
    rough: int = 0,
) -> None:
    """Paints one centred line of lettering; rough lettering lets the board show through."""
    sheet = Image.new("L", (WIDTH, HEIGHT), 0)
    ImageDraw.Draw(sheet).text((x, y), text, font=face(font, size), fill=255, anchor="mm")
    alpha = np.asarray(sheet, dtype=np.float32) / 255
    if rough:
        alpha = alpha * np.clip(0.72 + 0.5 * clouds(WIDTH, HEIGHT, (260, 190), rough, 2), 0, 1)
    else:
        shadow = np.asarray(sheet.filter(ImageFilter.GaussianBlur(4)), dtype=np.float32) / 255
        over(canvas, (8, 20, 18), np.roll(shadow, (6, 5), axis=(0, 1)) * 0.7)
    over(canvas, colour, alpha)


def _wall(canvas: Pixels) -> None:
    """Paints planks and the stone step."""
    for i, x in enumerate(range(0, WIDTH, 110)):
        tone = 1 + 0.05 * np.sin(i * 2.4)
        canvas[:, x : x + 110] *= tone
        canvas[:, x : x + 5] *= 0.72
        canvas[:, x + 5 : x + 9] *= 1.1
    canvas += ((clouds(WIDTH, HEIGHT, (44, 5), 51, 4) - 0.5) * 22)[..., None]
    stone = gradient(WIDTH, 150, ((0, (152, 146, 138)), (1, (108, 104, 100))))
    canvas[HEIGHT - 150 :] = stone + ((clouds(WIDTH, 150, (40, 6), 52, 4) - 0.5) * 44)[..., None]
    canvas[HEIGHT - 150 : HEIGHT - 142] *= 1.2


def _window(canvas: Pixels) -> None:
    """Paints the lit window with loaves on two shelves."""
    x, y, w, h = 150, 560, 880, 800
    over(canvas, (10, 26, 28), _rect(x - 20, y - 14, w + 70, h + 60, 18) * 0.6)
    over(canvas, (232, 224, 204), _rect(x - 34, y - 34, w + 68, h + 68))
    pane = gradient(
        WIDTH, HEIGHT, ((0.3, (255, 226, 150)), (0.62, (246, 186, 98)), (0.85, (172, 104, 52)))
    )
    over(canvas, pane, _rect(x, y, w, h))
    light(canvas, (60, 44, 16), glow(WIDTH, HEIGHT, (x + w / 2, y + 160), 300) * _rect(x, y, w, h))
    rng = np.random.default_rng(53)
    for row, shelf in enumerate((y + 410, y + 720)):
        for i in range(5 - row):
            cx = x + 110 + i * (168 + row * 46)
            long, tall = 74 + row * 22 + rng.uniform(-6, 6), 52 + row * 16
            crust = glow(WIDTH, HEIGHT, (cx, shelf - tall * 0.72), long, long / tall)
            body = np.clip((crust - 0.36) * 30, 0, 1)
            over(canvas, (168 - row * 46, 104 - row * 36, 48 - row * 16), body)
            light(
                canvas,
                (86, 58, 24),
                np.clip(np.roll(crust, (-14, -12), (0, 1)) - 0.55, 0, 1) * body,
            )
            for cut in (-0.4, 0.0, 0.4):
                at = cx + cut * long
                slash = [(at - 8, shelf - tall * 1.25), (at + 4, shelf - tall * 1.28),
                         (at + 20, shelf - tall * 0.62), (at + 10, shelf - tall * 0.6)]  # fmt: skip
                over(canvas, (244, 214, 160), mask(WIDTH, HEIGHT, slash, blur=2) * 0.8)
        over(canvas, (112, 68, 38), _rect(x, shelf, w, 20))
        over(canvas, (60, 34, 18), _rect(x, shelf + 20, w, 12, 5) * 0.5)
    for bar in (x + w / 2 - 9,):
        over(canvas, (232, 224, 204), _rect(bar, y, 18, h))
    over(canvas, (232, 224, 204), _rect(x, y + 190, w, 16))
    over(canvas, (214, 204, 182), _rect(x - 64, y + h + 34, w + 128, 34))
    shine = [(x + 40.0, y + h), (x + 260, y), (x + 380, y), (x + 160, y + h)]
    light(canvas, (38, 38, 36), mask(WIDTH, HEIGHT, shine, blur=3) * _rect(x, y, w, h))


def _sign(canvas: Pixels) -> None:
    """Paints the long board above the window."""
    x, y, w, h = 110, 110, 1980, 340
    over(canvas, (8, 22, 24), _rect(x + 14, y + 22, w, h, 16) * 0.65)
    board = gradient(WIDTH, HEIGHT, ((0, (30, 74, 62)), (0.28, (18, 50, 44)), (1, (18, 50, 44))))
    over(canvas, board, _rect(x, y, w, h))
    for inset, wide in ((18, 6), (34, 3)):
        frame = _rect(x + inset, y + inset, w - 2 * inset, h - 2 * inset)
        inner = inset + wide
        frame -= _rect(x + inner, y + inner, w - 2 * inner, h - 2 * inner)
        over(canvas, GOLD, frame)
    _letters(canvas, x + w / 2, y + 134, "SALT & RYE", "DejaVuSerif-Bold", 168, GOLD)
    line = "ISLAND BAKERY  ·  WARM LOAVES FROM HALF PAST SIX"
    _letters(canvas, x + w / 2, y + 264, line, "DejaVuSans-Bold", 48, (238, 228, 204))


def _board(canvas: Pixels) -> None:
    """Paints the chalk board with the prices of the day."""
    x, y, w, h = 1210, 600, 780, 820
    over(canvas, (8, 20, 22), _rect(x + 16, y + 20, w, h, 16) * 0.6)
    over(canvas, (138, 92, 54), _rect(x, y, w, h))
    slate = np.full((HEIGHT, WIDTH, 3), (40, 44, 46), dtype=np.float32)
    slate += ((clouds(WIDTH, HEIGHT, (9, 12), 54, 4) - 0.4) * 26)[..., None]
    over(canvas, slate, _rect(x + 32, y + 32, w - 64, h - 64))
    middle = x + w / 2
    _letters(canvas, middle, y + 118, "Today", "DejaVuSerif-BoldItalic", 92, GOLD, 61)
    rows = (
        ("Seaweed rye", "4.20"),
        ("Oat loaf", "3.60"),
        ("Cinnamon knot", "2.60"),
        ("Crab pie", "6.50"),
    )
    for i, (name, price) in enumerate(rows):
        at = y + 250 + i * 98
        font = face("DejaVuSerif-Italic", 58)
        left = x + 84 + font.getlength(name) / 2
        _letters(canvas, left, at, name, "DejaVuSerif-Italic", 58, CHALK, 62 + i)
        right = x + w - 84 - font.getlength(price) / 2
        _letters(canvas, right, at, price, "DejaVuSerif-Italic", 58, CHALK, 72 + i)
    over(canvas, CHALK, _rect(x + 90, y + 632, w - 180, 4) * 0.7)
    _letters(
        canvas, middle, y + 706, "closed on Mondays", "DejaVuSerif-Italic", 54, (246, 176, 150), 80
    )


def build() -> None:
    """Paints the bakery front and saves it as a JPEG."""
    canvas = gradient(WIDTH, HEIGHT, ((0, (70, 128, 136)), (1, (44, 92, 104))))
    _wall(canvas)
    _window(canvas)
    _board(canvas)
    _sign(canvas)
    light(canvas, (70, 44, 14), glow(WIDTH, HEIGHT, (590, 900), 900) * 0.5)
    canvas *= (0.74 + 0.3 * glow(WIDTH, HEIGHT, (1100, 760), 1300))[..., None]
    finish(canvas, 2).save(CORPUS / "bakery-shop-front.jpg", quality=84, optimize=True)
