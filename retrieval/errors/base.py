"""The root of all failures that Pagelens names."""

from __future__ import annotations

from typing import ClassVar


class PagelensError(Exception):
    """Root of all errors that Pagelens raises on purpose; the message is one plain line."""

    exit_code: ClassVar[int] = 1
    remedy: ClassVar[str] = ""
