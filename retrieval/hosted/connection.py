"""Asks a vendor's service: one JSON document goes there, one comes back.

The key goes to the service's address and nowhere else: redirects are not followed, and no error
repeats it. What failed in a way that may pass is asked again, later each time, and not before the
vendor says so.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from retrieval.answering.endpoint import THIS_MACHINE
from retrieval.hosted.services import Service
from retrieval.service_errors import (
    HostedNotInstalled,
    ServiceAccessDenied,
    ServiceFailed,
    ServiceRateLimited,
    ServiceRefused,
)

if TYPE_CHECKING:
    import httpx
    from tenacity import RetryCallState

T = TypeVar("T")

CONNECT_TIMEOUT_S = 10.0
REASON_CHARACTERS = 160
# Fewer are no key.
KEY_CHARACTERS = 8

# How Google says that a key is none, with a status that says that the request is none.
GOOGLE_REFUSES_KEY = "API key not valid"


@dataclass(frozen=True, slots=True)
class Rate:
    """How much a vendor takes in a window of time; more waits here, rather than be refused there.

    Attributes:
        amount: of requests, or of what stands in them.
        counts_inputs: whether each text or picture in a request counts.
        window_s: how long the window is.
    """

    amount: int
    counts_inputs: bool = False
    window_s: int = 60


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a vendor is asked, and how long is waited.

    Attributes:
        attempts: requests made at most, the first one included.
        base_delay_s: the longest wait after the first; each further one is twice as long. How much
            of it is waited is chance: clients that failed together come back apart.
        max_delay_s: no wait is longer; a vendor that asks for a longer one is not asked again.
        timeout_s: how long an answer may take.
    """

    attempts: int = 5
    base_delay_s: float = 1.0
    max_delay_s: float = 60.0
    timeout_s: float = 60.0

    def hurry(self) -> Patience:
        """For a person who waits: no more than three attempts of 20 s, and waits of 30 s."""
        return replace(
            self,
            attempts=min(self.attempts, 3),
            max_delay_s=min(self.max_delay_s, 30.0),
            timeout_s=min(self.timeout_s, 20.0),
        )


PATIENCE = Patience()


@dataclass(frozen=True, slots=True)
class Post:
    """A request.

    Attributes:
        path: below the service's address.
        body: a JSON document.
    """

    path: str
    body: dict[str, Any]


