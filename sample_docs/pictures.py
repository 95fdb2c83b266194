"""The pictures without words: a lighthouse at dusk, a still life and one old photograph."""

from __future__ import annotations

import shutil
from pathlib import Path

import matplotlib
import numpy as np
from pages import CORPUS
from paint import (
    Colour,
    Pixels,
    Point,
    above,
    clouds,
    curve,
    finish,
    glow,
    gradient,
    light,
    mask,
    over,
    ridge,
    turned,
)


def _tower(canvas: Pixels, x: float, base: float, tall: float) -> Point:
    """Paints the banded tower; returns the middle of its lamp."""
    height, width = canvas.shape[:2]
    top = base - tall
    xs = np.arange(width, dtype=np.float32)
    side = np.clip(1.0 - 0.62 * (xs - x + 26) / 52, 0.24, 1.15)
    for i in range(6):
        y0, y1 = top + tall * i / 6, top + tall * (i + 1) / 6
        w0, w1 = 25 + 15 * i / 6, 25 + 15 * (i + 1) / 6
        colour = np.array((176, 62, 60) if i % 2 == 0 else (222, 204, 204), dtype=np.float32)
        band = mask(width, height, [(x - w0, y0), (x + w0, y0), (x + w1, y1), (x - w1, y1)])
        paint = np.repeat((colour[None, :] * side[:, None])[None], height, axis=0)
        over(canvas, paint * 0.82, band)
    dark: Colour = (26, 22, 40)
    parts: list[list[Point]] = [
        [(x - 38, top - 8), (x + 38, top - 8), (x + 34, top + 6), (x - 34, top + 6)],
        [(x - 24, top - 52), (x + 24, top - 52), (x, top - 86)],
        [(x - 2, top - 104), (x + 2, top - 104), (x + 2, top - 80), (x - 2, top - 80)],
    ]
    over(canvas, dark, mask(width, height, *parts))
    lamp = [(x - 19.0, top - 52), (x + 19, top - 52), (x + 19, top - 8), (x - 19, top - 8)]
    over(canvas, (255, 236, 170), mask(width, height, lamp))
    for bar in (-19, -7, 6, 18):
        pane: list[Point] = [
            (x + bar, top - 52),
            (x + bar + 2, top - 52),
            (x + bar + 2, top - 8),
            (x + bar, top - 8),
        ]
        over(canvas, dark, mask(width, height, pane))
    for y in (0.3, 0.62):
        hole: list[Point] = [
            (x - 6, base - tall * y),
            (x + 6, base - tall * y),
            (x + 6, base - tall * y + 22),
            (x - 6, base - tall * y + 22),
        ]
        over(canvas, (252, 206, 120), mask(width, height, hole))
    return x, top - 30


def lighthouse() -> None:
    """Paints the lighthouse at dusk."""
    width, height, horizon = 2400, 1600, 1010
    sky = ((0, (22, 26, 66)), (0.3, (66, 52, 112)), (0.5, (176, 92, 118)), (0.63, (252, 176, 108)))
    canvas = gradient(width, height, (*sky, (1.0, (252, 176, 108))))
    rng = np.random.default_rng(3)
    stars = np.zeros((height, width), dtype=np.float32)
    for _ in range(150):
        sx, sy = int(rng.integers(4, width - 4)), int(abs(rng.normal(0, 210)))
        stars[sy : sy + 3, sx : sx + 3] = rng.uniform(0.25, 0.9)
    light(canvas, (255, 244, 226), stars)
    light(canvas, (255, 148, 60), 0.55 * glow(width, height, (640, horizon), 520, 1.5))
    light(canvas, (255, 226, 150), 0.75 * glow(width, height, (640, horizon - 20), 90))
    bank = np.clip((clouds(width, height, (3, 16), 8, 5) - 0.5) * 3.2, 0, 1)
    rows = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    bank *= np.clip(1 - np.abs(rows - 0.43) / 0.24, 0, 1)
    over(canvas, (98, 58, 104), bank * 0.72)
    light(canvas, (255, 130, 80), np.roll(bank, 14, axis=0) * 0.28 * (rows > 0.3))
    sea = canvas[horizon - (height - horizon) : horizon][::-1] * np.array((0.58, 0.60, 0.74))
    ripple = clouds(width, height - horizon, (10, 60), 4, 4) - 0.5
    depth = np.linspace(0.25, 1.0, height - horizon, dtype=np.float32)[:, None]
    canvas[horizon:] = sea * (1 - 0.42 * depth[..., None]) + (ripple * 92 * depth)[..., None]
    path = glow(width, height, (640, horizon), 210, 0.30)[horizon:] * (ripple > 0.02)
    canvas[horizon:] += np.array((255, 176, 92)) * (path * 0.75)[..., None]
    far = ridge(height, [(0, 985), (260, 962), (620, 990), (900, 1008)], 6, 1.0)
    over(canvas, (92, 58, 96), above(mask(width, height, far), horizon))
    near = [
        (880, 1600),
        (1010, 1490),
        (1110, 1370),
        (1250, 1240),
        (1350, 1140),
        (1480, 1080),
        (1640, 930),
        (1820, 880),
        (2050, 900),
        (2400, 800),
    ]
    over(
        canvas,
        (52, 38, 66),
        mask(
            width,
            height,
            ridge(height, [(1510, 1085), (1700, 960), (2060, 905), (2400, 840)], 9, 2.0),
        ),
    )
    lamp = _tower(canvas, 1830, 905, 470)
    rock = ridge(height, [(float(a), float(b)) for a, b in near], 12, 2.4)
    over(canvas, (24, 20, 36), mask(width, height, rock))
    for reach, strong in ((150, 0.20), (90, 0.22), (40, 0.20)):
        beam: list[Point] = [lamp, (0, lamp[1] - 40 - reach), (0, lamp[1] - 40 + reach)]
        fade = np.linspace(0.15, 1, width, dtype=np.float32)[None, :] ** 1.4
        light(canvas, (255, 232, 170), mask(width, height, beam, blur=9) * strong * fade)
    light(canvas, (255, 220, 150), 0.85 * glow(width, height, lamp, 110))
    light(canvas, (255, 200, 130), 0.22 * glow(width, height, lamp, 380))
    finish(canvas, 2).save(CORPUS / "lighthouse-at-dusk.jpg", quality=84, optimize=True)


