"""Colours, fonts and the page helper that every sample PDF is drawn with."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from pathlib import Path

import matplotlib
from fpdf import FPDF

Colour = tuple[int, int, int]

HERE = Path(__file__).resolve().parent
CORPUS = HERE / "corpus"
FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"

INK: Colour = (34, 42, 53)
GREY: Colour = (112, 122, 134)
RULE: Colour = (206, 212, 218)
WHITE: Colour = (255, 255, 255)
DEEP: Colour = (19, 62, 84)
TEAL: Colour = (31, 122, 131)
FOAM: Colour = (226, 240, 240)
AMBER: Colour = (222, 148, 46)
CORAL: Colour = (205, 92, 76)
MOSS: Colour = (106, 140, 84)
SAND: Colour = (250, 245, 235)

_FILES = {
    "sans": ("DejaVuSans", "-Bold", "-Oblique", "-BoldOblique"),
    "serif": ("DejaVuSerif", "-Bold", "-Italic", "-BoldItalic"),
    "mono": ("DejaVuSansMono", "-Bold", "-Oblique", "-BoldOblique"),
    "stix": ("STIXGeneral", "Bol", "Italic", "BolIta"),
}


class Sheet(FPDF):
    """A PDF with fixed dates, embedded open fonts and helpers that place text in millimetres.

    Attributes:
        foot: The line printed at the bottom of each page, before the page number.
        bare: Page numbers that carry no bottom line (covers, mostly).
    """

    def __init__(
        self,
        title: str,
        author: str,
        made: dt.date,
        size: tuple[float, float] = (210.0, 297.0),
        families: Sequence[str] = ("sans",),
        foot: str = "",
        bare: Collection[int] = (),
        lang: str = "en",
    ) -> None:
        """Opens an empty document.

        Args:
            title: Title in the metadata.
            author: Author in the metadata.
            made: The fixed creation date.
            size: Page width and height in millimetres.
            families: Font families to load; the first is the default.
            foot: Bottom line; an empty one prints neither line nor page number.
            bare: Pages without the bottom line.
            lang: Language of the document.
        """
        super().__init__(unit="mm", format=size)
        for family in families:
            stem, *ends = _FILES[family]
            for style, end in zip(("", "B", "I", "BI"), ("", *ends), strict=True):
                self.add_font(family, style, FONTS / f"{stem}{end}.ttf")
        self.default = families[0] if families else ""
        self.foot = foot
        self.bare = bare
        self.set_title(title)
        self.set_author(author)
        self.set_lang(lang)
        self.set_creation_date(
            dt.datetime(made.year, made.month, made.day, 9, tzinfo=dt.timezone.utc)
        )
        self.set_auto_page_break(False)
        self.set_margin(0)
        self.c_margin = 0

    def footer(self) -> None:
        """Prints the bottom line and the page number."""
        if not self.foot or self.page_no() in self.bare:
            return
        y = self.h - 14
        self.hair(18, y - 2, self.w - 18)
        self.at(18, y, self.foot, 7.5, colour=GREY)
        self.at(18, y, str(self.page_no()), 8, "B", colour=TEAL, width=self.w - 36, align="R")

    def hair(self, x: float, y: float, to: float, colour: Colour = RULE, wide: float = 0.2) -> None:
        """Draws a thin horizontal line."""
        self.set_draw_color(*colour)
        self.set_line_width(wide)
        self.line(x, y, to, y)

    def block(
        self,
        x: float,
        y: float,
        w: float,
        h: float,
        fill: Colour | None = None,
        edge: Colour | None = None,
        radius: float = 0.0,
        wide: float = 0.25,
    ) -> None:
        """Draws a rectangle, filled, edged or both, with optional round corners."""
        if fill:
            self.set_fill_color(*fill)
        if edge:
            self.set_draw_color(*edge)
            self.set_line_width(wide)
        style = ("D" if edge else "") + ("F" if fill else "")
        if radius:
            self.rect(x, y, w, h, style=style, round_corners=True, corner_radius=radius)
        else:
            self.rect(x, y, w, h, style=style)

    def shape(self, points: Sequence[tuple[float, float]], fill: Colour) -> None:
        """Fills a polygon."""
        self.set_fill_color(*fill)
        self.polygon(list(points), style="F")

    def at(
        self,
        x: float,
        y: float,
        text: str,
        size: float = 10.0,
        style: str = "",
        colour: Colour = INK,
        width: float = 0.0,
        align: str = "L",
        family: str = "",
    ) -> None:
        """Writes one line of text whose box starts at (x, y)."""
        self.set_font(family or self.default, style, size)
        self.set_text_color(*colour)
        self.set_xy(x, y)
        self.cell(width or self.get_string_width(text) + 1, size * 0.45, text, align=align)

    def para(
        self,
        x: float,
        y: float,
        width: float,
        text: str,
        size: float = 10.0,
        style: str = "",
        colour: Colour = INK,
        align: str = "L",
        family: str = "",
        leading: float = 0.53,
    ) -> float:
        """Writes a wrapped paragraph.

        Returns:
            The y just below the paragraph.
        """
        self.set_font(family or self.default, style, size)
        self.set_text_color(*colour)
        self.set_xy(x, y)
        self.multi_cell(width, size * leading, " ".join(text.split()), align=align)
        return float(self.get_y())

    def grid(
        self,
        x: float,
        y: float,
        widths: Sequence[float],
        rows: Sequence[Sequence[str]],
        aligns: str,
        size: float = 8.5,
        height: float = 7.0,
        strong: Collection[int] = (),
        accent: Colour = DEEP,
        stripe: Colour = FOAM,
    ) -> float:
        """Draws a table whose first row is the heading.

        Args:
            x: Left edge.
            y: Top edge.
            widths: Column widths.
            rows: Cell texts, the heading first.
            aligns: One letter (L, C or R) for each column.
            size: Font size in points.
            height: Row height.
            strong: Indices of rows set in bold with a rule above.
            accent: Background of the heading.
            stripe: Background of every other row.

        Returns:
            The y just below the table.
        """
        total = sum(widths)
        for index, row in enumerate(rows):
            if index == 0:
                self.block(x, y, total, height, fill=accent)
            elif index in strong:
                self.hair(x, y, x + total, accent, 0.4)
            elif index % 2 == 0:
                self.block(x, y, total, height, fill=stripe)
            left = x
            style = "B" if index == 0 or index in strong else ""
            colour = WHITE if index == 0 else INK
            for text, width, align in zip(row, widths, aligns, strict=True):
                top = y + (height - size * 0.45) / 2
                self.at(left + 2, top, text, size, style, colour, width - 4, align)
                left += width
            y += height
        self.hair(x, y, x + total, accent, 0.4)
        return y

    def save(self, name: str) -> None:
        """Writes the document into the corpus folder."""
        self.output(str(CORPUS / name))


def euro(value: float) -> str:
    """Formats an amount with thousands separators and two decimals."""
    return f"{value:,.2f}"