class ServiceConnection:
    """Asks one vendor with the key of the environment; see the module.

    Args:
        service: the vendor's.
        url: another address than the service's or the environment's.
        patience: how often and how long; None for the usual.

    Raises:
        HostedNotInstalled: the extra is not installed.
        ServiceAccessDenied: the environment holds no key.
        InvalidSetting: it names an address that is none.
    """

    def __init__(
        self, service: Service, url: str | None = None, patience: Patience | None = None
    ) -> None:
        if importlib.util.find_spec("tenacity") is None:
            raise HostedNotInstalled(f"{service.name} cannot be asked: tenacity is not installed")
        import httpx

        self.service = service
        address = url or service.read_url()
        self._host = urlsplit(address).netloc.rpartition("@")[2]
        self._key = service.read_key()
        self._patience = patience or PATIENCE
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._client = httpx.Client(
            base_url=address,
            headers={service.key_header: service.key_prefix + self._key},
            trust_env=urlsplit(address).hostname not in THIS_MACHINE,
        )

    def ask(
        self,
        post: Post,
        read: Callable[[Any], T],
        rate: Rate,
        n_inputs: int,
        *,
        is_waited_for: bool = False,
    ) -> T:
        """Sends a request, again where it failed in a way that may pass, and reads the answer.

        Args:
            post: the request; it must be one that can be carried out twice.
            read: makes something of the answer's JSON.
            rate: how much the vendor takes of such requests.
            n_inputs: texts or pictures in it.
            is_waited_for: whether a person waits for the answer; see `Patience.hurry`.

        Raises:
            ServiceFailed: there was no answer that can be read.
        """
        import tenacity

        patience = self._patience.hurry() if is_waited_for else self._patience
        backoff = tenacity.wait_random_exponential(
            multiplier=patience.base_delay_s, max=patience.max_delay_s
        )

        def is_worth_another_try(error: BaseException) -> bool:
            if not isinstance(error, ServiceFailed):
                return False
            return error.may_pass and error.wait_s <= patience.max_delay_s

        def choose_wait(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            asked_s = error.wait_s if isinstance(error, ServiceFailed) else 0.0
            return max(asked_s, backoff(state))

        asking = tenacity.Retrying(
            retry=tenacity.retry_if_exception(is_worth_another_try),
            wait=choose_wait,
            stop=tenacity.stop_after_attempt(patience.attempts),
            reraise=True,
        )
        answer = asking(self._ask_once, post, rate, n_inputs, patience.timeout_s)
        try:
            return read(answer)
        except (ValueError, TypeError, AttributeError, LookupError) as error:
            raise ServiceFailed(
                f"{self.service.name} does not answer as its documentation says: "
                f"{type(error).__name__} in the answer of {post.path}"
            ) from error

    def _ask_once(self, post: Post, rate: Rate, n_inputs: int, timeout_s: float) -> Any:
        import httpx

        self._wait_for_turn(post.path, rate, n_inputs if rate.counts_inputs else 1)
        try:
            timeout = httpx.Timeout(timeout_s, connect=CONNECT_TIMEOUT_S)
            response = self._client.post(post.path, json=post.body, timeout=timeout)
        except httpx.TimeoutException as error:
            raise ServiceFailed(
                f"{self.service.name} was silent for {timeout_s:g} s", may_pass=True
            ) from error
        except httpx.HTTPError as error:
            raise ServiceFailed(
                f"{self.service.name} cannot be reached at {self._host}: "
                f"{self._shorten(str(error))}",
                may_pass=isinstance(error, (httpx.NetworkError, httpx.RemoteProtocolError)),
            ) from error
        if not response.is_success:
            raise self._refuse(response)
        try:
            return response.json()
        except ValueError as error:
            raise ServiceFailed(f"{self.service.name} answers, but not with JSON") from error

    def _wait_for_turn(self, path: str, rate: Rate, amount: int) -> None:
        item = RateLimitItemPerSecond(rate.amount, rate.window_s)
        while not self._limiter.hit(item, path, cost=min(amount, rate.amount)):
            left_s = self._limiter.get_window_stats(item, path).reset_time - time.time()
            time.sleep(min(max(left_s, 0.01), rate.window_s))

    def _refuse(self, response: httpx.Response) -> ServiceFailed:
        """The error for a status; a vendor may quote the key where it refuses it."""
        name, status = self.service.name, response.status_code
        told = self._shorten(_read_reason(response))
        if status in (401, 403) or (status == 400 and GOOGLE_REFUSES_KEY in told):
            # A refused key is quoted in part by some; an account without credit is told here, too.
            why = f": {told}" if status == HTTPStatus.FORBIDDEN else ""
            return ServiceAccessDenied(
                f"{name} does not take the key in {self.service.key_variables[0]} "
                f"(status {status}){why}"
            )
        if response.is_redirect:
            return ServiceFailed(f"{name} redirects to another address, which is not followed")
        wait_s = read_retry_after(response.headers.get("retry-after", ""))
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            asked = f", and asks to wait {wait_s:.0f} s" if wait_s else ""
            return ServiceRateLimited(
                f"{name} takes no more requests for now (status {status}{asked}): {told}",
                may_pass=True,
                wait_s=wait_s,
            )
        if status in (408, 409) or status >= 500:
            return ServiceFailed(
                f"{name} failed (status {status}): {told}", may_pass=True, wait_s=wait_s
            )
        return ServiceRefused(f"{name} refuses the request (status {status}): {told}")

    def _shorten(self, text: str) -> str:
        """What an answer or an error says, on one short line, without the key."""
        # A key of a few letters is none, and they stand in many a word.
        told = text.replace(self._key, "***") if len(self._key) >= KEY_CHARACTERS else text
        line = " ".join(told.split()) or "no reason given"
        return line if len(line) <= REASON_CHARACTERS else f"{line[:REASON_CHARACTERS]}..."


def read_retry_after(value: str) -> float:
    """Seconds that a Retry-After header asks to wait: a number, or a date (RFC 9110, 10.2.3)."""
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError):
        return 0.0


def _read_reason(response: httpx.Response) -> str:
    """What a vendor says of a refusal: each has a place of its own for it."""
    try:
        said = response.json()
    except ValueError:
        return response.text
    if isinstance(said, dict):
        said = said.get("error", said)
    if isinstance(said, dict):
        said = said.get("message") or said.get("detail") or said
    return str(said)
