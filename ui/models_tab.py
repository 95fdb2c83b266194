"""The models tab: the models of this library, why they were chosen, and those there are."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from app.library import Library
from app.model_output import describe_encoders
from app.wording import format_bytes, format_parameters
from retrieval.encoders.base import EncoderSpec
from retrieval.encoders.catalog import PAGE_CATALOG, VIDORE_V1
from retrieval.encoders.photo_catalog import PHOTO_CATALOG
from retrieval.rerankers.base import RerankerSpec
from retrieval.rerankers.catalog import RERANKER_CATALOG
from ui.events import UNQUEUED
from ui.text import show_line, show_table

HEADERS = (
    "Model",
    "Reads",
    "Dimensions",
    "Vectors a page",
    "Parameters",
    "Memory",
    "ViDoRe nDCG@5",
    "Licence",
    "Commercial use",
    "Note",
)


@dataclass(frozen=True, slots=True)
class ModelsTab:
    """Lists the catalog; loads no weights."""

    library: Library

    def build(self, page: gr.Blocks, tab: gr.Tab) -> None:
        """Lays out the tab and wires its events."""
        encoders = gr.HTML(self.show_encoders(), elem_id="encoders", apply_default_css=False)
        rows = [describe_model(spec) for spec in PAGE_CATALOG + PHOTO_CATALOG]
        rows += [describe_reranker(spec) for spec in RERANKER_CATALOG]
        gr.HTML(show_table("Models", HEADERS, rows), elem_id="models", apply_default_css=False)
        gr.HTML(show_line(f"ViDoRe scores: {VIDORE_V1}.", role="note"))
        for event in (page.load, tab.select):
            event(
                self.show_encoders,
                None,
                encoders,
                show_progress="hidden",
                api_visibility="private",
                **UNQUEUED,
            )

    def show_encoders(self) -> str:
        """The encoders in use and why; that of photos is settled with the first photo."""
        return "".join(map(show_line, describe_encoders(self.library)))


def describe_model(spec: EncoderSpec) -> tuple[str, ...]:
    """One line of the table, every number with its unit."""
    return (
        spec.id,
        spec.modality.value,
        f"{spec.dim:,}",
        f"{spec.vectors_per_page:,}",
        format_parameters(spec),
        format_bytes(spec.memory_bytes),
        "–" if spec.vidore_ndcg5 is None else f"{spec.vidore_ndcg5:.1f} %",
        spec.licence,
        "permitted" if spec.commercial_use else "not permitted",
        spec.note,
    )


def describe_reranker(spec: RerankerSpec) -> tuple[str, ...]:
    """One line of the table: a reranker makes no vectors."""
    return (
        spec.id,
        "passages (reranker)",
        "–",
        "–",
        format_parameters(spec),
        format_bytes(spec.memory_bytes),
        "–",
        spec.licence,
        "permitted" if spec.commercial_use else "not permitted",
        spec.note,
    )
