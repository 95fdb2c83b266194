"""Paragraphs for generated pages, each with a question that it answers.

Every paragraph is about a few of WordNet's things, companies and places with invented names, and
figures; no two are alike. Headings, sentences, definitions and rows of tables are mixed as on the
pages of reports, manuals and price lists. The same number always gives the same paragraph.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache

from retrieval.encoders.wordnet import read_table


def _split(words: str) -> tuple[str, ...]:
    return tuple(words.split())


# What a paragraph tells: a statement, and a question that it answers.
FACTS = (
    (
        "In {year}, {company} of {place} reported revenue of {amount} million euros from {thing}, "
        "{percent} % more than the year before.",
        "How much did {company} earn with {thing} in {year}?",
    ),
    (
        "The {place} office inspected {count} samples of {thing} and rejected {few} because of "
        "{fault}.",
        "Why were samples of {thing} rejected in {place}?",
    ),
    (
        "Deliveries of {thing} to {place} were delayed by {few} days after {fault} at the depot "
        "of {company}.",
        "What delayed the {thing} that {company} sent to {place}?",
    ),
    (
        "According to {person}, head of {department} at {company}, the {thing} was replaced with "
        "a {other} in {month} {year}.",
        "Who said that {company} replaced the {thing} with a {other}?",
    ),
    (
        "Before cleaning the {thing}, disconnect the {part}, wait {few} minutes and check the "
        "{other} for {fault}.",
        "How long must I wait before cleaning the {thing}?",
    ),
    (
        "The contract between {company} and {second} covers {count} units of {thing} at a price "
        "of {amount} pounds each, payable within {few} weeks.",
        "What does {second} pay {company} for each {thing}?",
    ),
    (
        "Visitors to {place} in {month} can see the {thing} beside the {other}; tickets cost "
        "{few} euros and the tour takes {percent} minutes.",
        "How much is a ticket to see the {thing} in {place}?",
    ),
    (
        "A study by {person} ({year}) found that the {thing} in {place} had declined by {percent} "
        "percent, mainly through {fault}.",
        "By how much has the {thing} declined in {place}?",
    ),
    (
        "The committee approved {amount} thousand francs for the {thing} programme and asked "
        "{department} to report on {fault} by {month} {year}.",
        "What budget did the committee approve for the {thing}?",
    ),
    (
        "Warning: {fault} may damage the {thing}. Contact {company} service in {place} and quote "
        "part number {code}.",
        "What is the part number of the {thing} of {company}?",
    ),
    (
        "{person} joined {company} in {year} as director of {department}, having led the {thing} "
        "business of {second} for {few} years.",
        "Which company did {person} join as director of {department}?",
    ),
    (
        "Between {month} and December, the temperature of the {thing} store in {place} rose to "
        "{percent} degrees, which {person} attributed to {fault}.",
        "What made the {thing} store in {place} so warm?",
    ),
    (
        "Insurance claim {code}: {fault} destroyed {count} crates of {thing} in the warehouse of "
        "{company}; the loss is put at {amount} thousand dollars.",
        "How large was the loss of {thing} in claim {code}?",
    ),
    (
        "Mix {few} parts of {thing} with {percent} grams of {other}, leave it until {month} and "
        "store it away from {fault}.",
        "How many grams of {other} go with the {thing}?",
    ),
)
HEADINGS = (
    "{number}. {thing} in {place}",
    "Annual report {year}: {thing}",
    "{company}: {department}",
    "Appendix {few}: {thing} and {other}",
    "{month} {year}, minutes of the {department} meeting",
    "Maintenance of the {thing}",
    "Notes on {place}",
    "",
)
TABLE_ROWS = (
    "{thing} {code} {count} {amount} {percent} %",
    "{place} {year} {count} {amount}",
    "{month} {year} {thing} {amount} EUR",
    "{person} {department} {place} {code}",
)
PARTS = ("filter", "pump", "cable", "housing", "bearing", "valve", "sensor", "belt", "lamp", "seal")
DEPARTMENTS = _split(
    "procurement accounting logistics research marketing maintenance compliance training quality "
    "exports payroll safety planning archives catering forestry"
)
FAULTS = (
    "corrosion",
    "a power failure",
    "missing labels",
    "frost",
    "a software error",
    "leaking seals",
    "strikes at the port",
    "wrong customs papers",
    "mould",
    "a broken axle",
    "vibration",
    "flooding",
    "overheating",
    "poor lighting",
    "drought",
    "a fire in the roof",
    "overfishing",
    "theft",
    "dust",
    "direct sunlight",
)
MONTHS = _split(
    "January February March April May June July August September October November December"
)
PLACES = _split(
    "Aarhus Aberdeen Adelaide Alicante Almaty Antwerp Arequipa Auckland Baku Bamako Bari Basel "
    "Bergen Bilbao Bologna Bombay Bremen Bristol Brno Bruges Calgary Cardiff Cebu Cork Cusco "
    "Dakar Davos Delft Denver Dover Dresden Durban Exeter Galway Gdansk Geneva Ghent Graz Haifa "
    "Halifax Hanoi Havana Hobart Innsbruck Izmir Jaipur Kobe Kyoto Lagos Leeds Leiden Lima Linz "
    "Lisbon Lund Lyon Madras Malmo Marseille Medellin Memphis Milan Mombasa Nagoya Nairobi Nantes "
    "Naples Odessa Oporto Osaka Oslo Ottawa Oxford Padua Perth Pisa Plymouth Poznan Quebec Quito "
    "Riga Rosario Rostock Rotterdam Salvador Salzburg Seville Sofia Split Stavanger Tampere "
    "Tangier Trieste Tromso Turin Uppsala Utrecht Valencia Verona Vienna Vilnius Warsaw York Zagreb"
)
FIRST_NAMES = _split("Ada Bruno Clara Daniel Edith Frank Greta Hugo Irene Jonas Laura Martin Nora")
SURNAMES = _split(
    "Adler Baker Becker Bennett Carter Castro Clarke Costa Dixon Duval Fischer Fletcher Foster "
    "Garcia Hansen Harper Hoffman Hughes Jansen Keller Kim Kumar Lambert Larsen Lopez Marino Meyer "
    "Moreau Murphy Novak Olsen Palmer Patel Pereira Reed Rossi Sato Schmidt Silva Singh Stone "
    "Tanaka Taylor Turner Vogel Wagner Walsh Weber Young"
)
COMPANY_STARTS = _split(
    "Northern Blue Royal Atlas Crown Delta Summit Harbour Silver Eagle Pioneer Granite United "
    "Golden Coastal Falcon Iron Amber Meridian Prairie Union Orient Castle Beacon River"
)
COMPANY_ENDS = _split(
    "Shipping Instruments Foods Energy Textiles Optics Mills Holdings Chemicals Logistics Timber "
    "Brewery Electric Airways Insurance Paper Steel Motors Press Pharma Dairy Mining Glass"
)
LETTERS = "ABCDEFGHKLMN"
SHARE_OF_TABLES = 0.25


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Words of one paragraph, and a question about it."""

    text: str
    question: str


