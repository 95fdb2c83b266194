"""Renders the page's parts from the templates beside this module."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from app.wording import count_things, format_bytes
from ui.text import escape_text


def _escape_value(value: object) -> object:
    return value if isinstance(value, Markup) else Markup(escape_text(str(value)))


_TEMPLATES = Environment(
    loader=PackageLoader("ui"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    # Jinja alone would leave what Gradio takes for a template of its own.
    finalize=_escape_value,
)
_TEMPLATES.filters.update(count_things=count_things, format_bytes=format_bytes)


def render(name: str, **values: Any) -> str:
    """HTML of a template; whatever is put into it is shown as text."""
    return _TEMPLATES.get_template(name).render(values)
