"""Where the points, intervals, curves, labels and ticks of a report's charts stand, in pixels."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from retrieval.bootstrap import Estimate

WIDTH_PX = 900
LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX = 64, 300, 20, 52
LEAST_HEIGHT_PX = 340

# What keeps labels and whiskers off each other.
LABEL_GAP_PX = 19
POINT_GAP_PX = 14
LABEL_MARGIN_PX = 26
LABEL_CHARACTERS = 38

# Around the smallest and the largest value, as a factor and in nDCG.
X_MARGIN = 1.1
Y_MARGIN = 0.01
MOST_TICKS = 8
Y_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2)


@dataclass(frozen=True, slots=True)
class Plotted:
    """What a point of a chart stands for.

    Attributes:
        name: what it is called.
        x: what it takes, above 0.
        estimate: how good it is, 0 to 1.
        shape: "circle", "square", "triangle" or "diamond": told apart without colours.
        is_first: whether the others are compared with it.
        label: what stands beside the chart; None for the name, "" for nothing.
    """

    name: str
    x: float
    estimate: Estimate
    shape: str
    is_first: bool
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis, in pixels from the chart's left or top, and what it says."""

    at_px: float
    text: str


@dataclass(frozen=True, slots=True)
class ChartPoint:
    """A point of a chart; pixels from its top left corner.

    Attributes:
        name: what it is called; `label` is what stands beside the chart, or empty.
        value: what the point says, for whoever cannot see where it stands.
        shape: as that of `Plotted`.
        is_first: whether the others are compared with it.
        low_px, high_px: where the ends of the interval are, `high_px` above.
        label_px: the middle of its label.
    """

    name: str
    label: str
    value: str
    shape: str
    is_first: bool
    x_px: float
    y_px: float
    low_px: float
    high_px: float
    label_px: float


@dataclass(frozen=True, slots=True)
class Chart:
    """How good something is against what it takes.

    Attributes:
        curves: lines through points, as the attribute `d` of an SVG path.
    """

    title: str
    x_title: str
    y_title: str
    height_px: float
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    points: tuple[ChartPoint, ...]
    curves: tuple[str, ...]

    width_px: float = WIDTH_PX
    left_px: float = LEFT_PX
    top_px: float = TOP_PX
    right_px: float = WIDTH_PX - RIGHT_PX
    labels_px: float = WIDTH_PX - RIGHT_PX + LABEL_MARGIN_PX

    @property
    def bottom_px(self) -> float:
        """Where the axis below is."""
        return self.height_px - BOTTOM_PX


