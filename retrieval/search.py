"""Search: a query goes in, pages, photos and sounds with their evidence come out, best first.

MaxSim, BM25 and the channels of text encoders rank pages, a reranker reads the best of them, and
all are fused by rank; so is what photos look like, and what recordings sound like.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from retrieval.duplicates import Wording, count_words, say_the_same
from retrieval.fusion import RRF_K, fuse_ranks
from retrieval.index.base import ALL_PAGES, PageFilter, PageIndex, ScoredPage
from retrieval.maxsim import gather_evidence
from retrieval.page_fusion import PageKey, Ranking, fuse_pages, keep_places, key_of
from retrieval.passages import choose_passages
from retrieval.queries import Query
from retrieval.records import Answer, Hit, Kind, Modality, PageEmbedding, StageScores
from retrieval.rerankers.base import Reranker
from retrieval.text_encoders.base import Channel

# So deep each ranking of pages goes: what one finds late the other may find early.
DEPTH = 100

# Pages behind the last one shown that are looked at for saying the same as one shown.
DUPLICATE_DEPTH = 10

# Pages that the reranker reads, in a time that grows with them: 0.3 s for 9 with minilm-reranker on
# two cores. On pages-dev nDCG@5 was 0.700 with 8, 0.707 with 9 and 10, 0.710 with 12.
RERANKED_PAGES = 9

# What does not clearly answer stands behind all that does: with this weight its first rank counts
# less than the last rank shown of what does.
UNCLEAR_WEIGHT = 0.1

# The mean cosine of a question's tokens from which on the words of a page answer it. The best page
# of sample_docs has 0.43 or more for each of its 46 questions; the stray words on the photos of
# photos-dev stay under 0.39 for 95 % of the descriptions.
CLEAR_WORDS = 0.4


class Mode(str, Enum):
    """Which rankings of pages are fused: by page vectors, by what pages say, or both."""

    HYBRID = "hybrid"
    VISUAL = "visual"
    TEXT = "text"

    @property
    def rankings(self) -> frozenset[Ranking]:
        """Which they are; channels read the words of pages, as BM25 does."""
        match self:
            case Mode.HYBRID:
                return frozenset(Ranking)
            case Mode.VISUAL:
                return frozenset([Ranking.MAXSIM])
            case Mode.TEXT:
                return frozenset(Ranking) - {Ranking.MAXSIM}


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """How a search is made.

    Attributes:
        limit: most hits to return.
        page_filter: which pages may be returned.
        mode: which rankings are fused.
        exact: whether MaxSim looks at every page, however large the index is.
        nonsense_score: what nonsense reaches here (see `retrieval.nonsense`); 0 if not known.
        only: the one ranking of the mode's that is used, to measure it alone; None for all.
    """

    limit: int
    page_filter: PageFilter = ALL_PAGES
    mode: Mode = Mode.HYBRID
    exact: bool = False
    nonsense_score: float = 0.0
    only: Ranking | None = None

    @property
    def rankings(self) -> frozenset[Ranking]:
        """What pages are ranked by."""
        return self.mode.rankings if self.only is None else self.mode.rankings & {self.only}

    @property
    def asks_channels(self) -> bool:
        """Whether text encoders have to make something of the question."""
        return bool(self.rankings - {Ranking.MAXSIM, Ranking.BM25})


def search_pages(
    query: Query,
    options: SearchOptions,
    *,
    index: PageIndex,
    modality: Modality,
    reranker: Reranker | None = None,
) -> Answer:
    """Ranks pages by vectors and words, photos by looks and sounds, and fuses all by rank.

    Args:
        query: what is asked.
        options: how.
        index: where.
        modality: what the page encoder looks at; decides how evidence is drawn.
        reranker: reads the best pages; None for none.
    """
    depth, where = max(DEPTH, options.limit), options.page_filter
    rankings = rank_pages(query, options, depth, index)
    uses_vectors = Ranking.MAXSIM in rankings
    by_vectors = rankings.get(Ranking.MAXSIM, [])
    photos = index.search_photos(query.photo, depth, where) if query.photo is not None else []
    sounds = index.search_sounds(query.sound, depth, where) if query.sound is not None else []
    # Patches match every question; how well they must is not known for every checkpoint.
    clear_page = CLEAR_WORDS * len(query.page.tokens) if modality == Modality.WORDS else 0.0
    clear = {key_of(page) for page in by_vectors if page.score >= clear_page}
    if uses_vectors:
        # A photo bears a few stray words at most: unless they answer, its looks speak for it.
        rankings = {
            ranking: [page for page in pages if page.kind == Kind.PAGE or key_of(page) in clear]
            for ranking, pages in rankings.items()
        }
        by_vectors = rankings[Ranking.MAXSIM]
    found = {key_of(page): page for pages in rankings.values() for page in pages}
    first = fuse_pages(rankings, None)
    reranked = rerank_pages(first[:RERANKED_PAGES], query.question, index, reranker)
    pages = fuse_pages(rankings, list(reranked)) if reranked else first
    scores = {
        key: StageScores(
            reranker=reranked.get(key),
            photo=_score_of(key, photos),
            sound=_score_of(key, sounds),
            **{ranking.value: _score_of(key, pages) for ranking, pages in rankings.items()},
        )
        for key in {*found, *map(key_of, [*photos, *sounds])}
    }
    best_page = max((page.score for page in by_vectors), default=0.0)
    beats_nonsense = best_page > options.nonsense_score * len(query.page.tokens)
    n_clear = len(clear) if beats_nonsense else 0
    ranked = fuse_spaces(
        (
            pages,
            n_clear if uses_vectors else len(pages),
            best_page / clear_page if clear_page and by_vectors else 1.0,
        ),
        _judge(photos, query.clear_score),
        _judge(sounds, query.clear_sound),
    )
    for other in [*photos, *sounds]:
        found.setdefault(key_of(other), other)
    hits: list[Hit] = []
    wordings: list[Wording] = []
    # Pages that say the same leave places, which the next ones take.
    while len(hits) < options.limit and ranked:
        missing = options.limit - len(hits)
        batch, ranked = ranked[:missing], ranked[missing:]
        keys = [key for key, _ in batch]
        for (key, score), embedding, texts in zip(
            batch, index.fetch(keys), index.fetch_texts(keys), strict=True
        ):
            wording = count_words(texts)
            same = _find_same(wording, wordings)
            if same is not None:
                hits[same] = _add_duplicate(hits[same], found[key])
                continue
            hits.append(_build_hit(found[key], score, scores[key], embedding, query, modality))
            wordings.append(wording)
    # Whether a page is said to stand elsewhere, too, shall not depend on how many are shown.
    rest = [key for key, _ in ranked[:DUPLICATE_DEPTH]]
    for key, texts in zip(rest, index.fetch_texts(rest), strict=True):
        same = _find_same(count_words(texts), wordings)
        if same is not None:
            hits[same] = _add_duplicate(hits[same], found[key])
    shows_photo = bool(photos) and photos[0].score >= query.clear_score
    plays_sound = bool(sounds) and sounds[0].score >= query.clear_sound
    return Answer(
        query.label,
        tuple(hits),
        is_good=beats_nonsense or shows_photo or plays_sound or not uses_vectors,
    )


def rank_pages(
    query: Query, options: SearchOptions, depth: int, index: PageIndex
) -> dict[Ranking, list[ScoredPage]]:
    """The `depth` best pages of each ranking that is asked for, in a fixed order."""
    where = options.page_filter

    def rank(ranking: Ranking) -> list[ScoredPage]:
        match ranking:
            case Ranking.MAXSIM:
                return index.search(query.page, depth, where, exact=options.exact)
            case Ranking.BM25:
                return index.search_words(query.terms, depth, where)
            case _:
                return index.search_channel(Channel(ranking.value), query.channels, depth, where)

    return {ranking: rank(ranking) for ranking in Ranking if ranking in options.rankings}


def rerank_pages(
    candidates: Sequence[PageKey], question: str, index: PageIndex, reranker: Reranker | None
) -> dict[PageKey, float | None]:
    """What a reranker makes of the best pages, best first; those without words keep their places.

    Returns:
        Page -> its score; None for a page without words. Empty where there is nothing to read.
    """
    if reranker is None or not question or not candidates:
        return {}
    passages = choose_passages(question, index.fetch_texts(candidates))
    read = [(key, passage) for key, passage in zip(candidates, passages, strict=True) if passage]
    if not read:
        return {}
    logits = reranker.score(question, [passage for _, passage in read])
    scores = {key: float(logit) for (key, _), logit in zip(read, logits, strict=True)}
    best_first = sorted(scores, key=lambda key: -scores[key])
    wordless = set(candidates) - set(scores)
    return {key: scores.get(key) for key in keep_places(candidates, wordless, best_first)}


def fuse_spaces(
    *spaces: tuple[Sequence[PageKey], int, float],
) -> list[tuple[PageKey, float]]:
    """Pages, photos and sounds as one ranking; what is found as two of them counts twice.

    What clearly answers and what does not are two rankings of different weight. Among equal ranks,
    the space whose best hit is the clearer one comes first.

    Args:
        spaces: (ranking; how many of it clearly answer; how clear its best hit is).

    Returns:
        (page, score), best first: 1 for the first of what clearly answers, `UNCLEAR_WEIGHT` for the
        first of what does not, and less behind them.
    """
    rankings: list[tuple[float, list[PageKey], float]] = []
    for ranking, n_clear, clearness in spaces:
        rankings.append((clearness, list(ranking[:n_clear]), 1.0))
        rankings.append((clearness, list(ranking[n_clear:]), UNCLEAR_WEIGHT))
    rankings.sort(key=lambda ranking: -ranking[0])
    fused = fuse_ranks([(keys, weight) for _, keys, weight in rankings])
    return [(key, min(1.0, score * (RRF_K + 1))) for key, score in fused]


def _judge(pages: Sequence[ScoredPage], clear: float) -> tuple[list[PageKey], int, float]:
    """A ranking by single scores as `fuse_spaces` takes it, by the score that clearly answers."""
    clearness = pages[0].score / clear if pages and clear > 0 else 1.0
    return [key_of(page) for page in pages], sum(page.score >= clear for page in pages), clearness


def _find_same(wording: Wording, seen: Sequence[Wording]) -> int | None:
    return next((i for i, other in enumerate(seen) if say_the_same(wording, other)), None)


def _add_duplicate(hit: Hit, page: ScoredPage) -> Hit:
    return replace(hit, duplicates=(*hit.duplicates, (page.document, page.page_index + 1)))


def _score_of(key: PageKey, pages: Sequence[ScoredPage]) -> float | None:
    return next((page.score for page in pages if key_of(page) == key), None)


def _build_hit(
    page: ScoredPage,
    score: float,
    scores: StageScores,
    embedding: PageEmbedding | None,
    query: Query,
    modality: Modality,
) -> Hit:
    return Hit(
        document_id=page.document_id,
        document=page.document,
        page_index=page.page_index,
        kind=page.kind,
        score=score,
        scores=scores,
        evidence=gather_evidence(query.page, embedding, modality) if embedding else None,
    )
