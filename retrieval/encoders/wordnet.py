"""What WordNet says a word means, from the tables that the package timm carries.

21,844 kinds of things that can be seen (the synsets of ImageNet-22k), each with its names and its
definition. Tables are read as files: importing timm loads hundreds of architectures.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from retrieval.encoders.stop_words import STOP_WORDS
from retrieval.errors import WeightsRefused
from retrieval.packaged_weights import locate_package

# Words of the longest name looked for ("great blue heron").
MAX_NAME_WORDS = 3

# Shorter words are mostly letters that WordNet lists as units and vitamins ("A", "in").
MIN_LETTERS = 3

WORD = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*")


@cache
def read_class_definitions() -> tuple[str, ...]:
    """The definitions of ImageNet's 1,000 classes, in the order of every classifier.

    Raises:
        WeightsRefused: timm is not installed, or no longer carries the tables.
    """
    definitions = read_table("imagenet_synset_to_definition.txt")
    synsets = (_locate_tables() / "imagenet_synsets.txt").read_text(encoding="utf-8").split()
    return tuple(definitions[synset] for synset in synsets)


def find_meanings(text: str) -> list[list[str]]:
    """For each word or phrase of a text that WordNet knows, its meanings as "names: definition".

    The longest name wins: "fire truck" is looked up, not "fire" and "truck".
    """
    by_name = _index_names()
    words = WORD.findall(text.lower())
    found: list[list[str]] = []
    place = 0
    while place < len(words):
        for length in range(min(MAX_NAME_WORDS, len(words) - place), 0, -1):
            phrase = " ".join(words[place : place + length])
            if length == 1 and (phrase in STOP_WORDS or len(phrase) < MIN_LETTERS):
                continue
            meanings = by_name.get(phrase) or by_name.get(phrase.removesuffix("s"))
            if meanings:
                found.append(list(meanings))
                place += length
                break
        else:
            place += 1
    return found


@cache
def _index_names() -> dict[str, tuple[str, ...]]:
    names = read_table("imagenet_synset_to_lemma.txt")
    definitions = read_table("imagenet_synset_to_definition.txt")
    by_name: dict[str, tuple[str, ...]] = {}
    for synset, line in names.items():
        meaning = f"{line}: {definitions[synset]}"
        for name in line.lower().split(", "):
            by_name[name] = (*by_name.get(name, ()), meaning)
    return by_name


@cache
def _locate_tables() -> Path:
    folder = locate_package("timm", "timm") / "data" / "_info"
    if not (folder / "imagenet_synset_to_lemma.txt").is_file():
        raise WeightsRefused("the package timm no longer carries the ImageNet tables")
    return folder


@cache
def read_table(name: str) -> dict[str, str]:
    """One of timm's tables of ImageNet-22k: what it says of each synset.

    Raises:
        WeightsRefused: timm is not installed, or no longer carries the tables.
    """
    lines = (_locate_tables() / name).read_text(encoding="utf-8").splitlines()
    return {synset: text for synset, _, text in (line.partition("\t") for line in lines)}
