"""What a hostile file is, and what ingest has to make of it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

# Twice what any reason has now, and still a line that a terminal shows whole.
REASON_CHARACTERS = 300


class Outcome(Enum):
    """What becomes of a file."""

    INDEXED = "every page is indexed"
    PARTLY = "some pages are indexed, and the others are refused one by one"
    REFUSED = "nothing is indexed"
    # For damage that one release of a decoder repairs and the next does not.
    EITHER = "indexed, or refused"


@dataclass(frozen=True, slots=True)
class Expectation:
    """What ingest has to make of a file.

    Attributes:
        outcome: what becomes of it.
        reason: a pattern that every line about it matches; empty where there is no such line.
        question: finds it, where it is a good file with words of its own.
    """

    outcome: Outcome
    reason: str = ""
    question: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of hostile file.

    Attributes:
        name: path below the corpus; bytes where it is not text.
        build: makes the content, different for every case, the same each time.
        expected: what ingest has to make of it.
        is_slow: takes a minute or many; written only on demand.
    """

    name: str | bytes
    build: Callable[[], bytes]
    expected: Expectation
    is_slow: bool = False


def indexed(question: str = "") -> Expectation:
    return Expectation(Outcome.INDEXED, question=question)


def partly(reason: str) -> Expectation:
    return Expectation(Outcome.PARTLY, reason)


def refused(reason: str) -> Expectation:
    return Expectation(Outcome.REFUSED, reason)


def either(reason: str) -> Expectation:
    return Expectation(Outcome.EITHER, reason)


CUT_OFF = refused("cut off|damaged")
DAMAGED = refused("damaged")
NO_DOCUMENT = refused("not a PDF, a picture or an office file")
TOO_SLOW = refused("took longer than|crashed|too much memory")
EOF_OR_DAMAGED = either("cut off|damaged")


def find_fault(expected: Expectation, *, is_indexed: bool, reasons: Sequence[str]) -> str:
    """What is wrong with what became of a file; empty where nothing is.

    Args:
        expected: what ingest has to make of it.
        is_indexed: whether the library holds it now, or a file of the same bytes.
        reasons: every line that was said about it.
    """
    wants_index = {Outcome.INDEXED: True, Outcome.PARTLY: True, Outcome.REFUSED: False}
    if is_indexed != wants_index.get(expected.outcome, is_indexed):
        return f"is {'' if is_indexed else 'not '}indexed: {reasons}"
    if not reasons and (not is_indexed or expected.outcome is Outcome.PARTLY):
        return "is left out without a word"
    for reason in reasons:
        if not (expected.reason and re.search(expected.reason, reason)):
            return f"has an unexpected reason: {reason}"
        if not reason.isprintable() or "Traceback" in reason or len(reason) > REASON_CHARACTERS:
            return f"has a reason that is no plain line: {reason!r}"
    return ""
