"""Search: a query goes in, pages and photos with their evidence come out, best first.

MaxSim and BM25 rank pages, a reranker reads the best of them, and the three are fused by rank; so
is what photos look like.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from retrieval.duplicates import Wording, count_words, say_the_same
from retrieval.fusion import RRF_K, fuse_ranks
from retrieval.index.base import ALL_PAGES, PageFilter, PageIndex, ScoredPage
from retrieval.maxsim import gather_evidence
from retrieval.passages import choose_passages
from retrieval.queries import Query
from retrieval.records import Answer, Hit, Kind, Modality, PageEmbedding, StageScores
from retrieval.rerankers.base import Reranker

# So deep MaxSim and BM25 rank pages: what one finds late the other may find early.
DEPTH = 100

# Pages behind the last one shown that are looked at for saying the same as one shown.
DUPLICATE_DEPTH = 10

# Pages that the reranker reads, in a time that grows with them: 0.3 s for 9 with minilm-reranker on
# two cores. On pages-dev nDCG@5 was 0.700 with 8, 0.707 with 9 and 10, 0.710 with 12.
RERANKED_PAGES = 9

# The reranker has read the page: it counts as much as the two that have not.
MAXSIM_WEIGHT = 1.0
BM25_WEIGHT = 1.0
RERANKER_WEIGHT = 2.0

# What does not clearly answer stands behind all that does: with this weight its first rank counts
# less than the last rank shown of what does.
UNCLEAR_WEIGHT = 0.1

# The mean cosine of a question's tokens from which on the words of a page answer it. The best page
# of sample_docs has 0.43 or more for each of its 46 questions; the stray words on the photos of
# photos-dev stay under 0.39 for 95 % of the descriptions.
CLEAR_WORDS = 0.4

PageKey = tuple[str, int]


class Mode(str, Enum):
    """Which rankings of pages are fused: by vectors, by words, or both."""

    HYBRID = "hybrid"
    VISUAL = "visual"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """How a search is made.

    Attributes:
        limit: most hits to return.
        page_filter: which pages may be returned.
        mode: which rankings are fused.
        exact: whether MaxSim looks at every page, however large the index is.
        nonsense_score: what nonsense reaches here (see `retrieval.nonsense`); 0 if not known.
    """

    limit: int
    page_filter: PageFilter = ALL_PAGES
    mode: Mode = Mode.HYBRID
    exact: bool = False
    nonsense_score: float = 0.0


def search_pages(
    query: Query,
    options: SearchOptions,
    *,
    index: PageIndex,
    modality: Modality,
    reranker: Reranker | None = None,
) -> Answer:
    """Ranks pages by their vectors and words and photos by their looks, and fuses all by rank.

    Args:
        query: what is asked.
        options: how.
        index: where.
        modality: what the page encoder looks at; decides how evidence is drawn.
        reranker: reads the best pages; None for none.
    """
    depth = max(DEPTH, options.limit)
    uses_vectors, uses_words = options.mode != Mode.TEXT, options.mode != Mode.VISUAL
    where = options.page_filter
    by_vectors = index.search(query.page, depth, where, exact=options.exact) if uses_vectors else []
    by_words = index.search_words(query.terms, depth, where) if uses_words else []
    photos = index.search_photos(query.photo, depth, where) if query.photo is not None else []
    # Patches match every question; how well they must is not known for every checkpoint.
    clear_page = CLEAR_WORDS * len(query.page.tokens) if modality == Modality.WORDS else 0.0
    clear = {key_of(page) for page in by_vectors if page.score >= clear_page}
    if uses_vectors:
        # A photo bears a few stray words at most: unless they answer, its looks speak for it.
        by_vectors, by_words = (
            [page for page in pages if page.kind == Kind.PAGE or key_of(page) in clear]
            for pages in (by_vectors, by_words)
        )
    found = {key_of(page): page for page in (*by_words, *by_vectors)}
    first = fuse_pages(by_vectors, by_words, None)
    reranked = rerank_pages(first[:RERANKED_PAGES], query.question, index, reranker)
    pages = fuse_pages(by_vectors, by_words, list(reranked)) if reranked else first
    scores = {
        key: StageScores(
            maxsim=_score_of(key, by_vectors),
            bm25=_score_of(key, by_words),
            reranker=reranked.get(key),
            photo=_score_of(key, photos),
        )
        for key in {*found, *map(key_of, photos)}
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
        (
            [key_of(photo) for photo in photos],
            sum(photo.score >= query.clear_score for photo in photos),
            photos[0].score / query.clear_score if photos and query.clear_score > 0 else 1.0,
        ),
    )
    for photo in photos:
        found.setdefault(key_of(photo), photo)
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
    return Answer(
        query.label,
        tuple(hits),
        is_good=beats_nonsense or shows_photo or not uses_vectors,
    )


def fuse_pages(
    by_vectors: Sequence[ScoredPage],
    by_words: Sequence[ScoredPage],
    reranked: Sequence[PageKey] | None,
) -> list[PageKey]:
    """One ranking of pages out of those by vectors, by words, and by the reranker if it read any.

    A page without words is in no ranking by words: there its rank by vectors stands for it, so that
    a library of scans and texts does not put all scans last.
    """
    rankings = [
        ([key_of(page) for page in by_vectors], MAXSIM_WEIGHT),
        ([key_of(page) for page in by_words], BM25_WEIGHT),
    ]
    if by_words:
        wordless = {key_of(page) for page in by_vectors if not page.has_words}
        rankings[1] = (keep_places(rankings[0][0], wordless, rankings[1][0]), BM25_WEIGHT)
    if reranked:
        rankings.append((list(reranked), RERANKER_WEIGHT))
    return [key for key, _ in fuse_ranks(rankings)]


def keep_places(
    ranking: Sequence[PageKey], kept: set[PageKey], others: Sequence[PageKey]
) -> list[PageKey]:
    """`others` in their order, with those of `kept` at the places that they have in `ranking`."""
    placed = iter(others)
    merged: list[PageKey] = []
    for key in ranking:
        if key in kept:
            merged.append(key)
        elif (other := next(placed, None)) is not None:
            merged.append(other)
    return [*merged, *placed]


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
    """Pages and photos as one ranking; what is found as both counts twice.

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


def key_of(page: ScoredPage) -> PageKey:
    """Which page it is: (document id, page index)."""
    return page.document_id, page.page_index


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
