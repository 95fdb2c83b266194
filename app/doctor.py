"""`pagelens doctor`: are pages and files there as the library says, and does search find them?"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ingest.documents import Documents
from ingest.files import LibraryFiles
from ingest.ingestion import Ingestion
from ingest.progress import OnProgress, Progress
from ingest.sources import Refusal
from ingest.spaces import Space
from retrieval.errors import UnreadableFile
from retrieval.index.base import PageIndex

# Below this recall the fast search is not to be trusted.
HEALTHY_RECALL = 0.95

DEPTH = 10
SAMPLED_QUESTIONS = 50

# Where too little was asked, a run of a page's own words is asked for.
QUESTION_WORDS = 10

PageKey = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found.

    Attributes:
        n_pages: pages that the library's documents have in the index, by its own table.
        missing: those of them that the index lacks.
        stray: pages of the index that no document has.
        lost_originals: documents whose file is gone.
        lost_previews: pages whose picture is gone.
        n_questions: questions that both searches were asked.
        recall: share of the exact search's `DEPTH` best pages that the fast search found, averaged
            over the questions; None where there was nothing to ask.
    """

    n_pages: int
    missing: frozenset[PageKey]
    stray: frozenset[PageKey]
    lost_originals: frozenset[str]
    lost_previews: frozenset[PageKey]
    n_questions: int
    recall: float | None

    @property
    def damaged_documents(self) -> frozenset[str]:
        """Documents of which a page or its picture is missing, or that have a page too many."""
        damaged = self.missing | self.stray | self.lost_previews
        return frozenset(document_id for document_id, _ in damaged)

    @property
    def stray_documents(self) -> frozenset[str]:
        """Documents of which the index has a page too many."""
        return frozenset(document_id for document_id, _ in self.stray)

    @property
    def is_healthy(self) -> bool:
        """Whether nothing is missing, nothing is too much, and the fast search finds its pages."""
        finds = self.recall is None or self.recall >= HEALTHY_RECALL
        return finds and not self.damaged_documents and not self.lost_originals


def examine(
    documents: Documents,
    files: LibraryFiles,
    space: Space,
    on_progress: OnProgress,
) -> Diagnosis:
    """Compares the table of documents with files and index, and the fast search with the exact."""
    index = space.index
    expected, stored = documents.list_indexed_pages(), index.list_pages()
    unfinished = {document.document_id for document in documents.list_unfinished()}
    stray = {page for page in stored - expected if page[0] not in unfinished}
    questions = list(_sample_questions(documents, index, sorted(expected & stored)))
    recalls = []
    for done, question in enumerate(questions, 1):
        query = space.encoder.encode_query(question)
        exact, fast = (
            {(page.document_id, page.page_index) for page in index.search(query, DEPTH, exact=e)}
            for e in (True, False)
        )
        if exact:
            recalls.append(len(exact & fast) / len(exact))
        on_progress(Progress("comparing", done, len(questions), ""))
    return Diagnosis(
        n_pages=len(expected),
        missing=frozenset(expected - stored),
        stray=frozenset(stray),
        lost_originals=frozenset(
            document.document_id
            for document in documents.list_whole()
            if not files.has_original(document.document_id)
        ),
        lost_previews=frozenset(_list_lost_previews(documents, files)),
        n_questions=len(recalls),
        recall=sum(recalls) / len(recalls) if recalls else None,
    )


def _list_lost_previews(documents: Documents, files: LibraryFiles) -> Iterator[PageKey]:
    for document in documents.list_whole():
        there = files.list_previews(document.document_id)
        for page in documents.list_pages(document.document_id):
            if page.error is None and page.page_index not in there:
                yield document.document_id, page.page_index


def _sample_questions(
    documents: Documents, index: PageIndex, pages: list[PageKey]
) -> Iterator[str]:
    """What people asked last, and where that is too little, what stands on pages."""
    asked = documents.list_questions()[:SAMPLED_QUESTIONS]
    yield from asked
    # Seeded, so that two runs on one library compare.
    sampled = random.Random(len(pages)).sample(
        pages, min(len(pages), SAMPLED_QUESTIONS - len(asked))
    )
    for words in index.fetch_texts(sampled):
        if words:
            yield quote_middle(words)


def quote_middle(words: Sequence[str]) -> str:
    """A run of a page's own words, to ask for the page with."""
    middle = len(words) // 2
    return " ".join(words[middle : middle + QUESTION_WORDS])


def repair(
    diagnosis: Diagnosis,
    documents: Documents,
    index: PageIndex,
    ingestion: Ingestion,
    on_progress: OnProgress,
    check: Callable[[], None],
) -> list[Refusal]:
    """Removes from the index what belongs to no document and makes anew what is missing.

    Args:
        diagnosis: what was found.
        documents: the library's.
        index: the library's.
        ingestion: at work.
        on_progress: called as pages are made.
        check: called now and then; what it raises ends the waiting.

    Returns:
        What could not be repaired, and why.
    """
    known = {document.document_id: document for document in documents.list_whole()}
    index.delete_documents(diagnosis.stray_documents - known.keys())
    failed = [
        Refusal(Path(known[lost].name), "the library has lost its original: ingest the file again")
        for lost in sorted(diagnosis.lost_originals - diagnosis.damaged_documents)
        if lost in known
    ]
    jobs = []
    for document_id in sorted(diagnosis.damaged_documents & known.keys()):
        try:
            jobs.append(ingestion.add_again(known[document_id]))
        except UnreadableFile as error:
            failed.append(Refusal(Path(known[document_id].name), str(error)))
    total = sum(job.n_pages or 0 for job in jobs)
    done = 0

    def count(name: str, n_pages: int) -> None:
        nonlocal done
        done += n_pages
        on_progress(Progress("indexing", done, total, name))

    ingestion.wait(jobs, count, check)
    over = [ingestion.find(job.job_id) for job in jobs]
    return failed + [Refusal(Path(job.name), job.error) for job in over if job.error]
