"""Charts: vector ones drawn onto a page, and bitmap ones whose numbers live in pixels only."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from pages import AMBER, DEEP, GREY, INK, RULE, TEAL, WHITE, Colour, Sheet
from PIL import Image


def unit(colour: Colour) -> tuple[float, float, float]:
    """Turns a 0-255 colour into matplotlib's 0-1 one."""
    return colour[0] / 255, colour[1] / 255, colour[2] / 255


def figure(width: float, height: float) -> tuple[Figure, Axes]:
    """Opens a matplotlib figure, in inches, with a quiet frame."""
    fig = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(fig)
    axes = fig.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(unit(GREY))
    axes.tick_params(colors=unit(INK), labelsize=9)
    return fig, axes


def bitmap(fig: Figure, dpi: int = 180, colours: int = 128) -> Image.Image:
    """Renders a figure to a palette image, without dates or version strings."""
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    picture = Image.open(buffer).convert("RGB")
    return picture.quantize(colours, dither=Image.Dither.NONE).convert("RGB")


def formula(text: str, size: float = 11.0, dpi: int = 300) -> Image.Image:
    """Renders one line of mathtext, cropped to its ink."""
    fig = Figure()
    FigureCanvasAgg(fig)
    fig.text(0, 0, f"${text}$", fontsize=size, math_fontfamily="stix", color=unit(INK))
    buffer = io.BytesIO()
    fig.savefig(
        buffer,
        format="png",
        dpi=dpi,
        bbox_inches="tight",
        pad_inches=0.01,
        metadata={"Software": None},
    )
    return Image.open(buffer).convert("L")


def bitmap_bars(
    labels: Sequence[str],
    values: Sequence[float],
    title: str,
    ylabel: str,
    size: tuple[float, float],
    strong: int = -1,
    xlabel: str = "",
) -> Image.Image:
    """A bar chart as a bitmap, the value above each bar, one bar picked out."""
    fig, axes = figure(*size)
    colours = [unit(AMBER if i == strong else TEAL) for i in range(len(values))]
    bars = axes.bar(labels, values, color=colours, width=0.68)
    axes.bar_label(bars, [f"{v:,.0f}" for v in values], fontsize=9, padding=2)
    axes.set_title(title, loc="left", fontsize=12, fontweight="bold", color=unit(DEEP))
    axes.set_ylabel(ylabel, fontsize=9)
    if xlabel:
        axes.set_xlabel(xlabel, fontsize=9)
    axes.set_ylim(0, max(values) * 1.13)
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.grid(axis="y", color=unit(RULE), linewidth=0.6)
    axes.set_axisbelow(True)
    return bitmap(fig)


def pie(
    sheet: Sheet,
    centre: tuple[float, float],
    radius: float,
    parts: Sequence[tuple[str, float, Colour]],
    hole: float = 0.0,
    size: float = 9.0,
    start: float = -math.pi / 2,
) -> None:
    """A vector pie (or ring) with the share and the name beside each slice.

    Args:
        sheet: The page.
        centre: Middle of the pie.
        radius: Radius of the pie.
        parts: Name, value and colour of each slice, clockwise.
        hole: Radius of the hole as a share of the radius.
        size: Font size of the names.
        start: Angle at which the first slice begins, in radians.
    """
    first = start
    total = sum(value for _, value, _ in parts)
    x0, y0 = centre
    for _, value, colour in parts:
        sweep = 2 * math.pi * value / total
        steps = max(4, int(sweep * 30))
        arc = [start + sweep * i / steps for i in range(steps + 1)]
        points = [(x0 + radius * math.cos(a), y0 + radius * math.sin(a)) for a in arc]
        sheet.shape([(x0, y0), *points], colour)
        start += sweep
    start = first
    for name, value, _ in parts:
        sheet.set_draw_color(*WHITE)
        sheet.set_line_width(0.7)
        edge = (x0 + radius * math.cos(start), y0 + radius * math.sin(start))
        sheet.line(x0, y0, *edge)
        sweep = 2 * math.pi * value / total
        middle = start + sweep / 2
        x = x0 + (radius + 5) * math.cos(middle)
        y = y0 + (radius + 5) * math.sin(middle)
        right = math.cos(middle) >= 0
        left = x if right else x - 60
        align = "L" if right else "R"
        share = f"{value:g} %"
        sheet.at(left, y - size * 0.42, share, size + 2, "B", DEEP, 60, align)
        sheet.at(left, y + size * 0.14, name, size, "", INK, 60, align)
        start += sweep
    if hole:
        sheet.set_fill_color(*WHITE)
        sheet.circle(x0, y0, radius * hole, style="F")


def lines(
    sheet: Sheet,
    box: tuple[float, float, float, float],
    labels: Sequence[str],
    series: Mapping[str, tuple[Sequence[float], Colour]],
    top: float,
    step: float,
    size: float = 8.0,
) -> None:
    """A vector line chart with a value at every point.

    Args:
        sheet: The page.
        box: Left, top, width and height of the plot area.
        labels: Names along the x axis.
        series: Name to values and colour.
        top: Highest value on the y axis.
        step: Distance between grid lines.
        size: Font size of the labels.
    """
    x0, y0, w, h = box
    value = 0.0
    while value <= top:
        y = y0 + h - h * value / top
        sheet.hair(x0, y, x0 + w)
        sheet.at(x0 - 14, y - 1.8, f"{value:,.0f}", size, "", GREY, 12, "R")
        value += step
    gap = w / len(labels)
    for i, label in enumerate(labels):
        sheet.at(x0 + gap * i, y0 + h + 2, label, size, "", INK, gap, "C")
    for name, (values, colour) in series.items():
        points = [(x0 + gap * (i + 0.5), y0 + h - h * v / top) for i, v in enumerate(values)]
        sheet.set_draw_color(*colour)
        sheet.set_line_width(0.9)
        sheet.polyline(points)
        sheet.set_fill_color(*colour)
        for (x, y), v in zip(points, values, strict=True):
            sheet.set_fill_color(*colour)
            sheet.circle(x, y, 1.2, style="F")
            sheet.at(x - 9, y - 6, f"{v:,.0f}", size, "B", colour, 18, "C")
        last = points[-1]
        sheet.at(last[0] + 4, last[1] - 2, name, size, "B", colour)


def bars(
    sheet: Sheet,
    box: tuple[float, float, float, float],
    labels: Sequence[str],
    values: Sequence[float],
    colour: Colour = TEAL,
    size: float = 8.0,
) -> None:
    """A vector column chart with the value above each column."""
    x0, y0, w, h = box
    gap = w / len(values)
    top = max(values) * 1.1
    sheet.hair(x0, y0 + h, x0 + w, GREY, 0.3)
    for i, (label, value) in enumerate(zip(labels, values, strict=True)):
        tall = h * value / top
        left = x0 + gap * i
        sheet.block(left + gap * 0.17, y0 + h - tall, gap * 0.66, tall, fill=colour)
        sheet.at(left, y0 + h - tall - 5, f"{value:,.0f}", size, "B", INK, gap, "C")
        sheet.at(left, y0 + h + 2, label, size, "", GREY, gap, "C")
