"""Lines of text on the page: file names and messages are shown, never interpreted."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape


def show_line(text: str, role: str = "status") -> str:
    """HTML that shows one line of plain text; readers of the page aloud hear a "status"."""
    return f'<p class="line" role="{role}">{escape_text(text)}</p>' if text else ""


def show_table(label: str, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """HTML of a table of this name; where the window is too narrow for it, it scrolls alone."""
    head = "".join(f'<th scope="col">{escape_text(header)}</th>' for header in headers)
    body = "".join(
        f'<tr><th scope="row">{escape_text(first)}</th>'
        + "".join(f"<td>{escape_text(cell)}</td>" for cell in rest)
        + "</tr>"
        for first, *rest in rows
    )
    return (
        f'<div class="scrolling" tabindex="0" role="region" aria-label="{escape_text(label)}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def escape_text(text: str) -> str:
    """Text as HTML that shows just this text."""
    # Gradio's HTML component is a template language too: a file may be called "${x}" or "{{x}}".
    return escape(text).replace("$", "&#36;").replace("{", "&#123;").replace("`", "&#96;")
