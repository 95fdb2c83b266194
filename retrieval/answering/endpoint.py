"""Answers through any OpenAI-compatible endpoint with vision, streamed.

The key goes to the host that the settings name and nowhere else: redirects are not followed. No
tools are offered, and calls of tools that come all the same are passed over.
"""

from __future__ import annotations

import base64
import io
import socket
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from PIL import Image

from retrieval.answering.base import StopSignal
from retrieval.answering.generated import GeneratingAnswerer
from retrieval.answering.prompt import Prompt
from retrieval.errors import (
    AnswerAccessDenied,
    AnswerFailed,
    AnswerRateLimited,
    AnswerRefused,
    AnswerServerUnreachable,
    UnknownAnswerModel,
)

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionContentPartParam

PICTURE_QUALITY = 80
CONNECT_TIMEOUT_S = 10.0
REASON_CHARACTERS = 160

# The proxy of an environment does not reach a server on this machine.
THIS_MACHINE = ("localhost", "127.0.0.1", "::1")

# The client insists on a key, and would take that of its own environment variable.
NO_KEY = "none"


class EndpointAnswerer(GeneratingAnswerer):
    """Answers through one endpoint; see the module's description.

    Args:
        url: such as http://127.0.0.1:11434/v1.
        model: the endpoint's name of it.
        api_key: None for none.
        page_limit: most pages that are given.
        token_limit: most tokens that are given, by estimate.
        timeout_s: how long the endpoint may stay silent.
    """

    def __init__(
        self,
        url: str,
        model: str,
        api_key: str | None,
        *,
        page_limit: int,
        token_limit: int,
        timeout_s: float,
    ) -> None:
        super().__init__(f"{model} at {url}", page_limit, token_limit)
        import openai

        self._url = url
        self._model = model
        self._key = api_key
        self._timeout_s = timeout_s
        omitted: Any = openai.omit
        self._client = openai.OpenAI(
            base_url=url,
            api_key=api_key or NO_KEY,
            # Its own environment variables must not reach this endpoint.
            default_headers={"OpenAI-Organization": omitted, "OpenAI-Project": omitted},
            timeout=openai.Timeout(timeout_s, connect=min(timeout_s, CONNECT_TIMEOUT_S)),
            # Whoever asks is waiting, and can ask again.
            max_retries=0,
            http_client=openai.DefaultHttpx2Client(
                follow_redirects=False, trust_env=urlsplit(url).hostname not in THIS_MACHINE
            ),
        )

    def _write(self, prompt: Prompt, stop: StopSignal) -> Generator[str, None, None]:
        content: list[ChatCompletionContentPartParam] = [
            {"type": "text", "text": part}
            if isinstance(part, str)
            else {"type": "image_url", "image_url": {"url": to_data_url(part)}}
            for part in prompt.parts
        ]
        is_finished = False
        with self._map_errors():
            stream = self._client.chat.completions.create(
                model=self._model,
                messages=[
                    {"role": "system", "content": prompt.instructions},
                    {"role": "user", "content": content},
                ],
                stream=True,
            )
            with stream, stop.interrupting(lambda: _hang_up(stream.response)):
                for chunk in stream:
                    text, is_last = _read_chunk(chunk)
                    is_finished = is_finished or is_last
                    if text:
                        yield text
        if not is_finished:
            raise AnswerFailed(f"{self._url}: the answer broke off before its end")

    @contextmanager
    def _map_errors(self) -> Iterator[None]:
        import httpx2
        import openai

        try:
            yield
        except (openai.APITimeoutError, httpx2.TimeoutException) as error:
            raise AnswerServerUnreachable(
                f"{self._url} was silent for {self._timeout_s:g} s"
            ) from error
        except openai.APIStatusError as error:
            raise self._refuse(error) from error
        except (openai.APIConnectionError, httpx2.ConnectError) as error:
            reason = self._say(error.__cause__ or error)
            raise AnswerServerUnreachable(f"{self._url} cannot be reached: {reason}") from error
        except openai.APIError as error:
            raise AnswerFailed(f"{self._url}: {self._say(error)}") from error
        except httpx2.HTTPError as error:
            raise AnswerFailed(f"{self._url}: the answer broke off: {self._say(error)}") from error
        except (ValueError, TypeError, AttributeError, LookupError) as error:
            # What the client could not read, or read as something else than it should be.
            raise AnswerFailed(
                f"{self._url} does not answer as an OpenAI-compatible endpoint does"
            ) from error

    def _refuse(self, error: Any) -> AnswerFailed:
        """The error for a status; a server may quote the key where it refuses it."""
        status = error.status_code
        if status in (401, 403):
            return AnswerAccessDenied(f"{self._url} does not take the API key (status {status})")
        if status == 404:
            return UnknownAnswerModel(f"{self._url} knows no model {self._model!r} (status 404)")
        if status == 429:
            return AnswerRateLimited(f"{self._url} takes no more requests for now (status 429)")
        if 300 <= status < 400:
            return UnknownAnswerModel(
                f"{self._url} redirects to another address, which is not followed"
            )
        if status < 500:
            return AnswerRefused(
                f"{self._url} refuses the request (status {status}): {self._say(error)}"
            )
        return AnswerFailed(f"{self._url} failed (status {status}): {self._say(error)}")

    def _say(self, error: BaseException) -> str:
        """What an error says, on one short line, without the key."""
        text = " ".join(str(error).split()) or type(error).__name__
        if self._key:
            text = text.replace(self._key, "***")
        return text if len(text) <= REASON_CHARACTERS else f"{text[:REASON_CHARACTERS]}..."


def to_data_url(picture: Image.Image) -> str:
    """A picture as the endpoint takes it: JPEG inside of a URL."""
    content = io.BytesIO()
    picture.convert("RGB").save(content, "JPEG", quality=PICTURE_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(content.getvalue()).decode("ascii")


def _hang_up(response: Any) -> None:
    """Ends a connection that another thread may be waiting on: closing alone wakes nobody."""
    network = response.extensions.get("network_stream")
    connection = network.get_extra_info("socket") if network is not None else None
    if connection is not None:
        # It may be closed already.
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)


def _read_chunk(chunk: Any) -> tuple[str, bool]:
    """The text of a piece of the stream, and whether it is the last; calls of tools are no text."""
    if not chunk.choices:
        # The last piece of some endpoints holds their count of tokens.
        return "", False
    choice = chunk.choices[0]
    text = choice.delta.content if choice.delta is not None else None
    if text is not None and not isinstance(text, str):
        raise TypeError("a delta is no text")
    return text or "", choice.finish_reason is not None
