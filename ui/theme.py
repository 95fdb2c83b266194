"""How the page looks: Gradio's plain theme, the machine's own fonts; all else is `theme.css`."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

STATIC = Path(__file__).parent / "static"
CSS = STATIC / "theme.css"

# Plain names: Gradio's own themes fetch theirs from Google.
SANS = ("system-ui", "Segoe UI", "Roboto", "Helvetica Neue", "Noto Sans", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")

HEAD = '<script type="module" src="/ui/page.js"></script>'


def make_theme() -> gr.themes.Base:
    """The theme, which follows the system's choice of light or dark."""
    return gr.themes.Base(
        primary_hue="teal", neutral_hue="stone", radius_size="md", font=SANS, font_mono=MONO
    )
