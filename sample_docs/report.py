"""The annual report of the Haldry Island Cooperative."""

from __future__ import annotations

import datetime as dt
import math

from charts import bitmap_bars, lines, pie
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

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
PASSENGERS = (1840, 1910, 2630, 4120, 5480, 7350, 9260, 9870, 6040, 3590, 2080, 2430)
IMPORTS = (1480, 1390, 1310, 1120, 940, 760, 590)


def _waves(sheet: Sheet, top: float, colours: tuple[Colour, ...]) -> None:
    """Fills the lower part of the page with overlapping swells."""
    for row, colour in enumerate(colours):
        base = top + row * 22
        crest = [
            (x, base + 6 * math.sin(x / 27 + row * 1.7) + 2.5 * math.sin(x / 11 + row))
            for x in range(0, 211, 2)
        ]
        sheet.shape([(0, 297), *crest, (210, 297)], colour)


def _cover(sheet: Sheet) -> None:
    sheet.add_page()
    sheet.block(0, 0, 210, 297, fill=SAND)
    sheet.set_fill_color(*AMBER)
    sheet.circle(150, 150, 26, style="F")
    _waves(sheet, 158, ((150, 196, 196), (92, 160, 164), TEAL, (24, 92, 108), DEEP, (12, 42, 60)))
    sheet.at(20, 28, "HALDRY ISLAND COOPERATIVE", 11, "B", TEAL)
    sheet.hair(20, 36, 60, AMBER, 1.2)
    sheet.at(20, 46, "Annual Report", 40, "B", DEEP)
    sheet.at(20, 66, "2024", 40, "", DEEP)
    sheet.para(
        20, 90, 108, "The year the tide carried more of our load than the cable did.", 14, "I", INK
    )
    sheet.at(20, 272, "Low Quay, Port Haldry", 10, "", WHITE)
    sheet.at(20, 278, "Presented to members on 8 March 2025", 10, "", FOAM)


def _heading(sheet: Sheet, kicker: str, title: str) -> None:
    sheet.add_page()
    sheet.block(0, 0, 210, 6, fill=DEEP)
    sheet.at(18, 17, kicker.upper(), 8.5, "B", AMBER)
    sheet.at(18, 24, title, 22, "B", DEEP)


