"""How the page looks: one calm theme, light and dark, with the fonts the machine has."""

from __future__ import annotations

import gradio as gr

# Plain names: Gradio's own themes fetch theirs from Google.
SANS = ("system-ui", "Segoe UI", "Roboto", "Helvetica Neue", "Noto Sans", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")

CSS = """
.gradio-container { width: 100%; max-width: 1320px !important; margin: 0 auto; }
.gradio-container > .main { width: 100%; }
.gradio-container .html-container { padding: 0; }
#title .prose { display: flex; align-items: baseline; gap: 14px; flex-wrap: wrap; }
#title h1 { font-size: 1.5rem; font-weight: 650; margin: 0; }
#title p { margin: 0; opacity: 0.75; }
.tab-container button.selected { color: var(--primary-700); }
.dark .tab-container button.selected { color: var(--primary-300); }
#question { background: var(--input-background-fill); }
.line { margin: 0; padding: 2px; overflow-wrap: anywhere; }
.refusals { margin: 0; padding-left: 1.2rem; overflow-wrap: anywhere; }
.refusals li { color: var(--error-text-color); }
/* Gradio cuts thumbnails square and lays the caption over them: pages are shown whole. */
#results .grid-wrap { max-height: none; }
#results .grid-container { padding-top: 0; }
#results .thumbnail-item {
  display: flex; flex-direction: column; height: 100%; aspect-ratio: auto;
  background: var(--background-fill-secondary);
}
#results .thumbnail-item img { height: 300px; padding: 8px; object-fit: contain; }
#results .caption-label {
  position: static; max-width: 100%; margin-top: auto; padding: 6px 10px;
  border: 0; border-top: 1px solid var(--border-color-primary); border-radius: 0;
  white-space: normal; text-overflow: clip; overflow-wrap: anywhere; text-align: left;
  line-height: 1.35; text-wrap: balance;
}
#results .thumbnail-item:hover, #results .thumbnail-item:hover * { opacity: 1; filter: none; }
/* The results may be long; the page that is open stays beside them. */
#page-column { position: sticky; top: 8px; align-self: flex-start; gap: 8px; }
/* Where the columns stand one above the other, below the results it would be out of sight. */
@media (max-width: 720px) { #page-column { position: static; order: -1; } }
#page-heading, #like-row { align-items: center; gap: 8px; flex-wrap: wrap; }
/* What does not fit beside the buttons goes to a line of its own. */
#page-title, #region-hint { flex: 1 1 200px; }
#page-title .line { font-weight: 600; text-wrap: balance; }
#like-row button { white-space: nowrap; }
/* Room for two lines, or the page would move under the pointer from one click to the next. */
#region-hint .line {
  display: flex; align-items: center; min-height: calc(2.6em + 4px);
  opacity: 0.75; line-height: 1.3;
}
/* A question has many words: one line of small choices beside their name. */
.form:has(> #evidence) { background: none; border: 0; box-shadow: none; }
#evidence { display: flex; align-items: baseline; gap: 10px; padding: 0; background: none; }
#evidence > .wrap { gap: 6px; }
#evidence label { padding: 3px 9px; }
#page-picture img { max-height: calc(100vh - 180px); object-fit: contain; cursor: crosshair; }
/* As a layer of its own the column would lie below what stands beside it. */
#page-column:has(.fullscreen) { position: static; }
#page-picture.fullscreen { overflow: auto !important; }
#page-picture.fullscreen .image-container, #page-picture.fullscreen .image-container button,
#page-picture.fullscreen .image-frame { height: auto; }
/* As wide as there is room: what is small print beside the results can be read. */
#page-picture.fullscreen img {
  width: min(100%, 1400px); height: auto; max-height: none; margin: 0 auto;
}
#documents * { font-family: var(--font); }
.scrolling { overflow-x: auto; }
.scrolling table { width: 100%; min-width: 1080px; border-collapse: collapse; }
.scrolling table, .scrolling tr { border: 0; }
.scrolling th, .scrolling td {
  padding: 8px 10px; border: 0; border-bottom: 1px solid var(--border-color-primary);
  text-align: left; vertical-align: top;
}
#delete-row { align-items: flex-end; }
"""


def make_theme() -> gr.themes.Base:
    """The theme, which follows the system's choice of light or dark."""
    return gr.themes.Base(
        primary_hue="teal", neutral_hue="stone", radius_size="md", font=SANS, font_mono=MONO
    ).set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        block_background_fill="white",
        block_background_fill_dark="*neutral_900",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_600",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover_dark="*primary_600",
        button_cancel_background_fill="#b91c1c",
        button_cancel_background_fill_hover="#991b1b",
        button_cancel_text_color="white",
        button_primary_text_color="white",
        button_primary_text_color_dark="white",
        button_cancel_background_fill_dark="#b91c1c",
        button_cancel_background_fill_hover_dark="#991b1b",
        button_cancel_text_color_dark="white",
    )
