"""The filled-in mooring application."""

from __future__ import annotations

import datetime as dt

from pages import AMBER, CORAL, DEEP, FOAM, GREY, INK, TEAL, WHITE, Colour, Sheet

PEN: Colour = (28, 52, 122)


def _section(sheet: Sheet, y: float, letter: str, title: str) -> None:
    sheet.block(18, y, 174, 7.5, fill=DEEP)
    sheet.at(21, y + 1.8, letter, 9, "B", AMBER)
    sheet.at(28, y + 1.8, title, 9, "B", WHITE)


def _field(sheet: Sheet, x: float, y: float, w: float, name: str, value: str) -> None:
    sheet.block(x, y, w, 13, edge=GREY, wide=0.2)
    sheet.at(x + 1.8, y + 1.2, name, 6.5, "", GREY)
    sheet.at(x + 3, y + 5.8, value, 11, "I", PEN, family="serif")


def _tick(sheet: Sheet, x: float, y: float, name: str, ticked: bool) -> None:
    sheet.block(x, y, 4.6, 4.6, edge=INK, wide=0.3)
    if ticked:
        sheet.set_draw_color(*PEN)
        sheet.set_line_width(0.8)
        sheet.polyline([(x + 0.7, y + 2.4), (x + 2.0, y + 4.1), (x + 5.2, y - 0.8)])
    sheet.at(x + 7, y + 0.3, name, 9)


def _ticks(sheet: Sheet, y: float, title: str, options: tuple[tuple[str, bool], ...]) -> None:
    sheet.at(18, y + 0.5, title, 8, "B", TEAL)
    for i, (name, ticked) in enumerate(options):
        _tick(sheet, 54 + i * 46, y, name, ticked)


def _boat(sheet: Sheet) -> None:
    _section(sheet, 92, "B", "The vessel")
    _field(sheet, 18, 102, 84, "Name of vessel", "Puffin's Errand")
    _field(sheet, 104, 102, 44, "Type", "Gaff sloop")
    _field(sheet, 150, 102, 42, "Built", "1987")
    _field(sheet, 18, 117, 42, "Length over all", "9.4 m")
    _field(sheet, 62, 117, 40, "Beam", "3.1 m")
    _field(sheet, 104, 117, 44, "Draught", "1.6 m")
    _field(sheet, 150, 117, 42, "Sail number", "HD 317")
    _field(sheet, 18, 132, 84, "Insurer", "Northern Mutual Marine")
    _field(sheet, 104, 132, 88, "Policy number", "NM-660-2419")


def _office(sheet: Sheet) -> None:
    sheet.block(18, 244, 174, 36, fill=FOAM)
    sheet.at(22, 247, "FOR THE HARBOUR OFFICE", 7.5, "B", TEAL)
    facts = (
        ("Berth given", "P14, inside finger"),
        ("Season fee", "€ 846.00"),
        ("Paid on", "4 April 2025"),
    )
    for i, (name, value) in enumerate(facts):
        sheet.at(22, 255 + i * 7.5, name, 8.5, "", GREY)
        sheet.at(50, 254.4 + i * 7.5, value, 11, "I", PEN, family="serif")
    with sheet.rotation(7, 152, 262):
        sheet.block(124, 252, 56, 20, edge=CORAL, radius=3, wide=1.0)
        sheet.at(124, 255.5, "APPROVED", 15, "B", CORAL, 56, "C")
        sheet.at(124, 264, "2 APR 2025  ·  O. Brannoch", 8, "B", CORAL, 56, "C")


def build() -> None:
    """Writes the form."""
    sheet = Sheet(
        "Application for a seasonal mooring",
        "Port Haldry Harbour Office",
        dt.date(2025, 3, 27),
        families=("sans", "serif"),
    )
    sheet.add_page()
    sheet.at(18, 16, "Port Haldry Harbour Office", 9, "B", TEAL)
    sheet.at(18, 22, "Application for a seasonal mooring", 18, "B", DEEP)
    sheet.at(150, 16, "Form H-7, edition 2025", 8, "", GREY, 42, "R")
    sheet.at(18, 32, "Please write clearly and hand in before 1 April.", 9, "", GREY)
    sheet.hair(18, 39, 192, AMBER, 0.8)
    _section(sheet, 44, "A", "The applicant")
    _field(sheet, 18, 54, 84, "Full name", "Jonas Wetherell")
    _field(sheet, 104, 54, 88, "Telephone", "0562")
    _field(sheet, 18, 69, 130, "Address", "Net Loft, 9 Chapel Steps, Port Haldry")
    _field(sheet, 150, 69, 42, "Date of birth", "11 . 8 . 1969")
    _boat(sheet)
    _section(sheet, 152, "C", "What you need")
    _ticks(
        sheet,
        164,
        "Kind of berth",
        (("Swing mooring", False), ("Pontoon", True), ("Drying wall", False)),
    )
    _ticks(sheet, 173, "Services", (("Electricity", True), ("Fresh water", True), ("Crane", False)))
    _ticks(
        sheet,
        182,
        "Living aboard",
        (("Never", False), ("Weekends", True), ("All season", False)),
    )
    _field(sheet, 18, 191, 84, "From", "12 April 2025")
    _field(sheet, 104, 191, 88, "Until", "30 September 2025")
    _section(sheet, 209, "D", "In an emergency, and your signature")
    _field(sheet, 18, 219, 84, "Person to call", "Wren Wetherell (sister), 0588")
    sheet.block(104, 219, 88, 20, edge=GREY, wide=0.2)
    sheet.at(105.8, 220.2, "Date and signature", 6.5, "", GREY)
    sheet.at(108, 227, "27 March 2025", 10, "I", PEN, family="serif")
    sheet.at(142, 225.5, "J. Wetherell", 16, "I", PEN, family="serif")
    sheet.set_draw_color(*PEN)
    sheet.set_line_width(0.4)
    sheet.bezier([(142, 234), (156, 229), (166, 238), (186, 231)], closed=False, style="D")
    _office(sheet)
    sheet.at(18, 284, "Keep a copy. Lost forms are not read by the tide.", 7.5, "", GREY)
    sheet.save("mooring-application-form.pdf")
