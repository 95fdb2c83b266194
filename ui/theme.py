"""How the page looks: Gradio's plain theme, the machine's own fonts; all else is `theme.css`."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

STATIC = Path(__file__).parent / "static"
CSS = STATIC / "theme.css"

# Plain names: Gradio's own themes fetch theirs from Google.
SANS = ("system-ui", "Segoe UI", "Roboto", "Helvetica Neue", "Noto Sans", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")

FAVICON = STATIC / "favicon.svg"
# The first stands in the page itself: asked for as a file, it would come after the masthead.
HEAD = (
    f"<script>{(STATIC / 'scheme.js').read_text(encoding='utf-8')}</script>"
    '<script type="module" src="/ui/page.js"></script>'
)
# The page's ground while Gradio lays it out; `--ground` of `theme.css`.
GROUND = "#f7f6f3"
DARK_GROUND = "#141817"


def make_theme() -> gr.themes.Base:
    """The theme; whether it is light or dark is for `scheme.js` to say."""
    theme = gr.themes.Base(
        primary_hue="teal", neutral_hue="stone", radius_size="md", font=SANS, font_mono=MONO
    )
    return theme.set(body_background_fill=GROUND, body_background_fill_dark=DARK_GROUND)
