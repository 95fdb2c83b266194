"""What models are listed by. Loads nothing, so that `pagelens --help` answers at once."""

from __future__ import annotations

from enum import Enum


class Licence(str, Enum):
    """Which licences are listed."""

    ANY = "any"
    COMMERCIAL = "commercial"


class Group(str, Enum):
    """What models are for; each is listed with its like."""

    PAGES = "pages"
    PHOTOS = "photos"
    SOUNDS = "sounds"
    TEXT = "text"
    RERANKERS = "rerankers"
    ANSWERS = "answers"
