"""The observatory's yearly electricity statement: three pages of tables."""

from __future__ import annotations

import datetime as dt

from charts import bars
from pages import AMBER, DEEP, FOAM, GREY, INK, SAND, TEAL, WHITE, Sheet, euro
from report import MONTHS

DAY = (612, 574, 541, 488, 430, 402, 397, 421, 455, 520, 583, 640)
NIGHT = (388, 371, 366, 340, 322, 351, 368, 359, 344, 352, 377, 401)
SOLD = (14, 31, 78, 126, 171, 188, 182, 149, 97, 52, 19, 9)
DAY_RATE, NIGHT_RATE, SOLD_RATE, STANDING = 0.214, 0.126, 0.085, 11.40
PAID = 158.00


def _costs() -> list[float]:
    """Net cost of each month, the standing charge included."""
    return [
        round(d * DAY_RATE + n * NIGHT_RATE - s * SOLD_RATE + STANDING, 2)
        for d, n, s in zip(DAY, NIGHT, SOLD, strict=True)
    ]


def _head(sheet: Sheet, title: str) -> None:
    sheet.add_page()
    sheet.block(0, 0, 210, 26, fill=TEAL)
    sheet.at(18, 9, "Haldry Tidal Power", 16, "B", WHITE)
    sheet.at(100, 7.5, "Customer 30-0117  ·  Meter T 58-204", 9, "", FOAM, 92, "R")
    sheet.at(100, 13.5, "1 January to 31 December 2024", 9, "", FOAM, 92, "R")
    sheet.at(18, 36, title, 18, "B", DEEP)


def _summary(sheet: Sheet) -> None:
    _head(sheet, "Electricity statement")
    for i, line in enumerate(("Cold Ness Tide Observatory", "Lighthouse Road", "Isle of Haldry")):
        sheet.at(18, 50 + i * 5.5, line, 10)
    gross = sum(_costs())
    vat = gross * 0.05
    paid = PAID * 12
    balance = gross + vat - paid
    sheet.block(112, 48, 80, 30, fill=SAND, radius=2)
    sheet.at(118, 53, "Balance to pay", 10, "", GREY)
    sheet.at(118, 60, f"€ {euro(balance)}", 20, "B", DEEP)
    sheet.at(118, 71, "by direct debit on 31 January 2025", 8, "", GREY)
    rows = (
        ("Your year", "Quantity", "Amount €"),
        ("Day units", f"{sum(DAY):,} kWh", euro(sum(DAY) * DAY_RATE)),
        ("Night units", f"{sum(NIGHT):,} kWh", euro(sum(NIGHT) * NIGHT_RATE)),
        ("Solar units sold back", f"{sum(SOLD):,} kWh", f"-{euro(sum(SOLD) * SOLD_RATE)}"),
        ("Standing charge", "12 months", euro(12 * STANDING)),
        ("Sum before VAT", "", euro(gross)),
        ("VAT 5 %", "", euro(vat)),
        ("Paid in instalments", f"12 × {euro(PAID)}", f"-{euro(paid)}"),
        ("Balance to pay", "", euro(balance)),
    )
    y = sheet.grid(18, 90, (90, 42, 42), rows, "LRR", 9.5, 8, strong=(5, 8))
    sheet.at(18, y + 12, "Units used in each month (kWh, day and night together)", 11, "B", DEEP)
    used = [d + n for d, n in zip(DAY, NIGHT, strict=True)]
    bars(sheet, (18, y + 22, 174, 62), MONTHS, used, TEAL, 8)
    sheet.para(
        18,
        y + 96,
        174,
        """Your consumption fell by 4 per cent against 2023. The fog signal is metered separately
        and is paid for by the Commissioners of Northern Harbours.""",
        9.5,
        "I",
        GREY,
    )


