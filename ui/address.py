"""The address of a search: all that was asked stands behind the `?`, to be shared and gone back to.

The page's form is sent by GET, so its fields are the address; nothing else remembers a search.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Literal
from urllib.parse import parse_qsl

from app.api.bodies import FIRST_DAY, LAST_DAY, MAX_PAGE_NUMBER, MAX_QUESTION_CHARACTERS
from retrieval.records import Box

PAGE = re.compile(r"([0-9a-f]{64})\.([1-9]\d{0,6})")
KINDS: dict[str, Literal["page", "photo", "sound"]] = {
    "page": "page",
    "photo": "photo",
    "sound": "sound",
}
PICTURE = re.compile(r"([0-9a-f]{64})/([^/\x00]{1,255})")


@dataclass(frozen=True, slots=True)
class Address:
    """What a search asks for; what an address says wrongly is as if it did not say it.

    Attributes:
        question: in words; empty where something else is asked for.
        like: (document id, page index) of the page that others shall be like.
        region: the part of that page; None for all of it.
        picture: (folder, name) of an uploaded picture.
        document: the name or id of the only document to search in.
        added: first and last day; None where it is open.
        is_grouped: whether the pages are shown by document.
    """

    question: str = ""
    like: tuple[str, int] | None = None
    region: Box | None = None
    picture: tuple[str, str] | None = None
    document: str | None = None
    kind: Literal["page", "photo", "sound"] | None = None
    tag: str | None = None
    added: tuple[date | None, date | None] = (None, None)
    is_grouped: bool = False

    @property
    def asks_nothing(self) -> bool:
        """Whether there is nothing to search for."""
        return not self.question and self.like is None and self.picture is None

    @property
    def n_filters(self) -> int:
        """How many filters are set."""
        return sum(map(bool, (self.document, self.kind, self.tag, *self.added)))


def read_address(query: str) -> Address:
    """Reads what stands behind the `?` of an address."""
    fields = dict(parse_qsl(query.removeprefix("?"), max_num_fields=100))
    picture = PICTURE.fullmatch(fields.get("picture", ""))
    like = _read_page(fields.get("like", ""))
    return Address(
        question=fields.get("q", "").replace("\0", "").strip()[:MAX_QUESTION_CHARACTERS],
        like=like,
        region=_read_region(fields.get("region", "")) if like else None,
        picture=(picture[1], picture[2]) if picture else None,
        document=fields.get("document", "").replace("\0", "") or None,
        kind=KINDS.get(fields.get("kind", "")),
        tag=fields.get("tag", "").replace("\0", "") or None,
        added=(_read_day(fields.get("from", "")), _read_day(fields.get("until", ""))),
        is_grouped=fields.get("group") == "1",
    )


def _read_page(text: str) -> tuple[str, int] | None:
    found = PAGE.fullmatch(text)
    if not found or int(found[2]) > MAX_PAGE_NUMBER:
        return None
    return found[1], int(found[2]) - 1


def _read_region(text: str) -> Box | None:
    try:
        x0, y0, x1, y1 = map(float, text.split(","))
    except ValueError:
        return None
    return Box(x0, y0, x1, y1) if 0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1 else None


def _read_day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if FIRST_DAY <= day <= LAST_DAY else None
