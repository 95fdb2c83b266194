"""What goes wrong with models that run at a vendor: one class each, as in `retrieval.errors`."""

from __future__ import annotations

from retrieval.errors import PagelensError


class HostedNotInstalled(PagelensError):
    """A model runs at a vendor, and what asks vendors is not installed."""

    exit_code = 5
    remedy = "Install it: pip install 'pagelens[hosted]'."


class ServiceFailed(PagelensError):
    """A vendor's service does not answer, fails, or answers otherwise than it documents.

    Attributes:
        may_pass: whether the same request may succeed later.
        wait_s: how long the vendor asks to wait before; 0 where it does not say.
    """

    exit_code = 8
    remedy = (
        "Search again later, or `pagelens ingest --retry-failed`: what was stored stays. The "
        "vendor's status page says whether its service runs."
    )

    def __init__(self, message: str, *, may_pass: bool = False, wait_s: float = 0.0) -> None:
        super().__init__(message)
        self.may_pass = may_pass
        self.wait_s = wait_s


class ServiceAccessDenied(ServiceFailed):
    """The vendor's key is not in the environment, or the vendor does not take it."""

    remedy = (
        "Set the environment variable named here to a key of the vendor's; keys are read from "
        "nowhere else, and never stored."
    )


class ServiceRefused(ServiceFailed):
    """The vendor does not take the request, or knows no such model."""

    remedy = (
        "Check that your account with the vendor may use this model; `pagelens models` lists "
        "the others."
    )


class ServiceRateLimited(ServiceFailed):
    """The vendor takes no more requests for now."""

    remedy = (
        "Wait, then search again, or `pagelens ingest --retry-failed`: what was stored stays. The "
        "limits are those of your account with the vendor."
    )