def draw_chart(
    title: str,
    x_title: str,
    y_title: str,
    curves: Sequence[Sequence[Plotted]],
    format_x: Callable[[float], str],
) -> Chart:
    """Lays out a chart of quality against what it takes, on a logarithmic axis.

    Args:
        title: what is compared.
        x_title: what it takes, with its unit.
        y_title: the measure of quality.
        curves: at least one; points of a curve are joined. Where every curve is one point, those
            that would hide each other are moved aside.
        format_x: says what a point takes, with its unit.
    """
    plotted = [point for curve in curves for point in curve]
    labels = [it.name if it.label is None else it.label for it in plotted]
    n_labels = sum(map(bool, labels))
    height = max(LEAST_HEIGHT_PX, TOP_PX + BOTTOM_PX + LABEL_GAP_PX * (n_labels + 1))
    right, bottom = WIDTH_PX - RIGHT_PX, height - BOTTOM_PX
    xs = [it.x for it in plotted]
    estimates = [it.estimate for it in plotted]
    x_values = choose_log_ticks(min(xs), max(xs))
    y_values = choose_ticks(min(it.low for it in estimates), max(it.high for it in estimates))

    def place_x(value: float) -> float:
        share = math.log(value / x_values[0]) / math.log(x_values[-1] / x_values[0])
        return LEFT_PX + share * (right - LEFT_PX)

    def place_y(value: float) -> float:
        share = (value - y_values[0]) / (y_values[-1] - y_values[0])
        return bottom - share * (bottom - TOP_PX)

    xs_px = [place_x(x) for x in xs]
    if len(plotted) == len(curves):
        margin = POINT_GAP_PX / 2
        xs_px = spread(xs_px, POINT_GAP_PX, LEFT_PX + margin, right - margin)
    ys_px = [place_y(it.mean) for it in estimates]
    labelled = [y_px for y_px, label in zip(ys_px, labels, strict=True) if label]
    labels_px = iter(spread(labelled, LABEL_GAP_PX, TOP_PX, bottom))
    points = tuple(
        ChartPoint(
            name=it.name,
            label=shorten_label(label),
            value=f"{format_x(it.x)}, {y_title} {it.estimate.mean:.3f}",
            shape=it.shape,
            is_first=it.is_first,
            x_px=x_px,
            y_px=y_px,
            low_px=place_y(it.estimate.low),
            high_px=place_y(it.estimate.high),
            label_px=next(labels_px) if label else y_px,
        )
        for it, label, x_px, y_px in zip(plotted, labels, xs_px, ys_px, strict=True)
    )
    left = iter(points)
    joined = [list(itertools.islice(left, len(curve))) for curve in curves]
    return Chart(
        title=title,
        x_title=x_title,
        y_title=y_title,
        height_px=height,
        x_ticks=tuple(Tick(place_x(value), format_x(value)) for value in x_values),
        y_ticks=tuple(Tick(place_y(value), f"{value:.2f}") for value in y_values),
        points=points,
        curves=tuple(
            "M" + "L".join(f"{point.x_px:.1f} {point.y_px:.1f}" for point in curve)
            for curve in joined
            if len(curve) > 1
        ),
    )


def spread(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Moves places as little as can be so that they are a gap apart, in the same order.

    By least squares: places less a gap each must not fall, which is isotonic regression.

    Args:
        places: any number, in any order.
        gap: the least distance; less where so many do not fit.
        low: where the first may be.
        high: where the last may be.
    """
    from scipy.optimize import isotonic_regression

    n = len(places)
    gap = min(gap, (high - low) / max(1, n - 1))
    order = np.argsort(places, kind="stable")
    steps = gap * np.arange(n)
    # To stay within limits, a solution within none is cut.
    fitted = isotonic_regression(np.asarray(places, dtype=np.float64)[order] - steps).x
    moved = np.clip(fitted, low, max(low, high - gap * (n - 1))) + steps
    spread_places = np.empty(n)
    spread_places[order] = moved
    return [float(place) for place in spread_places]


def choose_log_ticks(low: float, high: float) -> list[float]:
    """Round numbers (1, 2, 5, 10, ...) from below the lowest to above the highest value."""
    first, last = math.floor(math.log10(low / X_MARGIN)), math.ceil(math.log10(high * X_MARGIN))
    rounded = [step * 10.0**power for power in range(first, last + 1) for step in (1, 2, 5)]
    start = max(value for value in rounded if value <= low / X_MARGIN)
    end = min(value for value in rounded if value >= high * X_MARGIN)
    within = [value for value in rounded if start <= value <= end]
    if len(within) > MOST_TICKS:
        return [10.0**power for power in range(first, last + 1)]
    return within


def choose_ticks(low: float, high: float) -> list[float]:
    """Shares at even steps from below the lowest to above the highest, within 0 and 1."""
    low, high = max(0.0, low - Y_MARGIN), min(1.0, high + Y_MARGIN)
    step = next((it for it in Y_STEPS if (high - low) / it <= MOST_TICKS - 2), Y_STEPS[-1])
    first, last = math.floor(low / step), math.ceil(high / step)
    return [n * step for n in range(first, max(last, first + 1) + 1)]


def shorten_label(name: str) -> str:
    """A name as far as there is room for it; its end tells more than its middle."""
    if len(name) <= LABEL_CHARACTERS:
        return name
    half = (LABEL_CHARACTERS - 1) // 2
    return f"{name[:half]}…{name[-half:]}"


def format_ms(ms: float) -> str:
    """A time with its unit."""
    return f"{ms:,.0f} ms" if ms >= 10 else f"{ms:.1f} ms" if ms >= 1 else f"{ms:.1g} ms"
