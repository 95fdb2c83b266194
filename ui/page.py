"""The whole web page: its title, its tabs, and the viewer that opens above them."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
from anyio import CapacityLimiter

from app.library import Library
from app.settings import Settings
from ui.ask_tab import AskTab
from ui.bridge import build_bridge
from ui.library_tab import LibraryTab
from ui.models_tab import ModelsTab
from ui.questions_tab import QuestionsTab
from ui.rendering import render
from ui.search_tab import SearchTab

# Pictures that were searched with are kept for a while: look every 15 minutes for those older than
# 2 hours.
CACHE_INTERVAL_S = 900
CACHE_AGE_S = 7200


def build_page(
    library: Library,
    settings: Settings,
    search_turns: CapacityLimiter,
    answer_turns: CapacityLimiter,
    uploads: Path,
) -> gr.Blocks:
    """The page over an open library.

    Args:
        library: is shown.
        settings: those that it is served with.
        search_turns: in which searches go, those of the REST API included.
        answer_turns: in which models that write answers are waited for, likewise.
        uploads: the folder in which Gradio keeps what is handed in to search with.
    """
    with gr.Blocks(
        title="Pagelens",
        analytics_enabled=False,
        fill_width=True,
        delete_cache=(CACHE_INTERVAL_S, CACHE_AGE_S),
    ) as page:
        bridge = build_bridge()
        gr.HTML(render("masthead.html"), elem_id="masthead", apply_default_css=False)
        with gr.Tab("Search", elem_id="search-tab") as search:
            SearchTab(library, search_turns, uploads).build(search, bridge)
        with gr.Tab("Ask", elem_id="ask-tab"):
            AskTab(library, search_turns, answer_turns).build(bridge)
        with gr.Tab("Library", elem_id="library-tab") as documents:
            LibraryTab(library, settings.upload_limit_bytes).build(documents, bridge)
        with gr.Tab("Questions", elem_id="questions-tab"):
            QuestionsTab(library).build(bridge)
        with gr.Tab("Models", elem_id="models-tab") as models:
            ModelsTab(library).build(page, models, bridge)
        gr.HTML(render("viewer.html"), apply_default_css=False)
    return page
