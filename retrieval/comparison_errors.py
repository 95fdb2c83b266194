"""The failures of comparisons, as those of `retrieval.errors`."""

from __future__ import annotations

from retrieval.errors import PagelensError


class InvalidVariant(PagelensError):
    """A way to search that is to be compared cannot be read, or is the only one."""

    exit_code = 2
    remedy = (
        "`pagelens compare --help` lists what a way to search is made of; two or more are "
        "compared: --models a,b or --modes hybrid,text, say."
    )


class ReportNotWritten(PagelensError):
    """The report of a comparison cannot be written; what was asked is kept."""

    exit_code = 2
    remedy = "Name another file with --report; the answers are kept, and not asked for again."


class UnknownComparison(PagelensError):
    """The library keeps no comparison of this name."""

    exit_code = 2
    remedy = "GET /api/v1/comparisons lists those that are kept."