def write_paragraph(number: int, n_words: int = 110) -> Paragraph:
    """The paragraph of this number, of `n_words` words or a few more."""
    chance = random.Random(number)
    slots = _draw_names(chance, number)
    parts = [chance.choice(HEADINGS).format_map(slots)]
    facts = chance.sample(FACTS, len(FACTS))
    rows = chance.random() < SHARE_OF_TABLES
    question = facts[0][1].format_map(slots)
    parts.append(facts[0][0].format_map(slots))
    parts.append(f"{slots['thing'].capitalize()}: {slots['definition']}.")
    for fact, _ in facts[1:]:
        if sum(len(part.split()) for part in parts) >= n_words:
            break
        # Other names, the same subject: what makes the pages of one document alike.
        others = _draw_names(chance, number) | {"thing": slots["thing"]}
        if rows:
            parts += [row.format_map(others) for row in chance.sample(TABLE_ROWS, 2)]
            continue
        kept = chance.sample(("company", "place", "person", "year", "department"), 2)
        others |= {name: slots[name] for name in kept}
        parts.append(fact.format_map(others))
        if chance.random() < 0.4:
            parts.append(f"{others['other'].capitalize()}: {others['other_definition']}.")
    return Paragraph(" ".join(part for part in parts if part), question)


def _draw_names(chance: random.Random, number: int) -> dict[str, str]:
    names, definitions = _read_things()
    thing, other = chance.sample(range(len(names)), 2)

    def name_company() -> str:
        return f"{chance.choice(COMPANY_STARTS)} {chance.choice(COMPANY_ENDS)}"

    return {
        "number": str(number % 97 + 1),
        "year": str(chance.randint(1950, 2025)),
        "month": chance.choice(MONTHS),
        "amount": f"{chance.uniform(1, 990):,.1f}",
        "count": f"{chance.randint(20, 9_000):,}",
        "few": str(chance.randint(2, 19)),
        "percent": str(chance.randint(3, 95)),
        "code": f"{chance.choice(LETTERS)}{chance.randint(100, 9999)}-{chance.randint(1, 9)}",
        "place": chance.choice(PLACES),
        "company": name_company(),
        "second": name_company(),
        "person": f"{chance.choice(FIRST_NAMES)} {chance.choice(SURNAMES)}",
        "department": chance.choice(DEPARTMENTS),
        "part": chance.choice(PARTS),
        "fault": chance.choice(FAULTS),
        "thing": names[thing],
        "other": names[other],
        "definition": definitions[thing],
        "other_definition": definitions[other],
    }


@cache
def _read_things() -> tuple[list[str], list[str]]:
    """Names and definitions of WordNet's things, in the order of its numbers."""
    names = read_table("imagenet_synset_to_lemma.txt")
    definitions = read_table("imagenet_synset_to_definition.txt")
    synsets = sorted(names)
    return [names[s].split(", ")[0] for s in synsets], [definitions[s] for s in synsets]
