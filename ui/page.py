"""The whole web page: its title and its tabs."""

from __future__ import annotations

import gradio as gr

from app.library import Library
from ui.library_tab import LibraryTab
from ui.models_tab import ModelsTab
from ui.search_tab import SearchTab

# Previews that were shown and files that were uploaded are copies: look every 15 minutes for
# those older than 2 hours.
CACHE_INTERVAL_S = 900
CACHE_AGE_S = 7200

TITLE = "<h1>Pagelens</h1><p>Search documents by how they look.</p>"


def build_page(library: Library) -> gr.Blocks:
    """The page over an open library."""
    with gr.Blocks(
        title="Pagelens",
        analytics_enabled=False,
        fill_width=True,
        delete_cache=(CACHE_INTERVAL_S, CACHE_AGE_S),
    ) as page:
        gr.HTML(TITLE, elem_id="title")
        with gr.Tab("Search", elem_id="search-tab") as search:
            SearchTab(library).build(page, search)
        with gr.Tab("Library", elem_id="library-tab") as documents:
            LibraryTab(library).build(page, documents)
        with gr.Tab("Models", elem_id="models-tab") as models:
            ModelsTab(library).build(page, models)
    return page
