"""The slide deck of the kelp growers."""

from __future__ import annotations

import datetime as dt
import math

from charts import bitmap_bars, pie
from pages import (
    AMBER,
    CORAL,
    DEEP,
    FOAM,
    GREY,
    INK,
    MOSS,
    SAND,
    TEAL,
    WHITE,
    Colour,
    Sheet,
)

WIDE, HIGH = 320.0, 180.0


def _frond(sheet: Sheet, x: float, top: float, length: float, colour: Colour) -> None:
    """Draws one hanging blade of kelp."""
    left, right = [], []
    for i in range(41):
        t = i / 40
        sway = 3.5 * math.sin(t * 7 + x) * t
        half = 2.6 * math.sin(math.pi * min(1.0, t * 0.92 + 0.08)) * (1 + 0.14 * math.sin(t * 34))
        left.append((x + sway - half, top + length * t))
        right.append((x + sway + half, top + length * t))
    sheet.shape([*left, *reversed(right)], colour)


def _title(sheet: Sheet) -> None:
    sheet.add_page()
    sheet.block(0, 0, WIDE, HIGH, fill=DEEP)
    for i in range(23):
        shade = (42 + (i * 13) % 34, 96 + (i * 29) % 44, 84)
        _frond(sheet, 172 + i * 6.6, 0, 64 + (i * 37) % 76, shade)
    sheet.at(24, 52, "Nettle Bay Kelp", 44, "B", WHITE)
    sheet.at(24, 76, "A farm that hangs from ropes", 22, "", FOAM)
    sheet.hair(24, 92, 70, AMBER, 1.4)
    sheet.at(24, 148, "Edda Corran and Jory Pell, growers", 14, "", FOAM)
    sheet.at(24, 157, "Investors' evening, Port Haldry, 6 February 2025", 14, "", FOAM)


def _slide(sheet: Sheet, headline: str) -> None:
    sheet.add_page()
    sheet.block(0, 0, 8, HIGH, fill=TEAL)
    sheet.at(24, 18, headline, 30, "B", DEEP)
    sheet.at(24, 168, "Nettle Bay Kelp", 9, "", GREY)
    sheet.at(280, 168, str(sheet.page_no()), 10, "B", TEAL, 20, "R")


def _winter(sheet: Sheet) -> None:
    _slide(sheet, "In winter, the harbour sleeps")
    facts = (
        ("31", "of 38 fishing boats stay tied up\nfrom November to March", TEAL),
        ("9 °C", "average sea water in January:\nperfect for sugar kelp", DEEP),
        ("0 kg", "of feed, fertiliser or fresh water\nneeded by the crop", MOSS),
    )
    for i, (number, words, colour) in enumerate(facts):
        x = 24 + i * 94
        sheet.block(x, 52, 86, 76, fill=colour, radius=4)
        sheet.at(x + 8, 64, number, 44, "B", WHITE)
        for j, line in enumerate(words.split("\n")):
            sheet.at(x + 8, 98 + j * 8, line, 12, "", WHITE)
    sheet.at(24, 142, "We plant when the nets come in, and cut before the tourists come.", 17, "I")


def _how(sheet: Sheet) -> None:
    _slide(sheet, "How a longline works")
    sheet.block(24, 62, 272, 84, fill=(208, 230, 234))
    sheet.block(24, 62, 272, 1.2, fill=TEAL)
    bed = [(24.0 + i * 4, 142 + 1.8 * math.sin(i * 0.7)) for i in range(69)]
    sheet.shape([(24, 156), *bed, (296, 156)], (176, 150, 112))
    sheet.set_draw_color(*INK)
    sheet.set_line_width(0.8)
    sheet.line(76, 76, 232, 76)
    sheet.line(76, 76, 46, 142)
    sheet.line(232, 76, 262, 142)
    for x in (46, 262):
        sheet.block(x - 6, 138, 12, 9, fill=INK, radius=1)
    for x in (76, 128, 180, 232):
        sheet.set_line_width(0.5)
        sheet.line(x, 62, x, 76)
        sheet.set_fill_color(*AMBER)
        sheet.circle(x, 61, 4, style="F")
    for i in range(18):
        _frond(sheet, 82 + i * 8.6, 76, 36 + (i * 17) % 14, MOSS)
    labels: tuple[tuple[float, float, str, float, float, float, float], ...] = (
        (84, 46, "Marker buoys every 25 m", 106, 52, 127, 58),
        (214, 46, "Main rope, 2 m below the surface", 250, 52, 218, 75),
        (246, 94, "Mooring chain", 259, 100, 249, 112),
        (27, 100, "1.5 t granite", 38, 106, 44, 137),
        (126, 130, "Blades grow to 2.5 m by April", 150, 129, 152, 118),
    )
    for left, top, text, x1, y1, x2, y2 in labels:
        sheet.set_draw_color(*GREY)
        sheet.set_line_width(0.35)
        sheet.line(x1, y1, x2, y2)
        sheet.at(left, top, text, 12, "B", DEEP)


