"""What `pagelens doctor` found, for people and for programs."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from app.doctor import Diagnosis
from app.errors import printable
from app.wording import count_things

# Of the pages and documents that something is wrong with, so many are named.
SHOWN_PAGES = 20


def diagnosis_json(diagnosis: Diagnosis) -> dict[str, Any]:
    """`doctor --json`."""
    return {
        "healthy": diagnosis.is_healthy,
        "pages": diagnosis.n_pages,
        "missing": [
            {"document_id": document_id, "page": index + 1}
            for document_id, index in sorted(diagnosis.missing)
        ],
        "stray": [
            {"document_id": document_id, "page": index + 1}
            for document_id, index in sorted(diagnosis.stray)
        ],
        "lost_originals": sorted(diagnosis.lost_originals),
        "lost_previews": [
            {"document_id": document_id, "page": index + 1}
            for document_id, index in sorted(diagnosis.lost_previews)
        ],
        "questions": diagnosis.n_questions,
        "recall@10": diagnosis.recall,
    }


def print_diagnosis(diagnosis: Diagnosis, names: dict[str, str]) -> None:
    """`doctor` for people.

    Args:
        diagnosis: what was found.
        names: document id -> the file's name.
    """
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"{count_things(diagnosis.n_pages, 'page')} in the library's table")
    for pages, what in (
        (diagnosis.missing, "missing from the index"),
        (diagnosis.stray, "in the index that no document has"),
        (diagnosis.lost_previews, "without a picture"),
    ):
        console.print(f"{count_things(len(pages), 'page')} {what}")
        for document_id, index in sorted(pages)[:SHOWN_PAGES]:
            name = names.get(document_id, document_id[:12])
            console.print(printable(f"  {name}, page {index + 1:,}"), markup=False)
        if len(pages) > SHOWN_PAGES:
            console.print(f"  ... and {len(pages) - SHOWN_PAGES:,} more")
    console.print(f"{count_things(len(diagnosis.lost_originals), 'document')} without the original")
    for document_id in sorted(diagnosis.lost_originals)[:SHOWN_PAGES]:
        console.print(printable(f"  {names.get(document_id, document_id[:12])}"), markup=False)
    if diagnosis.recall is not None:
        console.print(
            f"the fast search found {100 * diagnosis.recall:.1f} % of the 10 best pages of the "
            f"exact one, over {count_things(diagnosis.n_questions, 'question')}"
        )
    if diagnosis.is_healthy:
        console.print("healthy")
    elif diagnosis.damaged_documents:
        console.print(
            "not healthy: pagelens doctor --repair makes missing pages anew, and removes the others"
        )
    elif diagnosis.lost_originals:
        console.print("not healthy: pagelens ingest with the files puts their originals back")
    else:
        console.print("not healthy: search with --exact until the library is indexed anew")
