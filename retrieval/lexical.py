"""BM25 as sparse vectors: the words of a page, weighted so that a dot product ranks pages.

A page's vector holds for each term its saturated frequency (Robertson and Zaragoza 2009, equation
3.15), a question's how often it asks for the term. The index multiplies by the inverse document
frequency, which it alone knows.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import Stemmer

from retrieval.encoders.stop_words import STOP_WORDS

# The usual values, for saturation and length normalisation of a page's term frequencies.
K1 = 1.2
B = 0.75

# Terms of an average page. A constant, as a page's weights must not change with the library.
MEAN_TERMS = 200

# A language in everyday use; each takes about 500 bytes.
CACHED_WORDS = 20_000

RUN = re.compile(r"[^\W_]+")
PARTS = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+")
THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
TRAILING_ZEROS = re.compile(r"\d+\.\d*0")
# Han, kana, Hangul and Thai are written without spaces: there, pairs of letters are the terms.
UNSPACED = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]+")

# Without its own cache: whole words are cached below.
_stem = Stemmer.Stemmer("english", 0).stemWord


@dataclass(frozen=True, slots=True)
class SparseVector:
    """Weights of terms.

    Attributes:
        indices: hashes of the terms, 32-bit, each once.
        values: their weights, as many.
    """

    indices: tuple[int, ...]
    values: tuple[float, ...]


NO_TERMS = SparseVector((), ())


def weigh_page(words: Iterable[str]) -> SparseVector:
    """The sparse vector of a page's words, without inverse document frequencies."""
    counts = Counter(term for word in words for term in split_word(word))
    norm = K1 * (1 - B + B * counts.total() / MEAN_TERMS)
    return _build_vector({term: n * (K1 + 1) / (n + norm) for term, n in counts.items()})


def weigh_question(text: str) -> SparseVector:
    """The sparse vector of a question: how often it asks for each term."""
    counts = Counter(term for word in text.split() for term in split_word(word))
    return _build_vector({term: float(n) for term, n in counts.items()})


@lru_cache(maxsize=CACHED_WORDS)
def split_word(word: str) -> tuple[str, ...]:
    """The terms of one word: its stem, or for a code, a number or a compound also the whole of it.

    "Growing" gives "grow"; "RX-480b" gives "rx-480b", "rx", "480", "b"; "1,234.50" gives "1234.50"
    and "1234.5". Stop words give none.
    """
    return tuple(dict.fromkeys(_split_word(word)))


def _split_word(word: str) -> Iterator[str]:
    folded = unicodedata.normalize("NFKD", word).casefold()
    folded = "".join(c for c in folded if not unicodedata.combining(c))
    folded = unicodedata.normalize("NFC", folded)
    runs = list(RUN.finditer(folded))
    if not runs:
        return
    whole = THOUSANDS.sub("", folded[runs[0].start() : runs[-1].end()])
    parts = PARTS.findall(whole)
    if len(parts) > 1:
        yield whole
    if TRAILING_ZEROS.fullmatch(whole):
        # 1236.50 is also asked for as 1236.5, and 12.00 as 12.
        yield whole.rstrip("0").rstrip(".")
    for part in parts:
        if UNSPACED.fullmatch(part):
            yield from (part[i : i + 2] for i in range(max(1, len(part) - 1)))
        elif part not in STOP_WORDS:
            yield _stem(part)


def _build_vector(weights: dict[str, float]) -> SparseVector:
    # Two terms of one hash add up: with 32 bits that is one pair in a page of ten million.
    by_index: dict[int, float] = {}
    for term, weight in weights.items():
        index = _hash_term(term)
        by_index[index] = by_index.get(index, 0.0) + weight
    return SparseVector(tuple(by_index), tuple(by_index.values()))


@lru_cache(maxsize=CACHED_WORDS)
def _hash_term(term: str) -> int:
    return int.from_bytes(hashlib.blake2b(term.encode(), digest_size=4).digest(), "little")
