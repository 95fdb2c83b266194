"""How the page asks the server."""

from __future__ import annotations

from typing import Any

# What is answered at once, and in any order, goes around Gradio's queue. The queue's answers come
# over one stream, which the browser closes when all have come: what is asked for just then, a first
# question while the page loads, would never be answered.
UNQUEUED: dict[str, Any] = {"queue": False}
