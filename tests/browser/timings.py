"""How long the web page takes, noted by tests and printed at the end of the run."""

from __future__ import annotations

TIMINGS = "timings of the web page"

# Other tests run at the same time; a limit is what something may take on a quiet machine.
BUSY = 5


def note_timing(record_property, what: str, seconds: float, limit_s: float) -> None:
    """Notes how long something took, and checks that it is not many times its limit."""
    record_property(TIMINGS, f"{what}: {seconds:.2f} s (on a quiet machine under {limit_s} s)")
    assert seconds < BUSY * limit_s, f"{what} took {seconds:.2f} s"


def list_timings(stats) -> list[str]:
    """What was noted, from the reports of a run; workers send theirs along."""
    noted = [
        value
        for reports in stats.values()
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == TIMINGS
    ]
    return list(dict.fromkeys(noted))
