"""What models at a vendor cost: estimated before, summed up after."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from retrieval.hosted.passages import choose_limit, cut_passages
from retrieval.model_spec import ModelSpec

# What OpenAI and Cohere tell their users of English text.
ASCII_CHARACTERS_A_TOKEN = 4

# By `estimate_cost`, of 104 pages of reports, papers and forms.
TOKENS_A_PAGE = 820

LEAST_USD = 0.0001


@dataclass(frozen=True, slots=True)
class Cost:
    """What a vendor was, or would be, paid.

    Attributes:
        tokens: that are billed; 0 where something else is.
        usd: at list prices, without taxes and free tiers; None where no price is known.
        is_estimate: whether the tokens were counted here, and not by the vendor.
    """

    tokens: int = 0
    usd: float | None = 0.0
    is_estimate: bool = False

    def __add__(self, other: Cost) -> Cost:
        """Both together; the price is known if both are."""
        usd = None if self.usd is None or other.usd is None else self.usd + other.usd
        return Cost(self.tokens + other.tokens, usd, self.is_estimate or other.is_estimate)

    def __str__(self) -> str:
        """Such as "about $0.12 for 1.2 M tokens"."""
        price = "an unknown price" if self.usd is None else _show_usd(self.usd)
        about = "about " if self.is_estimate else ""
        return f"{about}{price} for {_show_count(self.tokens)} tokens" if self.tokens else price


@runtime_checkable
class Paid(Protocol):
    """A model that runs at a vendor, of whatever kind."""

    @property
    def spec(self) -> ModelSpec:
        """Its catalog entry."""

    @property
    def spent(self) -> Cost:
        """What was paid since it was opened."""


class Meter:
    """Sums up what requests cost; several threads may add."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spent = Cost()

    def add(self, cost: Cost) -> None:
        """Adds the cost of one request."""
        with self._lock:
            self._spent = self._spent + cost

    @property
    def spent(self) -> Cost:
        """What all requests cost until now."""
        with self._lock:
            return self._spent


def price_tokens(spec: ModelSpec, tokens: int, *, is_estimate: bool = False) -> Cost:
    """What so many tokens cost at a model's list price."""
    price = spec.usd_per_million_tokens
    return Cost(tokens, None if price is None else tokens * price / 1e6, is_estimate)


def estimate_tokens(text: str) -> int:
    """About how many tokens a text is billed as: the mean case, unlike `bound_tokens`.

    On 104 pages in English it is 24 % more than MiniLM's WordPiece makes of them.
    """
    n_ascii = sum(character.isascii() for character in text)
    return -(-n_ascii // ASCII_CHARACTERS_A_TOKEN) + len(text) - n_ascii


def estimate_cost(spec: ModelSpec, texts: Iterable[str]) -> Cost:
    """About what encoding the texts of pages at a vendor will cost; nothing is sent.

    Args:
        spec: the entry of a hosted text encoder.
        texts: the words of each page; what passages repeat is counted, too.
    """
    limit = choose_limit(spec.context_tokens)
    tokens = sum(
        estimate_tokens(passage) for text in texts for passage in cut_passages(text, limit)
    )
    return price_tokens(spec, tokens, is_estimate=True)


def estimate_cost_of_pages(spec: ModelSpec, n_pages: int) -> Cost:
    """About what so many pages will cost whose texts are not read yet; pages differ much."""
    return price_tokens(spec, n_pages * TOKENS_A_PAGE, is_estimate=True)


def _show_usd(usd: float) -> str:
    if 0 < usd < LEAST_USD:
        return f"less than ${LEAST_USD}"
    return f"${usd:.2f}" if usd >= 0.1 or usd == 0 else f"${usd:.2g}"


def _show_count(n: int) -> str:
    if n >= 1_000_000:
        return f"{n / 1e6:.1f} M"
    return f"{n / 1e3:.0f} k" if n >= 10_000 else f"{n:,}"