def _harvest(sheet: Sheet) -> None:
    _slide(sheet, "Every harvest beat the last")
    chart = bitmap_bars(
        ("2020", "2021", "2022", "2023", "2024"),
        (3, 8, 14, 23, 37),
        "Wet kelp landed at Nettle Bay",
        "tonnes",
        (6.6, 3.9),
        strong=4,
    )
    sheet.image(chart, 22, 42, 196)
    sheet.block(228, 50, 72, 100, fill=SAND, radius=3)
    sheet.at(235, 58, "Why it grew", 15, "B", DEEP)
    notes = (
        "Two new lines each autumn",
        "Seed twine from our own hatchery since 2022",
        "No storm loss after we doubled the anchors",
    )
    y = 72.0
    for note in notes:
        sheet.set_fill_color(*AMBER)
        sheet.circle(237, y + 3, 1.3, style="F")
        y = sheet.para(242, y, 54, note, 12) + 6


def _buyers(sheet: Sheet) -> None:
    _slide(sheet, "Who buys it")
    parts = (
        ("Food makers", 44, TEAL),
        ("Garden soil improver", 27, MOSS),
        ("Soap and cosmetics", 18, AMBER),
        ("Research", 11, CORAL),
    )
    pie(sheet, (108, 100), 42, parts, hole=0.55, size=12)
    sheet.at(83, 94, "37 t", 22, "B", DEEP, 50, "C")
    sheet.at(83, 104, "in 2024", 11, "", GREY, 50, "C")
    rows = (
        ("Product", "Price per kg"),
        ("Fresh blades", "€ 1.20"),
        ("Dried flakes", "€ 18.00"),
        ("Seasoning salt", "€ 26.50"),
        ("Soil meal", "€ 2.80"),
    )
    sheet.grid(204, 70, (54, 40), rows, "LR", 12, 11)


def _ask(sheet: Sheet) -> None:
    _slide(sheet, "We ask for 180,000 euros")
    parts = (
        ("Drying shed and dehumidifier", 82, TEAL),
        ("Six more longlines", 54, DEEP),
        ("Second-hand workboat", 32, MOSS),
        ("Reserve", 12, AMBER),
    )
    x = 24.0
    for _, value, colour in parts:
        wide = 272 * value / 180
        sheet.block(x, 46, wide, 20, fill=colour)
        sheet.at(x, 53, f"{value}", 16, "B", WHITE, wide, "C")
        x += wide
    for i, (name, value, colour) in enumerate(parts):
        y = 76 + i * 11
        sheet.block(24, y, 6, 6, fill=colour)
        sheet.at(34, y - 0.2, name, 14)
        sheet.at(118, y - 0.2, f"€ {value},000", 14, "B", INK, 34, "R")
    sheet.block(176, 76, 120, 50, fill=FOAM, radius=4)
    sheet.at(184, 82, "In return", 15, "B", DEEP)
    sheet.para(
        184,
        92,
        106,
        """5 per cent interest for seven years, the first payment in October 2026, and a jar of
        seasoning salt at midwinter.""",
        13,
    )
    sheet.at(24, 146, "Next step: come out on the boat, Saturday at ten, Nettle Bay slip.", 15, "I")


def build() -> None:
    """Writes the deck."""
    sheet = Sheet(
        "Nettle Bay Kelp", "Edda Corran and Jory Pell", dt.date(2025, 2, 6), size=(WIDE, HIGH)
    )
    for page in (_title, _winter, _how, _harvest, _buyers, _ask):
        page(sheet)
    sheet.save("kelp-farm-slides.pdf")
