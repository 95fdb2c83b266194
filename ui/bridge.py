"""The bridge between the scripts of the page and its Python: events that carry data."""

from __future__ import annotations

import gradio as gr

# Gradio lets a component of one's own raise events, by the names that stand in its script.
CONNECT = """
window.pagelens = { trigger, upload, events: [
    "search", "ask", "look", "stop", "library", "jobs", "questions", "proposals",
    "compare", "comparing"] };
"""


def build_bridge() -> gr.HTML:
    """Shows nothing; its events are raised by `ui/static/page.js`."""
    return gr.HTML("", js_on_load=CONNECT, apply_default_css=False, elem_id="bridge")
