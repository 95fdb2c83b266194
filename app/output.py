"""What the command line prints: JSON as the contract has it, and text for people."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from app.errors import printable
from retrieval.encoders.base import EncoderSpec
from retrieval.encoders.catalog import VIDORE_V1
from retrieval.errors import EvidenceNotSaved
from retrieval.records import Modality
from retrieval.rerankers.base import RerankerSpec

if TYPE_CHECKING:
    from app.evaluate import Evaluation, Measured
    from app.library import Library
    from app.library_status import LibraryStatus
    from retrieval.records import Answer, Hit

EVIDENCE_QUALITY = 88
NAME_CHARACTERS = 60

# What a reranker reads, beside the modalities of the encoders.
PASSAGES = "passages"

BYTE_UNITS = ("B", "kB", "MB", "GB", "TB")


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


def evaluation_json(evaluation: Evaluation) -> dict[str, Any]:
    """The last line of `evaluate --json`."""
    pages_per_second = evaluation.pages_per_second
    bytes_per_page = evaluation.bytes_per_page
    content = {
        **_measured_json(evaluation.search),
        "pages_per_second": None if pages_per_second is None else round(pages_per_second, 3),
        "bytes_per_page": None if bytes_per_page is None else round(bytes_per_page),
        "log_bytes": evaluation.log_bytes,
        "encoder": evaluation.encoder,
        "reranker": evaluation.reranker,
    }
    if evaluation.stages:
        content["stages"] = {
            name: _measured_json(measured) for name, measured in evaluation.stages.items()
        }
    return content


def _measured_json(measured: Measured) -> dict[str, Any]:
    return {
        "metrics": {key: round(value, 4) for key, value in measured.metrics.items()},
        "split": {
            part: {"questions": n, **{key: round(value, 4) for key, value in metrics.items()}}
            for part, (n, metrics) in measured.split.items()
        },
        "ms_per_query": round(measured.ms_per_query, 1),
    }


def status_json(status: LibraryStatus) -> dict[str, Any]:
    """`status --json`."""
    content: dict[str, Any] = {
        "documents": status.counts.documents,
        "pages": status.counts.pages,
        "photos": status.counts.photos,
        "failed": status.counts.failed,
        "encoder": status.encoder,
        "bytes": status.n_bytes,
    }
    if status.collection is not None:
        # Elsewhere, and not in "bytes".
        content["collection"] = status.collection
    if status.under_way:
        content["under_way"] = [
            {
                "document": job.name,
                "state": job.state.value,
                "pages": job.n_pages,
                "pages_done": job.pages_done,
            }
            for job in status.under_way
        ]
    return content


def spec_json(spec: EncoderSpec) -> dict[str, Any]:
    """One entry of `models --json`, of an encoder."""
    entry = {name: getattr(spec, name) for name in EncoderSpec.__slots__}
    return {**entry, "family": spec.family.value, "modality": spec.modality.value}


def reranker_json(spec: RerankerSpec) -> dict[str, Any]:
    """One entry of `models --json`, of a reranker; told apart by what it reads."""
    entry = {name: getattr(spec, name) for name in RerankerSpec.__slots__}
    return {**entry, "modality": PASSAGES}


def format_bytes(n_bytes: float) -> str:
    """A size with its unit, in powers of 1000."""
    units = iter(BYTE_UNITS)
    unit = next(units)
    while n_bytes >= 1000 and unit != BYTE_UNITS[-1]:
        n_bytes, unit = n_bytes / 1000, next(units)
    return f"{n_bytes:.0f} {unit}" if unit == "B" or n_bytes >= 100 else f"{n_bytes:.1f} {unit}"


def count_things(n: int, noun: str) -> str:
    """A number with its noun."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def print_evaluation(evaluation: Evaluation) -> None:
    """The measures as a table, whole and split, and the speeds below."""
    console = Console()
    table = Table("measure", "all")
    search = evaluation.search
    for part, (n_questions, _) in search.split.items():
        table.add_column(f"{part} ({n_questions} questions)")
    for key, value in search.metrics.items():
        parts = (metrics[key] for _, metrics in search.split.values())
        table.add_row(key, *(f"{number:.3f}" for number in (value, *parts)))
    console.print(table)
    if evaluation.stages:
        console.print(_tabulate_stages(evaluation.stages))
    speed = evaluation.pages_per_second
    index_size, log_size = evaluation.bytes_per_page, evaluation.log_bytes
    if index_size is None or log_size is None:
        size = "the index on a Qdrant server"
    else:
        size = f"{format_bytes(index_size)} of index a page (and {format_bytes(log_size)} of log)"
    console.print(
        f"{evaluation.n_pages:,} pages, "
        + (f"{speed:.1f} pages/s, " if speed else "indexed before, ")
        + f"{search.ms_per_query:.0f} ms a query, "
        f"{size}, {evaluation.encoder}, reranker {evaluation.reranker or 'none'}",
        highlight=False,
        soft_wrap=True,
    )


