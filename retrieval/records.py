"""The frozen records that flow through Pagelens: Page -> PageEmbedding -> Hit -> Answer.

Boxes are `(x0, y0, x1, y1)` as fractions of the page's width and height, origin top left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import InvalidEmbedding

if TYPE_CHECKING:
    from PIL.Image import Image

Vectors = NDArray[np.floating]

# float16 rounding moves the norm of a unit vector by up to about 1e-3.
UNIT_NORM_TOLERANCE = 5e-3


class Kind(str, Enum):
    """What a hit shows: a page, a picture that carries little text, or a recording."""

    PAGE = "page"
    PHOTO = "photo"
    SOUND = "sound"


class Modality(str, Enum):
    """What an encoder looks at."""

    WORDS = "words with boxes"
    PAGES = "page pictures"
    PHOTOS = "photos"
    SOUNDS = "sounds"


class TextSource(str, Enum):
    """Where the words of a page come from."""

    TEXT_LAYER = "text-layer"
    OCR = "ocr"
    NONE = "none"


class Box(NamedTuple):
    """A rectangle on a page, in fractions of its width and height, origin top left."""

    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a page in reading order, with the box around its letters."""

    text: str
    box: Box

    def __reduce__(self) -> tuple[Callable[..., Word], tuple[str, float, float, float, float]]:
        """Pickles as plain values: words come from other processes by the hundred a page."""
        return _build_word, (self.text, *self.box)


def _build_word(text: str, x0: float, y0: float, x1: float, y1: float) -> Word:
    return Word(text, Box(x0, y0, x1, y1))


@dataclass(frozen=True, slots=True)
class Page:
    """One rendered page, as an encoder receives it.

    Attributes:
        document_id: SHA-256 of the file's bytes, in hexadecimal.
        page_index: 0-based.
        words: in reading order, from the text layer or OCR; empty where none was found.
        text_source: where the words come from.
        image: RGB, rendered at the encoder's resolution; None for an encoder that reads words.
    """

    document_id: str
    page_index: int
    words: tuple[Word, ...]
    text_source: TextSource
    image: Image | None = None


@dataclass(frozen=True, slots=True)
class PageEmbedding:
    """The multi-vector of one page, every vector with its place.

    Attributes:
        vectors: float16 `[n_vectors, dim]`, each L2-normalised. `n_vectors` is 0 for a page on
            which the encoder found nothing to read.
        boxes: float32 `[n_vectors, 4]`; NaN for vectors that belong to no place on the page.
        grid: (rows, columns) where the vectors are patches of a regular grid in row-major order,
            else None.

    Raises:
        InvalidEmbedding: shape, dtype, norm or a non-finite value breaks this contract.
    """

    vectors: NDArray[np.float16]
    boxes: NDArray[np.float32]
    grid: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        n_vectors = check_unit_vectors(self.vectors, np.float16)
        if self.boxes.shape != (n_vectors, 4) or self.boxes.dtype != np.float32:
            raise InvalidEmbedding(
                f"boxes are {self.boxes.dtype}{list(self.boxes.shape)}, "
                f"expected float32[{n_vectors}, 4]"
            )
        if self.grid is not None and self.grid[0] * self.grid[1] > n_vectors:
            raise InvalidEmbedding(f"a grid of {self.grid} needs more than {n_vectors} vectors")


def no_vectors(dim: int) -> PageEmbedding:
    """The embedding of what the encoder of pages finds nothing on."""
    return PageEmbedding(np.empty((0, dim), np.float16), np.empty((0, 4), np.float32))


@dataclass(frozen=True, slots=True)
class QueryEmbedding:
    """The multi-vector of one query.

    Attributes:
        vectors: float32 `[n_tokens, dim]`, each L2-normalised.
        tokens: for each vector, the word of the query that its token belongs to.
        shows_evidence: for each vector, whether its match is worth lighting up on a page; false
            for instruction tokens and words such as "the", which still count in the score.
    """

    vectors: NDArray[np.float32]
    tokens: tuple[str, ...]
    shows_evidence: tuple[bool, ...]

    def __post_init__(self) -> None:
        n_tokens = check_unit_vectors(self.vectors, np.float32)
        if len(self.tokens) != n_tokens or len(self.shows_evidence) != n_tokens:
            raise InvalidEmbedding(
                f"{n_tokens} query vectors, but {len(self.tokens)} tokens "
                f"and {len(self.shows_evidence)} evidence marks"
            )


