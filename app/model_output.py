"""What is said of encoders and rerankers: those of the catalogs, and those of a library."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from rich.console import Console

from app.wording import format_bytes, format_parameters
from retrieval.encoders.base import EncoderSpec
from retrieval.encoders.catalog import VIDORE_V1
from retrieval.records import Modality
from retrieval.rerankers.base import RerankerSpec

if TYPE_CHECKING:
    from app.library import Library

# What a reranker reads, beside the modalities of the encoders.
PASSAGES = "passages"


def spec_json(spec: EncoderSpec) -> dict[str, Any]:
    """One entry of `models --json`, of an encoder."""
    entry = {field.name: getattr(spec, field.name) for field in fields(spec)}
    return {**entry, "family": spec.family.value, "modality": spec.modality.value}


def reranker_json(spec: RerankerSpec) -> dict[str, Any]:
    """One entry of `models --json`, of a reranker; told apart by what it reads."""
    entry = {field.name: getattr(spec, field.name) for field in fields(spec)}
    return {**entry, "modality": PASSAGES}


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
        f"{format_parameters(spec)} parameters",
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
        f"{format_parameters(spec)} parameters",
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
