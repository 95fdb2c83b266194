"""The options of `search` and `ask` that say which pages may be found."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import typer

DAY = ["%Y-%m-%d"]

DocumentOption = Annotated[
    list[str] | None,
    typer.Option("--document", help="Search in this document; may be given repeatedly."),
]
KindOption = Annotated[
    Literal["page", "photo", "sound"] | None,
    typer.Option("--kind", help="Search only pages, only photos or only sounds."),
]
TagOption = Annotated[
    list[str] | None,
    typer.Option("--tag", help="Search in what has this tag, or one of several."),
]
PagesOption = Annotated[
    str | None,
    typer.Option("--pages", metavar="FIRST-LAST", help="Search on these pages: 3, 3-7, 3-."),
]
AddedFromOption = Annotated[
    datetime | None,
    typer.Option("--added-from", formats=DAY, help="Search in what was added since this day."),
]
AddedUntilOption = Annotated[
    datetime | None,
    typer.Option("--added-until", formats=DAY, help="Search in what was added by this day."),
]


def check_days(added_from: datetime | None, added_until: datetime | None) -> None:
    """Refuses two days of which the first is the later one."""
    if added_from is not None and added_until is not None and added_from > added_until:
        raise typer.BadParameter("--added-from comes after --added-until")


def read_page_range(text: str | None) -> tuple[int | None, int | None]:
    """The first and the last page of `--pages`, 1-based; None where it is open."""
    if text is None:
        return None, None
    first, dash, last = (part.strip() for part in text.partition("-"))
    if not (first or last) or not all(part.isdecimal() for part in (first, last) if part):
        raise typer.BadParameter(f"--pages {text!r}: not a page number, nor two with a dash")
    bounds = (int(first) if first else None, int(last) if last else None)
    if 0 in bounds:
        raise typer.BadParameter(f"--pages {text!r}: the first page is page 1")
    if not dash:
        return bounds[0], bounds[0]
    if bounds[0] is not None and bounds[1] is not None and bounds[0] > bounds[1]:
        raise typer.BadParameter(f"--pages {text!r}: the first page comes after the last")
    return bounds
