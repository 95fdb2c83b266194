"""Brushes for the drawn pictures: gradients, clouds of noise, soft glows and cut-out shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Pixels = NDArray[np.floating[Any]]
Colour = tuple[int, int, int]
Point = tuple[float, float]


def gradient(width: int, height: int, stops: Sequence[tuple[float, Colour]]) -> Pixels:
    """A vertical gradient through several colours.

    Args:
        width: Width in pixels.
        height: Height in pixels.
        stops: Height (0 at the top, 1 at the bottom) and colour, in order.
    """
    rows = np.linspace(0, 1, height)
    at = [stop for stop, _ in stops]
    bands = [np.interp(rows, at, [colour[i] for _, colour in stops]) for i in range(3)]
    column = np.stack(bands, axis=-1).astype(np.float32)
    return np.repeat(column[:, None, :], width, axis=1)


def clouds(width: int, height: int, cells: tuple[int, int], seed: int, octaves: int = 4) -> Pixels:
    """Smooth noise between 0 and 1, each octave twice as fine and half as strong."""
    rng = np.random.default_rng(seed)
    total = np.zeros((height, width), dtype=np.float32)
    weight = 1.0
    for octave in range(octaves):
        shape = (cells[1] * 2**octave + 1, cells[0] * 2**octave + 1)
        coarse = Image.fromarray(rng.random(shape, dtype=np.float32))
        total += weight * np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))
        weight /= 2
    total -= total.min()
    return np.asarray(total / total.max(), dtype=np.float32)


def mask(width: int, height: int, *shapes: Sequence[Point], blur: float = 0.0) -> Pixels:
    """Rasterises polygons into a mask between 0 and 1."""
    sheet = Image.new("L", (width, height), 0)
    draw = ImageDraw.Draw(sheet)
    for shape in shapes:
        draw.polygon([(float(x), float(y)) for x, y in shape], fill=255)
    if blur:
        sheet = sheet.filter(ImageFilter.GaussianBlur(blur))
    return np.asarray(np.asarray(sheet, dtype=np.float32) / 255, dtype=np.float32)


def glow(width: int, height: int, centre: Point, radius: float, squash: float = 1.0) -> Pixels:
    """A soft round light, 1 in the middle and fading with distance."""
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    distance = ((xs - centre[0]) ** 2 + ((ys - centre[1]) * squash) ** 2) / radius**2
    return np.asarray(np.exp(-distance), dtype=np.float32)


def over(canvas: Pixels, colour: Colour | Pixels, alpha: Pixels) -> None:
    """Lays a colour, or a picture, over the canvas through a mask."""
    paint = np.asarray(colour, dtype=np.float32)
    canvas += (paint - canvas) * np.clip(alpha, 0, 1)[..., None]


def light(canvas: Pixels, colour: Colour, alpha: Pixels) -> None:
    """Adds light of a colour through a mask."""
    canvas += np.asarray(colour, dtype=np.float32) * alpha[..., None]


def finish(canvas: Pixels, shrink: int) -> Image.Image:
    """Clips the canvas and shrinks it, which smooths every edge."""
    picture = Image.fromarray(np.clip(canvas, 0, 255).astype(np.uint8))
    size = (picture.width // shrink, picture.height // shrink)
    return picture.resize(size, Image.Resampling.LANCZOS)


def curve(points: Sequence[Point], steps: int = 24) -> list[Point]:
    """A smooth line (Catmull-Rom) through some points."""
    padded = np.array([points[0], *points, points[-1]], dtype=float)
    result: list[Point] = []
    for i in range(len(points) - 1):
        p0, p1, p2, p3 = padded[i : i + 4]
        for t in np.linspace(0, 1, steps, endpoint=False):
            spot = 0.5 * (
                2 * p1
                + (p2 - p0) * t
                + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2
                + (3 * p1 - p0 - 3 * p2 + p3) * t**3
            )
            result.append((float(spot[0]), float(spot[1])))
    result.append((float(points[-1][0]), float(points[-1][1])))
    return result


def turned(
    canvas: Pixels,
    profile: Sequence[Point],
    axis: float,
    colour: Colour,
    seed: int,
    shine: float = 0.5,
    lean: float = 0.0,
    speckle: float = 0.05,
) -> None:
    """Paints a turned body (a jug, a pear) lit from the upper left.

    Args:
        canvas: The picture.
        profile: Height and radius along the body, from top to bottom, in pixels.
        axis: Where the middle axis stands at the foot.
        colour: Base colour.
        seed: Seed of the speckles.
        shine: Strength of the highlight.
        lean: Sideways shift of the top against the foot.
        speckle: Strength of the speckles.
    """
    line = curve(profile)
    tall = np.array([y for y, _ in line])
    wide = np.array([max(r, 0.01) for _, r in line])
    top, foot = int(tall[0]), int(tall[-1])
    ys = np.arange(top, foot)
    radius = np.interp(ys, tall, wide)
    slope = np.gradient(radius)
    middle = axis + lean * ((foot - ys) / (foot - top)) ** 1.5
    xs = np.arange(canvas.shape[1])
    u = (xs[None, :] - middle[:, None]) / radius[:, None]
    inside = np.abs(u) < 1
    z = np.sqrt(np.clip(1 - u**2, 0, 1))
    ny = -np.repeat(slope[:, None], len(xs), axis=1).clip(-3, 3)
    length = np.sqrt(u**2 + z**2 + ny**2) + 1e-6
    diffuse = np.clip((-0.52 * u - 0.50 * ny + 0.69 * z) / length, 0, 1)
    facing = np.clip((-0.30 * u - 0.29 * ny + 0.91 * z) / length, 0, 1)
    rim = 0.16 * np.clip(u, 0, 1) ** 6
    spots = clouds(len(xs), len(ys), (len(xs) // 40, len(ys) // 40), seed, 3) - 0.5
    shade = 0.16 + 0.9 * diffuse**1.15 + rim + spots * speckle * 2
    body = np.asarray(colour, dtype=np.float32) * shade[..., None]
    body += (255 * shine * facing**42)[..., None]
    part = canvas[top:foot]
    part[inside] = body[inside]


def ridge(height: int, points: list[Point], seed: int, rough: float) -> list[Point]:
    """A hill line through some points, roughened, closed along the lower edge."""
    line = curve(points, 60)
    rng = np.random.default_rng(seed)
    steps = rng.normal(0, 1, len(line)).cumsum()
    steps -= np.linspace(steps[0], steps[-1], len(line))
    top = [(x, y + rough * float(s)) for (x, y), s in zip(line, steps, strict=True)]
    return [(top[0][0], float(height)), *top, (top[-1][0], float(height))]


def above(alpha: Pixels, row: int) -> Pixels:
    """Empties a mask below a row."""
    alpha = alpha.copy()
    alpha[row:] = 0
    return alpha
