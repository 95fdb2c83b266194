"""What goes wrong where a model writes an answer."""

from __future__ import annotations

from retrieval.errors.base import PagelensError


class AnswerFailed(PagelensError):
    """The model that writes answers gives none, or none that can be read."""

    exit_code = 8
    remedy = (
        "Ask again, or look at the log of the server at PAGELENS_ANSWER_URL; without it and "
        "PAGELENS_ANSWER_MODEL, the best pages are quoted."
    )


class AnswerServerUnreachable(AnswerFailed):
    """The endpoint that writes answers does not answer, or not in time."""

    remedy = (
        "Check PAGELENS_ANSWER_URL, and that the server there runs; PAGELENS_ANSWER_TIMEOUT_S is "
        "how long it may stay silent."
    )


class AnswerAccessDenied(AnswerFailed):
    """The endpoint that writes answers does not take the API key."""

    remedy = "Set PAGELENS_ANSWER_API_KEY to a key that the endpoint takes."


class UnknownAnswerModel(AnswerFailed):
    """The endpoint that writes answers does not know the model, or is none."""

    remedy = (
        "Set PAGELENS_ANSWER_MODEL to a model that the endpoint has; PAGELENS_ANSWER_URL mostly "
        "ends in /v1."
    )


class AnswerRefused(AnswerFailed):
    """The endpoint that writes answers does not take the request: it is too long, say."""

    remedy = (
        "Lower PAGELENS_ANSWER_PAGES or PAGELENS_ANSWER_TOKENS, or choose a model that takes "
        "pictures and so many tokens."
    )


class AnswerRateLimited(AnswerFailed):
    """The endpoint that writes answers takes no more requests for now."""

    remedy = "Wait, then ask again."
