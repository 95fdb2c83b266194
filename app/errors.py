"""How an error looks in a terminal: one line, and its remedy on the next."""

from __future__ import annotations

from retrieval.errors import PagelensError


def format_error(error: PagelensError) -> str:
    """The text for standard error, without control characters that a file's name may hold."""
    message = printable(str(error))
    return f"pagelens: {message}\n{error.remedy}" if error.remedy else f"pagelens: {message}"


def printable(text: str) -> str:
    """Text on one line: what a terminal would act on instead of showing it is escaped."""
    return "".join(
        character
        if character.isprintable()
        else character.encode("unicode_escape", "surrogatepass").decode()
        for character in text
    )
