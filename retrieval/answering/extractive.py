"""The offline answerer: the parts of the best pages that answer best, quoted word for word.

No word of such an answer is generated. Candidates are ranked by what the search made of their page,
by how well the places that they cover answer the question's tokens, and by a cross-encoder that
reads the best of them beside the question.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from retrieval.answering.base import Asked, merge_citations
from retrieval.answering.candidates import Candidate, list_candidates
from retrieval.answering.citations import label_pages
from retrieval.answering.records import (
    AnswerEnd,
    AnswerEvent,
    AnswerPages,
    Citation,
    CitedPage,
    FoundPage,
    Quote,
)
from retrieval.lexical import split_word
from retrieval.rarity import weigh_shared
from retrieval.records import Box, Evidence
from retrieval.rerankers.base import Reranker

EXTRACTIVE = "quotes from the pages, word for word (no model writes)"

QUOTED_PAGES = 5
QUOTES = 3

# Candidates that the cross-encoder reads: 0.2 s with minilm-reranker on two cores.
READ_CANDIDATES = 24

# How much the rarity of the terms that a candidate shares with the question counts beside how well
# its places answer, for being read at all.
RARITY_WEIGHT = 0.3

# What is added to the cross-encoder's logit, in its units. Chosen on the questions of sample_docs,
# see tests/retrieval/test_answering_quality.py.
EVIDENCE_WEIGHT = 5.0
RANK_PENALTY = 1.0
# A heading or a lone word, what only repeats the question, a page's header or footer.
SHORT_PENALTY, SHORT_TERMS = 2.0, 4
NOTHING_NEW_PENALTY = 2.0
MARGIN_PENALTY, MARGIN = 4.0, 0.07

# From this score on the best quote counts as an answer; chosen on the same questions, and on others
# that these documents do not answer.
ANSWERED_FROM = -4.0

# Quotes behind the first are shown down to so much less than its score.
SHOWN_BELOW_BEST = 4.0


class ExtractiveAnswerer:
    """Quotes pages; see the module's description.

    Args:
        reranker: the cross-encoder; None to rank by evidence and terms alone, by which nothing can
            be told not to answer.
    """

    name = EXTRACTIVE
    is_generated = False
    wants_pictures = True
    page_limit = QUOTED_PAGES

    def __init__(self, reranker: Reranker | None) -> None:
        self._reranker = reranker

    def answer(self, asked: Asked) -> Iterator[AnswerEvent]:
        """Quotes, best first; see `Answerer.answer`."""
        pages = [page for page in asked.pages[:QUOTED_PAGES] if page.words]
        yield AnswerPages(
            self.name,
            self.is_generated,
            tuple(
                CitedPage(p.document_id, p.document, p.page_index, p.kind, label, has_text=True)
                for p, label in zip(pages, label_pages(pages), strict=True)
            ),
            budget=None,
        )
        ranked = rank_quotes(asked.question, pages, self._reranker)
        is_answered = (
            asked.is_good
            and bool(ranked)
            and (self._reranker is None or ranked[0].score >= ANSWERED_FROM)
        )
        shown = [
            quote
            for quote in ranked[:QUOTES]
            if is_answered and quote.score >= ranked[0].score - SHOWN_BELOW_BEST
        ]
        yield from shown
        citations = [Citation(q.document_id, q.document, q.page_index, q.boxes) for q in shown]
        seconds = time.perf_counter() - asked.started
        yield AnswerEnd(is_answered, merge_citations(citations), seconds)


@dataclass(frozen=True, slots=True, eq=False)
class _Ranked:
    """A candidate with its page, the page's rank from 0, and how well its places answer."""

    page: FoundPage
    rank: int
    candidate: Candidate
    evidence: float


def rank_quotes(
    question: str, pages: Sequence[FoundPage], reranker: Reranker | None
) -> list[Quote]:
    """The candidates of pages as quotes, best first; the same words are quoted once."""
    candidates = [
        _Ranked(page, rank, candidate, _weigh_evidence(page.evidence, candidate.boxes))
        for rank, page in enumerate(pages)
        for candidate in list_candidates(page.words, page.picture)
    ]
    if not candidates:
        return []
    read = _choose(question, candidates)
    passages = [each.candidate.passage for each in read]
    logits = reranker.score(question, passages) if reranker else np.zeros(len(read))
    asked = {term for word in question.split() for term in split_word(word)}
    quotes: dict[str, Quote] = {}
    for each, logit in zip(read, logits, strict=True):
        quote = Quote(
            each.candidate.kind,
            each.candidate.text,
            each.page.document_id,
            each.page.document,
            each.page.page_index,
            each.candidate.boxes,
            float(logit) + _adjust(each, asked),
            each.candidate.header,
        )
        known = quotes.get(quote.text)
        if known is None or known.score < quote.score:
            quotes[quote.text] = quote
    return sorted(quotes.values(), key=lambda quote: -quote.score)


def _choose(question: str, candidates: Sequence[_Ranked]) -> list[_Ranked]:
    """The candidates worth reading, by evidence and by the rarity of the terms they share."""
    shared = weigh_shared(question, [each.candidate.passage.split() for each in candidates])
    most = max(shared) or 1.0
    weights = [
        each.evidence + RARITY_WEIGHT * weight / most
        for each, weight in zip(candidates, shared, strict=True)
    ]
    best = sorted(range(len(candidates)), key=lambda place: -weights[place])
    return [candidates[place] for place in best[:READ_CANDIDATES]]


def _weigh_evidence(evidence: Evidence | None, boxes: Sequence[Box]) -> float:
    """The mean over the question's tokens of the best cosine among the places in boxes."""
    if evidence is None or not evidence.similarities.size:
        return 0.0
    middle_x = (evidence.boxes[:, 0] + evidence.boxes[:, 2]) / 2
    middle_y = (evidence.boxes[:, 1] + evidence.boxes[:, 3]) / 2
    inside = np.zeros(len(evidence.boxes), dtype=bool)
    for x0, y0, x1, y1 in boxes:
        inside |= (middle_x >= x0) & (middle_x <= x1) & (middle_y >= y0) & (middle_y <= y1)
    if not inside.any():
        return 0.0
    return float(evidence.similarities[:, inside].max(axis=1).mean())


def _adjust(each: _Ranked, asked: set[str]) -> float:
    terms = [term for word in each.candidate.words for term in split_word(word.text)]
    top, bottom = each.candidate.boxes[0].y0, each.candidate.boxes[-1].y1
    adjusted = EVIDENCE_WEIGHT * each.evidence - RANK_PENALTY * each.rank
    if len(terms) < SHORT_TERMS:
        adjusted -= SHORT_PENALTY
    if asked.issuperset(terms):
        adjusted -= NOTHING_NEW_PENALTY
    if bottom < MARGIN or top > 1 - MARGIN:
        adjusted -= MARGIN_PENALTY
    return adjusted
