"""The map of Haldry: an image whose names can only be read by looking."""

from __future__ import annotations

import io

import numpy as np
from charts import unit
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle
from matplotlib.patheffects import withStroke
from pages import AMBER, CORAL, CORPUS, DEEP, INK, MOSS, TEAL, Colour
from PIL import Image

Points = list[tuple[float, float]]

COAST: Points = [
    (-2.55, 0.25), (-2.9, 0.75), (-2.45, 1.1), (-1.8, 1.0), (-1.35, 1.45), (-0.75, 1.3),
    (-0.35, 1.75), (0.25, 1.95), (0.7, 1.6), (0.55, 1.2), (1.05, 1.15), (1.6, 1.4),
    (2.15, 1.15), (2.35, 0.6), (2.0, 0.3), (1.75, 0.15), (2.1, -0.15), (2.4, -0.65),
    (1.9, -1.2), (1.2, -1.25), (0.6, -1.55), (-0.2, -1.3), (-0.9, -1.6), (-1.6, -1.35),
    (-1.85, -0.8), (-2.4, -0.55), (-2.2, -0.1),
]  # fmt: skip

PLACES: tuple[tuple[float, float, str, str, float, float, str], ...] = (
    (1.72, 0.13, "o", "Port Haldry", -0.12, 0.2, "right"),
    (1.86, -0.02, "s", "Low Quay ferry", 0.42, -0.03, "left"),
    (-2.66, 0.72, "*", "Cold Ness lighthouse\nand tide observatory", -0.1, 0.62, "center"),
    (0.75, 1.32, "o", "Nettle Bay", 0.12, 0.28, "left"),
    (-0.95, 0.35, "^", "Carrick Hill 214 m", 0.14, 0.0, "left"),
    (0.62, -0.62, "^", "Tern Moor 97 m", 0.14, 0.0, "left"),
    (-1.5, -0.72, "P", "St Orla's Chapel (ruin)", 0.14, -0.02, "left"),
    (-0.62, 1.4, "v", "Smugglers' Cave", 0.12, -0.13, "left"),
)


def _smooth(points: Points, rounds: int = 4, rough: float = 0.035, seed: int = 5) -> np.ndarray:
    """Subdivides a ring, each round adding smaller bends."""
    rng = np.random.default_rng(seed)
    ring = np.array(points, dtype=float)
    for level in range(rounds):
        after = np.roll(ring, -1, axis=0)
        bend = rng.normal(0, rough / 2**level, ring.shape)
        middle = (ring + after) / 2 + bend
        ring = np.stack([ring, middle], axis=1).reshape(-1, 2)
        ring = 0.25 * np.roll(ring, 1, axis=0) + 0.5 * ring + 0.25 * np.roll(ring, -1, axis=0)
    return ring


def _grown(ring: np.ndarray, by: float) -> np.ndarray:
    """Scales a ring away from its centre, for depth and height bands."""
    length = np.linalg.norm(ring, axis=1, keepdims=True)
    return np.asarray(ring * (length + by) / length)


def _label(
    axes: Axes, x: float, y: float, text: str, size: float, colour: Colour, **more: object
) -> None:
    halo = [withStroke(linewidth=2.6, foreground="white", alpha=0.85)]
    options = {"ha": "center", "va": "center", "path_effects": halo, **more}
    axes.text(x, y, text, fontsize=size, color=unit(colour), **options)  # type: ignore[arg-type]


def _land(axes: Axes) -> None:
    coast = _smooth(COAST)
    for by, shade in ((0.85, "#b4d9de"), (0.5, "#c6e3e5"), (0.22, "#d9eeed")):
        axes.add_patch(Polygon(_grown(coast, by), facecolor=shade, edgecolor="#8fc0c6", lw=0.5))
    axes.add_patch(Polygon(coast, facecolor="#e4e6c6", edgecolor=unit(INK), lw=1.3, zorder=2))
    for size, shade in ((0.85, "#d6dcb0"), (0.55, "#c5cf9b"), (0.28, "#b1be86"), (0.1, "#9dac74")):
        for x, y, wide, high in ((-0.95, 0.35, 1.15, 0.75), (0.62, -0.62, 0.75, 0.42)):
            t = np.linspace(0, 2 * np.pi, 90)
            wave = 1 + 0.09 * np.sin(3 * t + x) + 0.05 * np.sin(5 * t)
            ring = np.column_stack(
                [x + size * wide * wave * np.cos(t), y + size * high * wave * np.sin(t)]
            )
            if size > 0.6 or x < 0 or size < 0.3:
                axes.add_patch(
                    Polygon(ring, facecolor=shade, edgecolor=unit(MOSS), lw=0.5, zorder=3)
                )
    strand = coast[(np.abs(coast[:, 0] + 0.5) < 0.42) & (coast[:, 1] < -1)]
    axes.plot(*strand.T, color="#eebf62", lw=7, solid_capstyle="round", zorder=3)


def _routes(axes: Axes) -> None:
    burn = np.array([(-0.7, 0.2), (-0.25, 0.05), (0.3, 0.2), (0.9, 0.02), (1.4, 0.12), (1.74, 0.1)])
    axes.plot(*burn.T, color="#3d8fb0", lw=1.6, zorder=4)
    road = [(1.7, 0.16), (1.1, 0.5), (0.2, 0.75), (-0.9, 1.0), (-1.8, 0.75), (-2.55, 0.72)]
    axes.plot(*np.array(road).T, color="#b5452f", lw=1.8, zorder=4)
    axes.plot([1.1, 0.95, 0.75], [0.5, 0.9, 1.3], color="#b5452f", lw=1.8, zorder=4)
    path = _smooth([(1.62, 0.02), (0.9, -0.25), (-0.1, -0.5), (-1.45, -0.72), (-2.0, -0.3),
                    (-2.45, 0.5), (-2.6, 0.68)], 0)  # fmt: skip
    axes.plot(*path.T, color=unit(INK), lw=1.4, ls=(0, (3, 2)), zorder=4)
    axes.plot([1.9, 3.7], [-0.04, -0.62], color=unit(DEEP), lw=1.3, ls=(0, (6, 3)), zorder=1.5)


