"""Lines of text on the page: file names and messages are shown, never interpreted."""

from __future__ import annotations

from html import escape


def show_line(text: str, role: str = "status") -> str:
    """HTML that shows one line of plain text; readers of the page aloud hear a "status"."""
    return f'<p class="line" role="{role}">{escape_text(text)}</p>' if text else ""


def escape_text(text: str) -> str:
    """Text as HTML that shows just this text."""
    # Gradio's HTML component is a template language too: a file may be called "${x}" or "{{x}}".
    return escape(text).replace("$", "&#36;").replace("{", "&#123;").replace("`", "&#96;")