def check_unit_vectors(vectors: Vectors, dtype: type[np.floating]) -> int:
    """Checks a multi-vector `[n_vectors, dim]` and returns `n_vectors`.

    Raises:
        InvalidEmbedding: not two-dimensional, another dtype, NaN or infinite, or not unit length.
    """
    if vectors.ndim != 2 or vectors.dtype != dtype:
        raise InvalidEmbedding(
            f"a multi-vector is {vectors.dtype}{list(vectors.shape)}, "
            f"expected {np.dtype(dtype)}[n_vectors, dim]"
        )
    norms = np.linalg.norm(vectors.astype(np.float32), axis=1)
    # NaN compares false, so it is refused too.
    if not bool(np.all(np.abs(norms - 1.0) <= UNIT_NORM_TOLERANCE)):
        worst = int(np.argmax(np.where(np.isfinite(norms), np.abs(norms - 1.0), np.inf)))
        raise InvalidEmbedding(f"vector {worst} has length {norms[worst]}, expected 1")
    return len(vectors)


@dataclass(frozen=True, slots=True)
class Match:
    """The place on a page that answers one token of the query best.

    Attributes:
        box: where, on the page.
        weight: cosine similarity of the token and the place, between 0 and 1.
        token: the word of the query.
    """

    box: Box
    weight: float
    token: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """How well every place of a page answers each token of a query that may point at places.

    Tokens of instructions, padding and stop words have no row, vectors without a place no column.

    Attributes:
        tokens: the word of the query behind each row.
        boxes: float32 `[n_places, 4]`.
        similarities: float32 `[n_tokens, n_places]`, cosines.
        modality: whether the places are words or patches; it decides how evidence is drawn.
    """

    tokens: tuple[str, ...]
    boxes: NDArray[np.float32]
    similarities: NDArray[np.float32]
    modality: Modality

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the query that point at places, once each, in the query's order."""
        return tuple(dict.fromkeys(token for token in self.tokens if token))

    def of_word(self, word: str) -> Evidence:
        """The evidence of one word of the query: the rows of its tokens."""
        rows = [i for i, token in enumerate(self.tokens) if token == word]
        return replace(self, tokens=(word,) * len(rows), similarities=self.similarities[rows])

    @property
    def matches(self) -> tuple[Match, ...]:
        """The best place of each token; empty where there are no places."""
        if not len(self.boxes):
            return ()
        return tuple(
            Match(
                Box(*map(float, self.boxes[best])),
                float(np.clip(row[best], 0.0, 1.0)),
                token,
            )
            for token, row in zip(self.tokens, self.similarities, strict=True)
            for best in [int(row.argmax())]
        )


@dataclass(frozen=True, slots=True)
class StageScores:
    """What each stage of a search made of a page; None where it did not rank it.

    Attributes:
        maxsim: a sum over the query's tokens, each at most 1.
        bm25: of the page's words.
        dense: the cosine of question and best passage.
        tokens: a sum over the question's tokens, each at most 1.
        terms: a sum over the learned weights of the terms that question and page share.
        reranker: a logit, comparable within one query only.
        photo: the cosine of query and photo.
        sound: the cosine of query and best window of a recording.
    """

    maxsim: float | None = None
    bm25: float | None = None
    dense: float | None = None
    tokens: float | None = None
    terms: float | None = None
    reranker: float | None = None
    photo: float | None = None
    sound: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Hit:
    """One page, photo or sound found, best first in an `Answer`.

    Attributes:
        document_id: SHA-256 of the file's bytes.
        document: the file's name.
        page_index: 0-based.
        kind: page, photo or sound.
        score: its fused rank, from 0 to 1 and falling along an answer: 1 for the first of what
            clearly answers, 0.1 for the first of what does not.
        scores: what the rankings behind it are made of.
        evidence: what on the page matched; None for what is found by its looks or sound alone.
        duplicates: (document, 1-based page number) of pages that say the same and are left out.
    """

    document_id: str
    document: str
    page_index: int
    kind: Kind
    score: float
    scores: StageScores
    evidence: Evidence | None
    duplicates: tuple[tuple[str, int], ...] = ()

    @property
    def page_number(self) -> int:
        """1-based page number, as people and JSON readers see it."""
        return self.page_index + 1

    @property
    def matches(self) -> tuple[Match, ...]:
        """The best place of each token of the query that may point at places."""
        return self.evidence.matches if self.evidence else ()


@dataclass(frozen=True, slots=True)
class Answer:
    """The hits of one query, best first, and how long the whole search took in seconds.

    Attributes:
        is_good: whether the best hit answers better than pages answer nonsense.
    """

    query: str
    hits: tuple[Hit, ...]
    seconds: float = 0.0
    is_good: bool = True

    @property
    def by_document(self) -> tuple[tuple[Hit, ...], ...]:
        """The hits of each document, best first, the document of the best hit first."""
        groups: dict[str, list[Hit]] = {}
        for hit in self.hits:
            groups.setdefault(hit.document_id, []).append(hit)
        return tuple(map(tuple, groups.values()))
