"""Search: a question goes in, pages with their evidence come out, best first."""

from __future__ import annotations

import time

from retrieval.encoders.base import Encoder
from retrieval.index.base import ALL_PAGES, PageFilter, PageIndex
from retrieval.maxsim import find_matches
from retrieval.records import Answer, Hit


def search_pages(
    query: str,
    *,
    encoder: Encoder,
    index: PageIndex,
    limit: int,
    page_filter: PageFilter = ALL_PAGES,
) -> Answer:
    """Ranks pages by exact MaxSim and finds on each what matched, from its stored vectors."""
    started = time.perf_counter()
    embedding = encoder.encode_query(query)
    found = index.search(embedding, limit, page_filter)
    stored = index.fetch([(page.document_id, page.page_index) for page in found])
    hits = tuple(
        Hit(
            document_id=page.document_id,
            document=page.document,
            page_index=page.page_index,
            kind=page.kind,
            score=page.score,
            matches=find_matches(embedding, vectors) if vectors is not None else (),
        )
        for page, vectors in zip(found, stored, strict=True)
    )
    return Answer(query, hits, time.perf_counter() - started)
