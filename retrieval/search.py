"""Search: a query goes in, pages and photos with their evidence come out, best first."""

from __future__ import annotations

import time

from retrieval.fusion import fuse_ranks
from retrieval.index.base import ALL_PAGES, PageFilter, PageIndex, ScoredPage
from retrieval.maxsim import gather_evidence
from retrieval.queries import Query
from retrieval.records import Answer, Hit, Modality

# A photo that does not clearly show what was asked stands behind the pages, not among them: with
# this weight its best rank counts less than the hundredth rank of a page.
UNCLEAR_WEIGHT = 0.3


def search_pages(
    query: Query,
    *,
    index: PageIndex,
    modality: Modality,
    limit: int,
    page_filter: PageFilter = ALL_PAGES,
) -> Answer:
    """Ranks pages by exact MaxSim and photos by their looks, and fuses the two by rank.

    Args:
        query: what is asked.
        index: where.
        modality: what the page encoder looks at; decides how evidence is drawn.
        limit: most hits to return.
        page_filter: which pages may be returned.
    """
    started = time.perf_counter()
    pages = index.search(query.page, limit, page_filter)
    photos = index.search_photos(query.photo, limit, page_filter) if query.photo is not None else []
    found = fuse(pages, photos, query.clear_score)[:limit]
    stored = index.fetch([(page.document_id, page.page_index) for page in found])
    hits = tuple(
        Hit(
            document_id=page.document_id,
            document=page.document,
            page_index=page.page_index,
            kind=page.kind,
            score=page.score,
            evidence=(
                gather_evidence(query.page, embedding, modality) if embedding is not None else None
            ),
        )
        for page, embedding in zip(found, stored, strict=True)
    )
    return Answer(query.label, hits, time.perf_counter() - started)


def fuse(pages: list[ScoredPage], photos: list[ScoredPage], clear_score: float) -> list[ScoredPage]:
    """Both rankings as one, by rank; a photo found by its text and by its looks counts twice.

    The photos that clearly show what was asked and the others are two rankings of different
    weight, and each keeps the score of the space that it ranked best in.
    """
    clear = [photo for photo in photos if photo.score >= clear_score]
    unclear = photos[len(clear) :]
    rankings = [(pages, 1.0), (clear, 1.0), (unclear, UNCLEAR_WEIGHT)]
    scored: dict[tuple[str, int], ScoredPage] = {}
    for page in [*pages, *photos]:
        scored.setdefault((page.document_id, page.page_index), page)
    order = fuse_ranks(
        [
            ([(page.document_id, page.page_index) for page in ranking], weight)
            for ranking, weight in rankings
        ]
    )
    return [scored[key] for key in order]
