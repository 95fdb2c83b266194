"""Reports as one HTML file each, that asks no other file or host for anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer
from jinja2 import Environment, PackageLoader, StrictUndefined

from app.comparison_output import format_estimate, format_speed
from app.errors import printable
from app.wording import count_things, format_bytes
from retrieval.comparison_errors import ReportNotWritten

_TEMPLATES = Environment(
    loader=PackageLoader("app"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters.update(
    count_things=count_things,
    format_bytes=format_bytes,
    format_estimate=format_estimate,
    format_speed=format_speed,
)


def render_template(name: str, **content: Any) -> str:
    """The HTML of a template of `app/templates`; whatever is put into it is shown as text."""
    return _TEMPLATES.get_template(name).render(**content)


def write_report(file: Path, html: str) -> None:
    """Writes a report, and says so on standard error.

    Raises:
        ReportNotWritten: the file cannot be written.
    """
    try:
        file.write_text(html, encoding="utf-8")
    except OSError as error:
        raise ReportNotWritten(f"{file}: {error.strerror or error}") from error
    typer.echo(printable(f"Wrote {file} ({format_bytes(file.stat().st_size)})."), err=True)