def _tabulate_stages(stages: dict[str, Measured]) -> Table:
    parts = next(iter(stages.values())).split
    table = Table("stage", "nDCG@5", *(f"nDCG@5 {part}" for part in parts), "recall@10", "ms/query")
    for name, measured in stages.items():
        by_part = (metrics["ndcg@5"] for _, metrics in measured.split.values())
        quality = (measured.metrics["ndcg@5"], *by_part, measured.metrics["recall@10"])
        table.add_row(name, *(f"{q:.3f}" for q in quality), f"{measured.ms_per_query:.0f}")
    return table


def print_models(specs: Sequence[EncoderSpec], rerankers: Sequence[RerankerSpec]) -> None:
    """The catalogs as a list: a table of so many columns fits no terminal."""
    photos = [describe_spec(spec) for spec in specs if spec.modality == Modality.PHOTOS]
    pages = [describe_spec(spec) for spec in specs if spec.modality != Modality.PHOTOS]
    console = Console()
    for title, models in (
        ("Pages (--model)", pages),
        ("Photos (--photo-model)", photos),
        ("Rerankers", [describe_reranker(spec) for spec in rerankers]),
    ):
        console.print(title, style="bold")
        for name, *lines in models:
            console.print(f"  {name}", style="cyan", highlight=False)
            for line in lines:
                text = textwrap.indent(textwrap.fill(line, console.width - 6), " " * 6)
                console.print(text, highlight=False, markup=False)
    console.print(f"ViDoRe scores: {VIDORE_V1}.", highlight=False)


def describe_spec(spec: EncoderSpec) -> list[str]:
    """The name of an encoder and two or three lines about it, every number with its unit."""
    vectors = (
        "1 vector" if spec.vectors_per_page == 1 else f"about {spec.vectors_per_page:,} vectors"
    )
    facts = [
        f"reads {spec.modality.value}",
        f"{vectors} of {spec.dim:,} dimensions",
        f"{spec.n_parameters / 1e6:,.0f} M parameters",
        f"{format_bytes(spec.memory_bytes)} of memory",
    ]
    if spec.vidore_ndcg5 is not None:
        facts.append(f"ViDoRe nDCG@5 {spec.vidore_ndcg5:.1f} %")
    return [spec.id, ", ".join(facts), describe_licence(spec), *filter(None, [spec.note])]


def describe_reranker(spec: RerankerSpec) -> list[str]:
    """The name of a reranker and two or three lines about it, every number with its unit."""
    facts = [
        f"reads {PASSAGES} with the question, up to {spec.context_tokens:,} tokens",
        spec.languages,
        f"{spec.n_parameters / 1e6:,.0f} M parameters",
        f"{format_bytes(spec.memory_bytes)} of memory",
    ]
    return [spec.id, ", ".join(facts), describe_licence(spec), *filter(None, [spec.note])]


def describe_licence(spec: EncoderSpec | RerankerSpec) -> str:
    """The licence of a model's weights, and whether they may be used commercially."""
    commercial = "permitted" if spec.commercial_use else "not permitted"
    return f"{spec.licence}; commercial use {commercial}"


def describe_encoders(library: Library) -> list[str]:
    """Which encoders a library uses, and why; and what to beware of."""
    encoders = library.encoders
    photos = encoders.choose_photos()
    pooled = f", pool factor {encoders.pool_factor}" if encoders.pool_factor > 1 else ""
    lines = [
        f"Pages: {encoders.choice.name}{pooled} ({encoders.choice.reason}).",
        f"Photos: {photos.name} ({photos.reason}).",
        f"Vectors: stored as {encoders.vector_storage.value}.",
    ]
    reranker = encoders.choose_reranker()
    if reranker is not None:
        lines.append(f"Reranker: {reranker.name} ({reranker.reason}).")
    if encoders.self_test_skipped:
        lines.append("Warning: the encoder was not tested; what it finds may be chance.")
    return lines


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


def print_status(folder: Path, status: LibraryStatus) -> None:
    """What a library holds, document by document."""
    counts = status.counts
    console = Console()
    console.print(
        f"{folder}: {count_things(counts.documents, 'document')}, "
        f"{count_things(counts.pages, 'page')}, {count_things(counts.photos, 'photo')}, "
        f"{format_bytes(status.n_bytes)}, encoder {status.encoder or 'not chosen yet'}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    if status.collection:
        console.print(
            f"The index is the collection {status.collection} of a Qdrant server; its size is not "
            "counted.",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    if counts.unread_pages:
        console.print(f"{count_things(counts.unread_pages, 'page')} without a word to search by")
    for job in status.under_way:
        text = f"{job.state.value} {job.name}: {job.pages_done:,} of {job.n_pages or 0:,} pages"
        console.print(printable(text), markup=False, highlight=False, soft_wrap=True)
    if status.documents:
        table = Table("document", "kind", "pages", "size", "added", "id")
        for document in status.documents:
            table.add_row(
                printable(document.name).replace("[", "\\["),
                document.kind.value,
                f"{document.n_pages:,}",
                format_bytes(document.n_bytes),
                document.added_at.astimezone().strftime("%Y-%m-%d %H:%M"),
                document.document_id[:12],
            )
        console.print(table)
    for refusal in status.refusals:
        text = printable(f"refused {refusal.path}: {refusal.error}")
        console.print(text, markup=False, highlight=False, soft_wrap=True)
