"""The ship chandler's invoice."""

from __future__ import annotations

import datetime as dt

from pages import AMBER, DEEP, FOAM, GREY, INK, SAND, TEAL, WHITE, Sheet, euro

ITEMS = (
    ("BD-1042", "Galvanised bow shackle, 16 mm", 24, 6.80),
    ("BD-2210", "Three-strand nylon rope, 20 mm, per metre", 180, 3.45),
    ("BD-3307", "Mooring buoy, orange, 40 cm", 6, 58.50),
    ("BD-0915", "Zinc anode, 1.2 kg", 10, 14.90),
    ("BD-4120", "Stainless thimble, 20 mm", 12, 4.25),
    ("BD-5518", "Solar marker lantern, amber, 2 nautical miles", 4, 112.00),
    ("BD-7001", "Waterproof logbook, A5, squared", 8, 7.60),
    ("BD-9000", "Delivery by boat to Cold Ness landing", 1, 35.00),
)


def _head(sheet: Sheet) -> None:
    sheet.block(0, 0, 210, 46, fill=DEEP)
    sheet.set_draw_color(*AMBER)
    sheet.set_line_width(1.1)
    sheet.circle(31, 23, 10)
    sheet.line(31, 15, 31, 30)
    sheet.line(26, 19, 36, 19)
    sheet.arc(23.5, 15, 15, 30, 150, b=15)
    sheet.at(48, 14, "Brannoch & Daughters", 21, "B", WHITE)
    sheet.at(48, 26, "Ship chandlers since 1902", 10, "I", FOAM)
    for i, line in enumerate(
        ("3 Low Quay", "Port Haldry", "Telephone 0417", "VAT no. HD 2204 718")
    ):
        sheet.at(130, 12 + i * 5.5, line, 9, "", FOAM, 62, "R")


def _parties(sheet: Sheet) -> None:
    sheet.at(18, 58, "INVOICE", 20, "B", DEEP)
    sheet.at(18, 73, "Billed to", 8, "B", TEAL)
    address = (
        "Cold Ness Tide Observatory",
        "Ilse Varr, stores",
        "Lighthouse Road",
        "Cold Ness, Isle of Haldry",
    )
    for i, line in enumerate(address):
        sheet.at(18, 78 + i * 5.5, line, 10, "B" if i == 0 else "")
    facts = (
        ("Invoice number", "2025-0417"),
        ("Invoice date", "14 March 2025"),
        ("Your order", "CN-88 of 3 March"),
        ("Payment due", "13 April 2025"),
    )
    sheet.block(118, 56, 74, 44, fill=SAND, radius=2)
    for i, (name, value) in enumerate(facts):
        sheet.at(123, 62 + i * 9, name, 9, "", GREY)
        sheet.at(150, 62 + i * 9, value, 9.5, "B", INK, 37, "R")


def build() -> None:
    """Writes the invoice; every sum is computed from the items."""
    sheet = Sheet("Invoice 2025-0417", "Brannoch & Daughters", dt.date(2025, 3, 14))
    sheet.add_page()
    _head(sheet)
    _parties(sheet)
    rows = [("Part no.", "Description", "Qty", "Unit €", "Amount €")]
    net = 0.0
    for part, words, count, price in ITEMS:
        net += count * price
        rows.append((part, words, str(count), euro(price), euro(count * price)))
    y = sheet.grid(18, 112, (24, 84, 16, 22, 28), rows, "LLRRR", 9, 9)
    vat = net * 0.2
    for name, value in (("Net amount", net), ("VAT 20 %", vat)):
        y += 7
        sheet.at(118, y - 2, name, 9.5, "", GREY)
        sheet.at(152, y - 2, euro(value), 9.5, "", INK, 38, "R")
    sheet.block(113, y + 5, 79, 13, fill=DEEP, radius=2)
    sheet.at(118, y + 9, "Total to pay", 11, "B", WHITE)
    sheet.at(148, y + 8.6, f"€ {euro(net + vat)}", 13, "B", WHITE, 39, "R")
    sheet.at(18, 236, "How to pay", 11, "B", DEEP)
    sheet.hair(18, 243, 192, AMBER, 0.5)
    pay = (
        ("Bank", "Haldry Savings Bank, Port Haldry"),
        ("Account", "HD47 BRAN 0031 4159 2653 58"),
        ("Reference", "2025-0417"),
    )
    for i, (label, entry) in enumerate(pay):
        sheet.at(18, 247 + i * 6, label, 9, "", GREY)
        sheet.at(44, 247 + i * 6, entry, 9.5, "B", family="sans")
    sheet.para(
        122,
        247,
        70,
        """Two per cent discount if paid within eight days. Unused rope may be returned dry, coiled
        and without seaweed until the end of May.""",
        8.5,
        "I",
        GREY,
    )
    sheet.at(18, 281, "Goods remain ours until paid. Fair winds.", 8, "", GREY, 174, "C")
    sheet.save("invoice-brannoch-chandlers.pdf")
