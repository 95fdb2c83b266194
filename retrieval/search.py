"""Search: a query goes in, pages and photos with their evidence come out, best first."""

from __future__ import annotations

from retrieval.fusion import fuse_ranks
from retrieval.index.base import ALL_PAGES, PageFilter, PageIndex, ScoredPage
from retrieval.maxsim import gather_evidence
from retrieval.queries import Query
from retrieval.records import Answer, Hit, Kind, Modality

# What does not clearly answer stands behind all that does: with this weight its first rank counts
# less than the hundredth rank of what does.
UNCLEAR_WEIGHT = 0.3

# The mean cosine of a question's tokens from which on the words of a page answer it. The best page
# of sample_docs has 0.43 or more for each of its 46 questions; the stray words on the photos of
# photos-dev stay under 0.39 for 95 % of the descriptions.
CLEAR_WORDS = 0.4


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
    pages = index.search(query.page, limit, page_filter)
    photos = index.search_photos(query.photo, limit, page_filter) if query.photo is not None else []
    # Patches match every question; how well they must is not known for every checkpoint.
    clear_page = CLEAR_WORDS * len(query.page.tokens) if modality == Modality.WORDS else 0.0
    # A photo bears a few stray words at most: unless they answer, its looks speak for it.
    pages = [page for page in pages if page.kind == Kind.PAGE or page.score >= clear_page]
    found = fuse((pages, clear_page), (photos, query.clear_score))[:limit]
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
    return Answer(query.label, hits)


def fuse(*spaces: tuple[list[ScoredPage], float]) -> list[ScoredPage]:
    """Rankings of different spaces as one, by rank; what is found in two of them counts twice.

    What clearly answers and what does not are two rankings of different weight. Among equal ranks,
    the space whose best hit is the clearer one comes first. A hit keeps the score of the first
    space that it was found in.

    Args:
        spaces: (hits, best first; the score from which on one clearly answers, 0 if unknown).
    """
    scored: dict[tuple[str, int], ScoredPage] = {}
    rankings: list[tuple[float, list[tuple[str, int]], float]] = []
    for hits, clear_score in spaces:
        if not hits:
            continue
        clearness = hits[0].score / clear_score if clear_score > 0 else 1.0
        n_clear = sum(hit.score >= clear_score for hit in hits)
        keys = [(hit.document_id, hit.page_index) for hit in hits]
        rankings.append((clearness, keys[:n_clear], 1.0))
        rankings.append((clearness, keys[n_clear:], UNCLEAR_WEIGHT))
        for key, hit in zip(keys, hits, strict=True):
            scored.setdefault(key, hit)
    rankings.sort(key=lambda ranking: -ranking[0])
    return [scored[key] for key in fuse_ranks([(keys, weight) for _, keys, weight in rankings])]
