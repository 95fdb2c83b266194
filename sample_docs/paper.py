"""The two-column paper on slack water."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
from charts import bitmap, bitmap_bars, figure, formula, unit
from pages import DEEP, GREY, INK, RULE, SAND, TEAL, Sheet
from paper_text import (
    ABSTRACT,
    AUTHORS,
    BLOCKS,
    CONSTITUENTS,
    CORRECTIONS,
    PLACE,
    SUBTITLE,
    TITLE,
)
from PIL import Image

LEFTS = (18.0, 109.0)
COLUMN = 83.0
BOTTOM = 276.0


def _levels() -> Image.Image:
    """Figure 1: fifteen days of level, observed and modelled."""
    rng = np.random.default_rng(7)
    t = np.arange(0, 15 * 24, 0.25)
    moon = 1.42 * np.cos(2 * np.pi * t / 12.4206 - 2.93)
    sun = 0.47 * np.cos(2 * np.pi * t / 12.0 - 3.54)
    model = 2.6 + moon + sun
    walk = np.convolve(rng.normal(0, 1, t.size), np.ones(120) / 120, mode="same")
    seen = model + walk * 0.9 + rng.normal(0, 0.03, t.size)
    fig, axes = figure(4.6, 2.7)
    axes.plot(t / 24, model, color=unit(TEAL), linewidth=0.9, label="two constituents")
    axes.plot(t[::6] / 24, seen[::6], ".", color=unit(INK), markersize=1.8, label="gauge")
    axes.set_xlabel("day of April 2023", fontsize=9)
    axes.set_ylabel("level, m", fontsize=9)
    axes.set_xlim(0, 15)
    axes.set_ylim(0, 5.6)
    axes.grid(axis="y", color=unit(RULE), linewidth=0.5)
    axes.legend(loc="upper right", ncols=2, fontsize=8, frameon=False)
    return bitmap(fig, 220, 64)


def _errors() -> Image.Image:
    """Figure 2: the error by number of constituents."""
    return bitmap_bars(
        ("1", "2", "4", "8", "37"),
        (33, 12, 9, 7, 6),
        "Error of slack, minutes",
        "root mean square, min",
        (4.6, 2.5),
        strong=1,
        xlabel="number of constituents",
    )


def _curve() -> Image.Image:
    """Figure 3: the correction of the card against the age of the moon."""
    age = np.linspace(0, 14.77, 200)
    fig, axes = figure(4.6, 2.9)
    axes.plot(age, 19 * np.sin(2 * np.pi * (age - 2) / 14.77), color=unit(TEAL), linewidth=1.6)
    axes.axhline(0, color=unit(GREY), linewidth=0.8)
    axes.annotate("slack later", (5.7, 19.5), ha="center", va="bottom", fontsize=9)
    axes.annotate("slack earlier", (10.2, -19.5), ha="center", va="top", fontsize=9)
    axes.set_ylim(-26, 26)
    axes.set_xlim(0, 14.77)
    axes.set_xlabel("age of the moon, days", fontsize=9)
    axes.set_ylabel("correction, min", fontsize=9)
    axes.grid(color=unit(RULE), linewidth=0.5)
    return bitmap(fig, 220, 64)


FIGURES = {"1": _levels, "2": _errors, "3": _curve}


class Columns:
    """Flows blocks through the two columns of each page."""

    def __init__(self, sheet: Sheet, top: float) -> None:
        """Starts in the left column, at a height."""
        self.sheet = sheet
        self.top = top
        self.y = top
        self.column = 0
        self.equation = 0

    @property
    def x(self) -> float:
        """Left edge of the current column."""
        return LEFTS[self.column]

    def need(self, height: float) -> None:
        """Moves on to the next column or page unless the height still fits."""
        if self.y + height <= BOTTOM:
            return
        if self.column == 1:
            self.sheet.add_page()
            self.top = 20.0
        self.column = 1 - self.column
        self.y = self.top

    def heading(self, text: str) -> None:
        """Sets a section heading, kept with what follows."""
        self.need(22)
        if self.y > self.top:
            self.y += 2.5
        self.sheet.at(self.x, self.y, text, 12.5, "B", DEEP)
        self.y += 7.5

    def paragraph(self, text: str, size: float = 10.5, step: float = 4.75) -> None:
        """Sets a justified paragraph that may break across columns."""
        sheet = self.sheet
        sheet.set_font("stix", "", size)
        lines: list[list[str]] = [[]]
        for word in text.split():
            if lines[-1] and sheet.get_string_width(" ".join([*lines[-1], word])) > COLUMN:
                lines.append([])
            lines[-1].append(word)
        for number, words in enumerate(lines):
            self.need(step * (2 if number == len(lines) - 2 else 1))
            sheet.set_font("stix", "", size)
            sheet.set_text_color(*INK)
            natural = sheet.get_string_width(" ".join(words))
            last = number == len(lines) - 1
            extra = 0.0 if last else (COLUMN - natural) / max(1, len(words) - 1)
            x = self.x
            for word in words:
                sheet.set_xy(x, self.y)
                wide = sheet.get_string_width(word + " ")
                sheet.cell(wide, step, word + " ")
                x += wide + extra
            self.y += step
        self.y += 1.8

    def equation_line(self, text: str) -> None:
        """Centres a formula and numbers it at the right."""
        self.equation += 1
        picture = formula(text, 10.5, 400)
        wide, high = picture.width / 400 * 25.4, picture.height / 400 * 25.4
        self.need(high + 4)
        self.sheet.image(picture, self.x + (COLUMN - 8 - wide) / 2, self.y + 1, wide, high)
        middle = self.y + 1 + high / 2 - 2.4
        self.sheet.at(self.x, middle, f"({self.equation})", 10.5, "", INK, COLUMN, "R")
        self.y += high + 4

    def picture(self, image: Image.Image, caption: str) -> None:
        """Places a figure over its caption."""
        high = COLUMN * image.height / image.width
        self.need(high + 14)
        self.sheet.image(image, self.x, self.y + 1, COLUMN, high)
        self.y = self.sheet.para(self.x, self.y + high + 2.5, COLUMN, caption, 9, "I", GREY)
        self.y += 4

    def small_table(
        self,
        caption: str,
        widths: Sequence[float],
        rows: Sequence[Sequence[str]],
        aligns: str,
    ) -> None:
        """Places a table under its caption."""
        self.need(14 + 6.2 * len(rows))
        self.y = self.sheet.para(self.x, self.y + 1, COLUMN, caption, 9, "I", GREY) + 1.5
        self.y = self.sheet.grid(self.x, self.y, widths, rows, aligns, 9, 6.2, accent=TEAL)
        self.y += 4


def _front(sheet: Sheet) -> float:
    """Sets the title and the abstract; returns the height where the columns start."""
    sheet.add_page()
    sheet.at(18, 17, "COLD NESS PAPERS", 9, "B", TEAL)
    sheet.at(18, 17, "Number 14, spring 2025", 9, "I", GREY, 174, "R")
    sheet.hair(18, 22.5, 192, TEAL, 0.6)
    sheet.at(18, 30, TITLE, 26, "B", DEEP, 174, "C")
    sheet.at(18, 42, SUBTITLE, 15, "I", DEEP, 174, "C")
    sheet.at(18, 53, AUTHORS, 12, "", INK, 174, "C")
    sheet.at(18, 59, PLACE, 10, "I", GREY, 174, "C")
    sheet.block(18, 69, 174, 37, fill=SAND, radius=2)
    sheet.at(26, 72.5, "Abstract", 10.5, "B", DEEP)
    sheet.para(26, 78, 158, ABSTRACT, 10, align="J", leading=0.45)
    return 114.0


def build() -> None:
    """Writes the paper."""
    sheet = Sheet(
        f"{TITLE}: {SUBTITLE}",
        AUTHORS,
        dt.date(2025, 4, 2),
        families=("stix",),
        foot="Varr and Quill  ·  Slack Water from Two Numbers",
    )
    flow = Columns(sheet, _front(sheet))
    for kind, text in BLOCKS:
        if kind == "h":
            flow.heading(text)
        elif kind == "p":
            flow.paragraph(text)
        elif kind == "s":
            flow.paragraph(text, 9, 4.2)
        elif kind == "f":
            flow.equation_line(text)
        elif kind == "t":
            flow.small_table(text, (14, 25, 16, 14, 14), CONSTITUENTS, "LLRRR")
        elif kind == "c":
            flow.small_table(text, (14, 14, 14, 14, 14, 13), CORRECTIONS, "RRRRRR")
        elif kind == "b":
            flow.need(BOTTOM)
        else:
            flow.picture(FIGURES[kind](), text)
    sheet.save("slack-water-paper.pdf")