def still_life() -> None:
    """Paints a jug, two pears, a lemon and a plum on a table."""
    width, height, edge = 2000, 1500, 990
    canvas = gradient(width, height, ((0, (44, 58, 56)), (0.66, (86, 98, 88)), (1, (86, 98, 88))))
    canvas *= (0.55 + 0.62 * glow(width, height, (620, 420), 1050))[..., None]
    canvas += ((clouds(width, height, (7, 7), 31, 5) - 0.5) * 16)[..., None]
    wood = gradient(
        width, height - edge, ((0, (150, 100, 62)), (0.2, (132, 84, 50)), (1, (82, 50, 30)))
    )
    grain = clouds(width, height - edge, (3, 40), 32, 5) - 0.5
    canvas[edge:] = wood * (1 + 0.5 * grain[..., None])
    canvas[edge : edge + 6] *= 1.25
    for x, y, r in (
        (1010, 1190, 330),
        (620, 1250, 180),
        (1390, 1270, 190),
        (1690, 1180, 120),
        (880, 1350, 130),
    ):
        over(canvas, (22, 14, 12), 0.72 * glow(width, height, (x + r * 0.42, y), r, 4.2))
    jug: list[Point] = [
        (300, 132),
        (330, 128),
        (420, 112),
        (520, 140),
        (680, 236),
        (840, 272),
        (980, 250),
        (1100, 196),
        (1180, 168),
        (1190, 160),
    ]
    handle = [
        *curve([(1040, 430), (1250, 400), (1350, 560), (1290, 740), (1150, 830)]),
        *reversed(curve([(1060, 490), (1220, 460), (1286, 570), (1236, 710), (1150, 770)])),
    ]
    over(canvas, (24, 48, 74), mask(width, height, handle, blur=2))
    over(
        canvas,
        (88, 138, 172),
        mask(width, height, [(x - 10, y + 8) for x, y in handle], blur=14)
        * mask(width, height, handle, blur=2)
        * 0.55,
    )
    turned(canvas, jug, 960, (74, 124, 164), 40, 0.75)
    rim = glow(width, height, (960, 303), 134, 4.6)
    over(canvas, (104, 152, 188), np.clip((rim - 0.368) * 30, 0, 1))
    rim = glow(width, height, (960, 305), 119, 5.0)
    over(canvas, (16, 28, 42), np.clip((rim - 0.368) * 30, 0, 1))
    pear: list[Point] = [
        (0, 16),
        (30, 44),
        (110, 70),
        (190, 92),
        (290, 150),
        (380, 166),
        (450, 128),
        (482, 50),
        (486, 20),
    ]
    turned(canvas, [(770 + y, r) for y, r in pear], 600, (206, 186, 78), 41, 0.45, 34, 0.16)
    turned(
        canvas,
        [(860 + y * 0.86, r * 0.95) for y, r in pear],
        1370,
        (188, 148, 62),
        42,
        0.4,
        -46,
        0.2,
    )
    ball = [(0, 8), (12, 40), (50, 84), (110, 108), (160, 104), (205, 74), (228, 30), (232, 8)]
    turned(canvas, [(1000 + y * 0.86, r) for y, r in ball], 1690, (112, 56, 96), 43, 0.4, 0, 0.12)
    turned(
        canvas, [(1160 + y * 0.86, r * 1.15) for y, r in ball], 880, (238, 204, 70), 44, 0.5, 0, 0.1
    )
    for x, y, dx in ((634, 772, 26), (1324, 862, -30)):
        stem = [
            *curve([(x - 6, y + 12), (x + dx * 0.4 - 5, y - 40), (x + dx - 5, y - 84)]),
            *reversed(curve([(x + 6, y + 12), (x + dx * 0.4 + 5, y - 40), (x + dx + 7, y - 80)])),
        ]
        over(canvas, (70, 48, 30), mask(width, height, stem))
    canvas *= (0.62 + 0.42 * glow(width, height, (900, 800), 1300))[..., None]
    finish(canvas, 2).save(CORPUS / "still-life-with-jug.webp", quality=84, method=4)


def portrait() -> None:
    """Copies the one real photograph, in the public domain, out of matplotlib's sample data."""
    origin = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    shutil.copyfile(origin, CORPUS / "naval-officer-portrait.jpg")


def build() -> None:
    """Writes all pictures of this module."""
    lighthouse()
    still_life()
    portrait()
