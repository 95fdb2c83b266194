"""What a search gives out: JSON as the contract has it, and pictures of evidence."""

from __future__ import annotations

import io
import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieval.errors import EvidenceNotSaved, UnknownPage
from retrieval.index.base import PageFilter

if TYPE_CHECKING:
    from app.library import Library
    from retrieval.records import Answer, Hit

EVIDENCE_QUALITY = 88
NAME_CHARACTERS = 60


def hit_json(hit: Hit, *, with_words: bool = False) -> dict[str, Any]:
    """One hit of `search --json`; with the word of the question that each box answers."""
    content: dict[str, Any] = {
        "document": hit.document,
        "page": hit.page_number,
        "score": round(hit.score, 4),
        "scores": {
            stage: round(score, 4)
            for stage, score in asdict(hit.scores).items()
            if score is not None
        },
        "kind": hit.kind.value,
        "document_id": hit.document_id,
        "duplicates": [{"document": name, "page": page} for name, page in hit.duplicates],
        "boxes": [
            [*(round(edge, 5) for edge in match.box), round(match.weight, 4)]
            for match in hit.matches
        ],
    }
    if with_words:
        content["words"] = [match.token for match in hit.matches]
    return content


def answer_json(
    answer: Answer,
    around: list[list[tuple[int, str]]] | None,
    *,
    grouped: bool,
    with_words: bool = False,
) -> dict[str, Any]:
    """`search --json`.

    Args:
        answer: what was found.
        around: for each hit, (page number, text) of the pages before and after it; None for none.
        grouped: whether the hits are given by document, too.
        with_words: whether each box is given with the word of the question that it answers.
    """
    hits = [hit_json(hit, with_words=with_words) for hit in answer.hits]
    for hit, pages in zip(hits, around or [], strict=False):
        hit["context"] = [{"page": page, "text": text} for page, text in pages]
    content = {
        "query": answer.query,
        "hits": hits,
        "good_match": answer.is_good,
        "seconds": round(answer.seconds, 4),
    }
    if grouped:
        content["documents"] = [
            {
                "document": group[0].document,
                "document_id": group[0].document_id,
                "pages": [hit.page_number for hit in group],
                "score": round(group[0].score, 4),
            }
            for group in answer.by_document
        ]
    return content


def draw_page_evidence(
    library: Library, document_id: str, page_number: int, question: str
) -> bytes:
    """The preview of one page, as WebP, with what answers a question lit up.

    Args:
        library: holds the page.
        document_id: of the document.
        page_number: 1-based.
        question: what is looked for on the page.

    Raises:
        UnknownDocument, UnknownPage: there is no such document, or no picture of the page.
    """
    this_page = PageFilter(documents=frozenset([document_id]), pages=(page_number, page_number))
    # Which page is best is no question here, so nothing need be ranked again.
    hits = library.search(question, 1, page_filter=this_page, rerank=False).hits
    picture = (
        library.lit_page(hits[0]) if hits else library.page_picture(document_id, page_number - 1)
    )
    if picture is None:
        name = library.find_document(document_id).name
        raise UnknownPage(f"{name}: there is no picture of page {page_number:,}")
    content = io.BytesIO()
    picture.save(content, "WEBP", quality=EVIDENCE_QUALITY)
    return content.getvalue()


def save_evidence(library: Library, answer: Answer, folder: Path, prefix: str) -> int:
    """Saves every page found with its evidence lit up, for all words and for each one.

    Args:
        library: holds the pages.
        answer: the hits.
        folder: is made if it is not there.
        prefix: before each file's name, to tell answers apart.

    Returns:
        How many pictures were saved.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        n_pictures = 0
        for rank, hit in enumerate(answer.hits, 1):
            stem = f"{prefix}-" if prefix else ""
            stem += f"{rank:02}-{safe_name(Path(hit.document).stem)}-page-{hit.page_number}"
            words = hit.evidence.words if hit.evidence else ()
            for word in (None, *words):
                picture = library.lit_page(hit, word)
                if picture is not None:
                    name = stem if word is None else f"{stem}-{safe_name(word)}"
                    picture.save(folder / f"{name}.jpg", quality=EVIDENCE_QUALITY)
                    n_pictures += 1
    except OSError as error:
        raise EvidenceNotSaved(f"{folder}: {error.strerror or error}") from error
    return n_pictures


def safe_name(text: str) -> str:
    """A text as part of a file's name on any system."""
    return re.sub(r"[^\w.-]+", "_", text)[:NAME_CHARACTERS]