def _letter(sheet: Sheet) -> None:
    _heading(sheet, "From the chair", "A quieter engine room")
    y = 42.0
    for text in (
        """Dear members, on the second Sunday of February the diesel generator behind the fish
        hall was silent for a whole week, for the first time since it was bolted down in 1974.
        Nobody noticed. The kettles boiled, the school stayed warm, and the night ferry found her
        berth under the same yellow lamps. I cannot think of a better measure of a good year than
        a machine that nobody missed.""",
        """Our 612 islanders own this cooperative together, and 431 of them are now voting
        members. At the spring meeting you asked us for three things: a winter timetable that
        lets people visit the mainland hospital and come home the same day, an honest price for
        electricity, and a roof for the boat school. The first two are done. The third has
        walls.""",
        """The ferry Isla Tarrick had her gearbox rebuilt in October and was out of service for
        eleven days; the mail came on Bryn Aldous's crab boat, and nothing larger than a wardrobe
        was left behind. I thank the crew, and the wardrobe's owner, for their patience.""",
        """There was one sorrow. Old Ewan's fog bell at Cold Ness cracked on a cold morning in
        January and has gone to a foundry in three straw-packed pieces. The founder promises us
        the same note, or our money back. Children have been practising it on saucepans ever
        since.""",
    ):
        y = sheet.para(18, y, 174, text, 10.5) + 4
    sheet.at(18, y + 2, "Maren Aldous", 12, "BI", TEAL, family="sans")
    sheet.at(18, y + 9, "Chair of the board", 9, "", GREY)
    top = 190
    sheet.at(18, top - 12, "The year in six numbers", 13, "B", DEEP)
    facts = (
        ("56,600", "ferry passengers"),
        ("98.4 %", "sailings on schedule"),
        ("5,360 MWh", "electricity supplied"),
        ("43", "people employed"),
        ("1,275", "visiting yachts"),
        ("17", "babies and newcomers"),
    )
    for i, (number, words) in enumerate(facts):
        x = 18 + (i % 3) * 59.5
        y = top + (i // 3) * 34
        sheet.block(x, y, 55, 29, fill=FOAM, radius=2)
        sheet.at(x + 5, y + 6, number, 18, "B", TEAL)
        sheet.at(x + 5, y + 18, words, 9, "", INK)


def _ferry(sheet: Sheet) -> None:
    _heading(sheet, "Crossing the sound", "The ferry")
    chart = bitmap_bars(
        MONTHS,
        PASSENGERS,
        "Passengers carried by the Isla Tarrick, 2024",
        "passengers",
        (7.2, 3.7),
        strong=7,
    )
    sheet.image(chart, 18, 40, 174)
    y = 138.0
    for text in (
        """The summer was long and the queue for ice cream longer. High season now begins in June
        rather than July, chiefly because the mainland schools moved their field weeks forward.
        We answered with a fifth daily sailing from 1 June to 15 September, and kept two seats on
        each crossing for islanders who turn up without a booking.""",
        """The new same-day hospital sailing leaves Low Quay at 06:50 on Tuesdays and Thursdays
        and returns at 18:15. It carried 1,104 people in its first ten months. No one has asked
        us to make it profitable, and it is not; the community fund covers the difference.""",
    ):
        y = sheet.para(18, y, 174, text, 10.5) + 4
    sheet.at(18, y + 3, "Fares for a single crossing", 13, "B", DEEP)
    rows = (
        ("Passenger", "Islander", "Visitor"),
        ("Adult", "€ 3.00", "€ 9.50"),
        ("Child under 14", "free", "€ 4.00"),
        ("Bicycle", "€ 1.00", "€ 3.00"),
        ("Car with driver", "€ 14.00", "€ 38.00"),
        ("Sheep, each", "€ 0.80", "€ 2.20"),
    )
    sheet.grid(18, y + 12, (90, 42, 42), rows, "LRR", 9)


def _power(sheet: Sheet) -> None:
    _heading(sheet, "Light and heat", "Where our power came from")
    sheet.para(
        18,
        40,
        174,
        """The second turbine in Haldry Narrows was lowered on 19 May, a calm day with an
        audience of seals. Together the pair now make almost half of everything we use. The
        diesel set ran for 211 hours, mostly during the February cable repair and the still,
        foggy week after Easter.""",
        10.5,
    )
    sheet.at(18, 70, "Electricity supplied in 2024, by source", 12, "B", DEEP)
    parts = (
        ("Tidal turbines", 46, TEAL),
        ("Wind", 31, DEEP),
        ("Mainland cable", 11, AMBER),
        ("Solar roofs", 9, MOSS),
        ("Diesel reserve", 3, CORAL),
    )
    pie(sheet, (105, 120), 32, parts, start=math.pi + 0.42)
    sheet.at(18, 168, "Electricity bought through the mainland cable (MWh)", 12, "B", DEEP)
    years = tuple(str(year) for year in range(2018, 2025))
    lines(sheet, (32, 184, 158, 62), years, {"": (IMPORTS, CORAL)}, 1600, 400)
    sheet.para(
        18,
        260,
        174,
        """If the third turbine is approved, we expect to sell more through the cable than we buy
        by 2027.""",
        10,
        "I",
        GREY,
    )


def _accounts(sheet: Sheet) -> None:
    _heading(sheet, "Money", "Accounts in brief")
    sheet.at(18, 40, "Amounts in thousand euros", 9, "I", GREY)
    income = (
        ("Income", "2024", "2023"),
        ("Ferry fares and freight", "1,284", "1,176"),
        ("Electricity sales", "966", "914"),
        ("Harbour dues and moorings", "312", "287"),
        ("Museum and visitor centre", "148", "121"),
        ("Grants", "205", "340"),
        ("Total income", "2,915", "2,838"),
    )
    y = sheet.grid(18, 48, (110, 32, 32), income, "LRR", 9.5, 8, strong=(6,))
    spending = (
        ("Spending", "2024", "2023"),
        ("Wages and pensions", "1,118", "1,049"),
        ("Fuel and maintenance", "742", "861"),
        ("Turbine loan", "388", "254"),
        ("Harbour works", "296", "310"),
        ("Administration and insurance", "131", "128"),
        ("Community fund", "84", "60"),
        ("Total spending", "2,759", "2,662"),
        ("Surplus for the year", "156", "176"),
    )
    y = sheet.grid(18, y + 8, (110, 32, 32), spending, "LRR", 9.5, 8, strong=(7, 8), accent=TEAL)
    for text in (
        """Fuel costs fell because the ferry now charges her batteries overnight at the quay.
        Grants fell because the turbine subsidy came to its planned end. The board proposes to
        put 100 of the surplus into the slipway reserve and to carry the rest forward.""",
        """The accounts were examined by Fenwick & Lowe, who found one unexplained bicycle in the
        inventory and nothing else to remark upon.""",
    ):
        y = sheet.para(18, y + 7, 174, text, 10.5)


def _plans(sheet: Sheet) -> None:
    _heading(sheet, "Ahead", "What we will do in 2025")
    plans = (
        (
            "April",
            "Slipway",
            "Relay the granite on the upper slipway; boats launch from the beach.",
        ),
        ("June", "Boat school", "Roof on, first class of nine pupils, teacher Edda Corran."),
        (
            "July",
            "Kelp shed",
            "Drying shed for the Nettle Bay growers, let at cost for five years.",
        ),
        ("September", "Third turbine", "Members vote on a third turbine in Haldry Narrows."),
        ("November", "Fog bell", "Return the restored bell to Cold Ness, and ring it once."),
    )
    sheet.set_draw_color(*TEAL)
    sheet.set_line_width(0.8)
    sheet.line(24, 48, 24, 158)
    for i, (month, name, words) in enumerate(plans):
        y = 46 + i * 26
        sheet.set_fill_color(*AMBER)
        sheet.circle(24, y + 3, 2.6, style="F")
        sheet.at(34, y, month.upper(), 8, "B", GREY)
        sheet.at(34, y + 5, name, 13, "B", DEEP)
        sheet.para(34, y + 12.5, 150, words, 10)
    sheet.at(18, 186, "The board", 13, "B", DEEP)
    rows = (
        ("Name", "Office", "Elected until"),
        ("Maren Aldous", "Chair", "2026"),
        ("Tomas Quill", "Treasurer", "2027"),
        ("Edda Corran", "Secretary", "2025"),
        ("Oskar Brannoch", "Harbour and ferry", "2026"),
        ("Ilse Varr", "Power", "2027"),
    )
    sheet.grid(18, 195, (70, 62, 42), rows, "LLR", 9.5)


def build() -> None:
    """Writes the annual report."""
    sheet = Sheet(
        "Annual Report 2024",
        "Haldry Island Cooperative",
        dt.date(2025, 3, 8),
        foot="Haldry Island Cooperative  ·  Annual Report 2024",
        bare=(1,),
    )
    for page in (_cover, _letter, _ferry, _power, _accounts, _plans):
        page(sheet)
    sheet.save("haldry-annual-report-2024.pdf")