def _months(sheet: Sheet) -> None:
    _head(sheet, "Month by month")
    rows = [("Month", "Reading", "Day kWh", "Night kWh", "Sold kWh", "Cost €")]
    reading = 48_210
    for month, d, n, s, cost in zip(MONTHS, DAY, NIGHT, SOLD, _costs(), strict=True):
        reading += d + n
        rows.append((f"{month} 2024", f"{reading:,}", str(d), str(n), str(s), euro(cost)))
    total = (f"{sum(DAY):,}", f"{sum(NIGHT):,}", f"{sum(SOLD):,}", euro(sum(_costs())))
    rows.append(("Year", "", *total))
    y = sheet.grid(18, 50, (34, 30, 27, 27, 27, 29), rows, "LRRRRR", 9.5, 8.5, strong=(13,))
    sheet.para(
        18,
        y + 5,
        174,
        """Readings are taken on the last day of the month by the meter itself. The reading of
        June was estimated, because a gull had nested on the transmitter, and corrected in
        July.""",
        9,
        "I",
        GREY,
    )
    sheet.at(18, y + 24, "Interruptions of supply", 13, "B", DEEP)
    cuts = (
        ("Date", "From", "Until", "Reason"),
        ("11 February", "02:14", "05:50", "Cable fault in the sound, diesel started late"),
        ("19 May", "10:00", "11:30", "Second turbine connected, announced"),
        ("7 August", "16:42", "16:58", "Lightning at Tern Moor substation"),
        ("23 November", "21:05", "23:40", "Tree across the line at Mill Burn"),
    )
    sheet.grid(18, y + 33, (34, 22, 22, 96), cuts, "LRRL", 9, 8, accent=TEAL)


def _tariffs(sheet: Sheet) -> None:
    _head(sheet, "Tariffs and payments")
    rows = (
        ("Tariff", "Day ct/kWh", "Night ct/kWh", "Sold ct/kWh", "Standing €/month"),
        ("Home", "22.8", "13.9", "8.5", "7.20"),
        ("Workshop", "21.4", "12.6", "8.5", "11.40"),
        ("Harbour", "19.7", "11.8", "7.9", "26.00"),
        ("Boat charging", "17.5", "9.9", "none", "4.50"),
    )
    y = sheet.grid(18, 50, (42, 30, 32, 32, 38), rows, "LRRRR", 9.5, 8.5)
    sheet.para(
        18,
        y + 4,
        174,
        """You are on the Workshop tariff. Night runs from 22:30 to 06:30. Prices hold until 30
        June 2025.""",
        9.5,
    )
    sheet.at(18, y + 22, "Instalments received", 13, "B", DEEP)
    paid = [("No.", "Booked on", "Method", "Amount €", "Running total €")]
    for i, month in enumerate(MONTHS, start=1):
        day = 6 if i in (1, 9) else 4 if i in (2, 5, 8, 11) else 5
        method = "Cash at the counter" if i == 8 else "Direct debit"
        paid.append((str(i), f"{day} {month} 2024", method, euro(PAID), euro(PAID * i)))
    y = sheet.grid(
        18, y + 31, (16, 40, 54, 28, 36), paid, "RLLRR", 9, 7.5, accent=TEAL, stripe=SAND
    )
    sheet.block(18, y + 10, 174, 26, fill=FOAM, radius=2)
    sheet.block(18, y + 10, 2.2, 26, fill=AMBER)
    sheet.para(
        26,
        y + 14,
        160,
        """From February 2025 your monthly instalment will be € 165.00. Questions are answered at
        the counter in the old ice house on weekdays from 9 to 12, or by telephone on 0440; for
        faults at any hour call 0444.""",
        9.5,
        colour=INK,
    )


def build() -> None:
    """Writes the statement."""
    sheet = Sheet(
        "Electricity statement 2024",
        "Haldry Tidal Power",
        dt.date(2025, 1, 10),
        foot="Haldry Tidal Power  ·  Statement 30-0117 / 2024",
    )
    for page in (_summary, _months, _tariffs):
        page(sheet)
    sheet.save("electricity-statement-2024.pdf")
