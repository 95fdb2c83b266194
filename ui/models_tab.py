"""The models tab: the models of this library, why they were chosen, and those there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from app.library import Library
from app.model_filters import Group
from app.model_list import count_models, list_models
from app.model_output import describe_encoders
from retrieval.errors import PagelensError
from ui.compare_form import read_form, show_form, show_run
from ui.events import UNQUEUED
from ui.rendering import render
from ui.text import show_line

# Those that are listed at once; older ones are unfolded.
NEWEST_COMPARISONS = 3

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
    "Checked",
)


@dataclass(frozen=True, slots=True)
class ModelsTab:
    """Lists the catalogs, and has ways to search compared; loads no weights."""

    library: Library

    def build(self, page: gr.Blocks, tab: gr.Tab, bridge: gr.HTML) -> None:
        """Lays out the tab and wires its events."""
        bare: dict[str, Any] = {"apply_default_css": False}
        encoders = gr.HTML(self.show_encoders(), elem_id="encoders", **bare)
        form = gr.HTML(show_form(self.library), elem_id="compare-box", **bare)
        notice = gr.HTML(elem_id="compare-notice", **bare)
        run = gr.HTML(self.show_run(), elem_id="compare-run", **bare)
        comparisons = gr.HTML(self.show_comparisons(), elem_id="comparisons", **bare)
        gr.HTML(show_models(), elem_id="models", **bare)
        quiet = {"show_progress": "hidden", "api_visibility": "private", **UNQUEUED}
        for event in (page.load, tab.select):
            event(self.show_all, None, [encoders, form, run, comparisons], **quiet)
        bridge.compare(self.act, None, [notice, run, comparisons], trigger_mode="multiple", **quiet)
        # Asked for every second while one is under way; what comes late is passed over.
        bridge.comparing(self.look, None, [run, comparisons], **quiet)

    def show_all(self) -> tuple[str, str, str, str]:
        """All that may have changed since it was shown last."""
        return (
            self.show_encoders(),
            show_form(self.library),
            self.show_run(),
            self.show_comparisons(),
        )

    def act(self, event: gr.EventData) -> tuple[str, str, str]:
        """Does what a button of the page says, then shows how far the comparison is."""
        said = ""
        try:
            match str(event.act):
                case "start":
                    self.library.comparison.start(read_form(event))
                case "cancel":
                    # No door stands before an event of the page.
                    self.library.check_writable()
                    self.library.comparison.cancel()
        except PagelensError as error:
            said = str(error)
        return show_line(said), self.show_run(), self.show_comparisons()

    def look(self) -> tuple[str, str | dict[str, Any]]:
        """How far the comparison is; once it is over, with the report that it may have left."""
        state = self.library.comparison.look()
        return show_run(state), gr.skip() if state.is_running else self.show_comparisons()

    def show_run(self) -> str:
        """How far the comparison is that was begun last."""
        return show_run(self.library.comparison.look())

    def show_encoders(self) -> str:
        """The encoders in use and why; that of photos is settled with the first photo."""
        return "".join(map(show_line, describe_encoders(self.library)))

    def show_comparisons(self) -> str:
        """The comparisons that are kept with the library, newest first."""
        return render(
            "comparisons.html",
            comparisons=self.library.list_comparisons(),
            newest=NEWEST_COMPARISONS,
        )


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
