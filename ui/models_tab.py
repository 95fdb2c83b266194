"""The models tab: the models of this library, why they were chosen, and those there are."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from app.library import Library
from app.model_filters import Group
from app.model_list import count_models, list_models
from app.model_output import describe_encoders
from ui.events import UNQUEUED
from ui.rendering import render
from ui.text import show_line

HEADERS = (
    "Model",
    "Reads",
    "Dimensions",
    "Context in tokens",
    "Parameters",
    "Memory",
    "Price of a million tokens",
    "Licence",
    "Commercial use",
    "Languages",
    "Note",
)


@dataclass(frozen=True, slots=True)
class ModelsTab:
    """Lists the catalogs; loads no weights."""

    library: Library

    def build(self, page: gr.Blocks, tab: gr.Tab) -> None:
        """Lays out the tab and wires its events."""
        encoders = gr.HTML(self.show_encoders(), elem_id="encoders", apply_default_css=False)
        gr.HTML(show_models(), elem_id="models", apply_default_css=False)
        comparisons = gr.HTML(
            self.show_comparisons(), elem_id="comparisons", apply_default_css=False
        )
        for event in (page.load, tab.select):
            event(
                lambda: (self.show_encoders(), self.show_comparisons()),
                None,
                [encoders, comparisons],
                show_progress="hidden",
                api_visibility="private",
                **UNQUEUED,
            )

    def show_encoders(self) -> str:
        """The encoders in use and why; that of photos is settled with the first photo."""
        return "".join(map(show_line, describe_encoders(self.library)))

    def show_comparisons(self) -> str:
        """The comparisons that are kept with the library, and how to make one."""
        return render("comparisons.html", comparisons=self.library.list_comparisons())


def show_models() -> str:
    """HTML of the table of all models, and of what it is filtered by in the browser."""
    models = list_models()
    return render(
        "models.html",
        models=models,
        headers=HEADERS,
        groups=[group.value for group in Group],
        counted=count_models(models),
    )
