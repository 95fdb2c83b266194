"""How good quotes are on the questions of sample_docs, and on some that it does not answer.

    python -m tests.benchmarks.answers [--library DIR]

The weights and the threshold of retrieval/answering/extractive.py were chosen on these questions:
what is measured here is less elsewhere. `tests/answers.jsonl` holds what the right quote says; two
of the 46 questions are left out, whose answers stand in pictures without a word.
"""

import argparse
import json
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from app.library import Library
from app.settings import Settings
from retrieval.answering.records import AnswerEnd, Quote
from tests.terminal import ROOT

SAMPLE = ROOT / "sample_docs"

# About nothing that the documents tell.
FOREIGN = (
    "What is the capital of Mongolia?",
    "Who won the football world cup in 1998?",
    "What is the boiling point of nitrogen?",
    "How do I renew my passport?",
    "When was the Treaty of Westphalia signed?",
    "Which vaccines do puppies need?",
    "What is the warranty period of the dishwasher?",
    "How much did the hotel in Lisbon cost?",
    "What was the gross margin of the software division in 2019?",
    "Who wrote the opera Turandot?",
    "What is the recommended dose of ibuprofen for adults?",
    "How many bedrooms does the apartment have?",
    "Which train goes from Zurich to Milan?",
    "What are the side effects of the new drug?",
    "How many employees does Microsoft have?",
)
# About the island, its people and its ferry, and told nowhere.
NEAR = (
    "Who is the mayor of Port Haldry?",
    "How deep is the harbour of Port Haldry?",
    "What did the ferry's new batteries cost?",
    "How old is Maren Aldous?",
    "When does the library on Haldry open?",
    "What is the telephone number of the doctor on the island?",
    "How many sheep live on Haldry?",
    "Who built the lighthouse's new lens in 1990?",
    "What does a litre of diesel cost on the island?",
    "Which school did Jonas Wetherell attend?",
    "How much rain fell on Haldry in 2024?",
    "What is the salary of the harbour master?",
    "When was St Órla's Chapel built?",
    "How many seals live in Nettle Bay?",
    "Which airline flies to Haldry?",
)


class Measured(NamedTuple):
    """How many questions have the right quote first, or among those shown; median of seconds."""

    questions: int
    first: int
    shown: int
    seconds: float


def read_lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def read_expected() -> dict[str, list[str]]:
    """What the right quote says, by question."""
    asked = {each["id"]: each["text"] for each in read_lines(SAMPLE / "queries.jsonl")}
    return {asked[e["id"]]: e["says"] for e in read_lines(ROOT / "tests" / "answers.jsonl")}


def ask(library: Library, question: str) -> tuple[list[Quote], AnswerEnd]:
    *events, end = library.ask(question)
    return [event for event in events if isinstance(event, Quote)], end


def measure(library: Library, expected: dict[str, list[str]]) -> Measured:
    first = shown = 0
    seconds = []
    for question, says in expected.items():
        quotes, end = ask(library, question)
        right = [any(text in quote.text for text in says) for quote in quotes]
        first += right[:1] == [True]
        shown += any(right)
        seconds.append(end.seconds)
    return Measured(len(expected), first, shown, sorted(seconds)[len(seconds) // 2])


def count_answered(library: Library, questions: Iterable[str]) -> int:
    return sum(ask(library, question)[1].is_answered for question in questions)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--library", type=Path, help="one that holds sample_docs/corpus")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.library or Path(scratch) / "library"
        with Library(Settings(library=folder)) as library:
            if options.library is None:
                library.ingest([SAMPLE / "corpus"], lambda progress: None)
            library.load_models()
            found = measure(library, read_expected())
            print(
                f"{found.questions} questions: right in the first quote {found.first}, in any "
                f"{found.shown}; median {found.seconds:.2f} s"
            )
            for name, questions in (("foreign", FOREIGN), ("near", NEAR)):
                answered = count_answered(library, questions)
                print(f"{name}: quoted all the same {answered} of {len(questions)}")


if __name__ == "__main__":
    main()