def _furniture(axes: Axes) -> None:
    """Adds the legend, the scale bar, the compass and the title."""
    axes.add_patch(
        Rectangle(
            (-3.62, -2.62), 1.95, 1.28, facecolor="white", edgecolor=unit(INK), lw=0.8, zorder=6
        )
    )
    axes.text(-3.5, -1.5, "Legend", fontsize=10, fontweight="bold", color=unit(DEEP), zorder=7)
    rows = (
        ("#b5452f", "-", "Road"),
        (unit(INK), (0, (3, 2)), "Footpath"),
        (unit(DEEP), (0, (6, 3)), "Ferry to the mainland"),
        ("#3d8fb0", "-", "Stream"),
    )
    for i, (colour, dash, name) in enumerate(rows):
        y = -1.68 - i * 0.2
        axes.plot([-3.5, -3.15], [y, y], color=colour, ls=dash, lw=1.7, zorder=7)
        axes.text(-3.03, y, name, fontsize=8.5, va="center", color=unit(INK), zorder=7)
    axes.plot([-3.33], [-2.48], "x", color=unit(CORAL), ms=7, mew=2, zorder=7)
    axes.text(-3.03, -2.48, "Wreck", fontsize=8.5, va="center", color=unit(INK), zorder=7)
    for i in range(4):
        shade = unit(INK) if i % 2 == 0 else (1.0, 1.0, 1.0)
        axes.add_patch(
            Rectangle(
                (1.5 + i * 0.5, -2.45), 0.5, 0.07, facecolor=shade, edgecolor=unit(INK), lw=0.8
            )
        )
    for x, text in ((1.5, "0"), (2.5, "1"), (3.5, "2 km")):
        axes.text(x, -2.3, text, fontsize=9, ha="center", color=unit(INK))
    x, y = 3.2, 1.75
    for turn in range(4):
        a = np.pi / 2 * turn
        tip = (x + 0.36 * np.cos(a), y + 0.36 * np.sin(a))
        for side, shade in ((1, INK), (-1, TEAL)):
            b = a + side * np.pi / 4
            waist = (x + 0.11 * np.cos(b), y + 0.11 * np.sin(b))
            axes.add_patch(Polygon([(x, y), tip, waist], facecolor=unit(shade), lw=0))
    axes.text(x, y + 0.5, "N", fontsize=13, fontweight="bold", ha="center", va="center")
    axes.text(-3.6, 2.4, "ISLE OF HALDRY", fontsize=23, fontweight="bold", color=unit(DEEP))
    axes.text(-3.58, 2.2, "A map for walkers, by the Harbour Office", fontsize=10, color=unit(INK))


def build() -> None:
    """Writes the map as a palette PNG."""
    fig = Figure(figsize=(10.4, 7.6), facecolor="#a3ced6")
    FigureCanvasAgg(fig)
    axes = fig.add_axes((0.02, 0.02, 0.96, 0.96))
    axes.set(xlim=(-3.75, 3.75), ylim=(-2.75, 2.75), xticks=[], yticks=[], facecolor="#a3ced6")
    axes.set_aspect("equal")
    _land(axes)
    _routes(axes)
    for x, y, mark, name, dx, dy, side in PLACES:
        axes.plot(
            [x],
            [y],
            mark,
            color=unit(CORAL if mark == "*" else INK),
            ms=11 if mark == "*" else 6.5,
            mec="white",
            mew=0.8,
            zorder=5,
        )
        _label(
            axes,
            x + dx,
            y + dy,
            name,
            10,
            INK,
            ha=side,
            zorder=6,
            fontweight="bold" if mark in "o*" else "normal",
        )
    for x, y in ((-3.25, 0.15), (-3.4, 0.0), (-3.18, -0.08)):
        axes.plot([x], [y], "^", color="#6b6b6b", ms=8, mec="white", zorder=5)
    _label(axes, -3.15, -0.3, "Gannet Stacks", 9.5, INK, zorder=6)
    axes.plot([-1.25], [2.0], "x", color=unit(CORAL), ms=9, mew=2.6, zorder=5)
    _label(axes, -1.25, 1.82, "Wreck of the Marigold, 1889", 9, CORAL, zorder=6)
    _label(axes, -0.55, -1.74, "Amber Strand", 10.5, INK, style="italic", zorder=6)
    _label(axes, 0.35, 0.02, "Mill Burn", 8.5, TEAL, style="italic", zorder=6)
    _label(axes, 3.05, -1.15, "HALDRY NARROWS", 12, DEEP, style="italic", rotation=-58, zorder=6)
    _label(axes, 1.55, 2.2, "kelp farm", 9, MOSS, zorder=6)
    axes.plot([1.25, 1.85], [2.02, 2.08], color=unit(AMBER), lw=2, marker="o", ms=4, zorder=5)
    _furniture(axes)
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=160, metadata={"Software": None}, facecolor="#a3ced6")
    picture = Image.open(buffer).convert("RGB").quantize(160, dither=Image.Dither.NONE)
    picture.save(CORPUS / "map-of-haldry.png", optimize=True, dpi=(160, 160))
