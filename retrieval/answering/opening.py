"""Which answerer answers: the one place that chooses, and opens it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from retrieval.admission import admit_model
from retrieval.answering.base import Answerer
from retrieval.answering.catalog import ANSWER_CATALOG, find_answer_model
from retrieval.answering.extractive import EXTRACTIVE, ExtractiveAnswerer
from retrieval.encoders.opening import Choice, EncoderOptions
from retrieval.errors import InvalidSetting
from retrieval.rerankers.base import Reranker


@dataclass(frozen=True, slots=True)
class AnswerOptions:
    """Who writes answers, and what may be given to it.

    Attributes:
        url: of an OpenAI-compatible endpoint; None for none.
        model: the endpoint's name of a model, or a hub id or folder; None for none.
        api_key: the endpoint's; None for none.
        page_limit: most pages that are given.
        token_limit: most tokens that are given, by estimate: words and pictures of pages, question
            and instructions.
        timeout_s: how long the endpoint may stay silent.
    """

    url: str | None = None
    model: str | None = None
    api_key: str | None = None
    page_limit: int = 5
    token_limit: int = 12_000
    timeout_s: float = 120.0

    def __repr__(self) -> str:
        return f"AnswerOptions(url={self.url!r}, model={self.model!r})"


def choose_answerer(options: AnswerOptions) -> Choice:
    """Who answers, for people, and why.

    Raises:
        InvalidSetting: an endpoint without the name of a model.
    """
    if options.url is not None and options.model is None:
        raise InvalidSetting(
            "PAGELENS_ANSWER_URL is set, but not PAGELENS_ANSWER_MODEL: the name of the model that "
            "the endpoint shall answer with"
        )
    if options.model is None:
        return Choice(EXTRACTIVE, "neither PAGELENS_ANSWER_URL nor PAGELENS_ANSWER_MODEL is set")
    if options.url is not None:
        return Choice(f"{options.model} at {options.url}", "PAGELENS_ANSWER_URL names it")
    return Choice(f"{options.model} on this machine", "PAGELENS_ANSWER_MODEL names it")


def open_answerer(
    options: AnswerOptions,
    placing: EncoderOptions,
    open_reranker: Callable[[], Reranker | None],
) -> Answerer:
    """Opens the answerer that `choose_answerer` names.

    Args:
        options: which.
        placing: where a local model runs, and whether it is for commercial use. Of what an
            endpoint runs no more than a name is known: it is refused where that is a name of the
            catalog.
        open_reranker: gives what ranks quotes.

    Raises:
        InvalidSetting: an endpoint without the name of a model.
        UnknownEncoder, HubUnreachable, WeightsRefused: a local model cannot be had.
        LicenceRefused: see `retrieval.admission`.
    """
    choose_answerer(options)
    if options.model is not None:
        known = find_answer_model(options.model)
        if known is not None or options.url is None:
            admit_model(options.model, known, ANSWER_CATALOG, commercial=placing.commercial)
    if options.url is not None and options.model is not None:
        from retrieval.answering.endpoint import EndpointAnswerer

        return EndpointAnswerer(
            options.url,
            options.model,
            options.api_key,
            page_limit=options.page_limit,
            token_limit=options.token_limit,
            timeout_s=options.timeout_s,
        )
    if options.model is not None:
        from retrieval.answering.local import LocalAnswerer

        return LocalAnswerer(
            options.model,
            placing,
            page_limit=options.page_limit,
            token_limit=options.token_limit,
        )
    return ExtractiveAnswerer(open_reranker())
