"""An OpenAI-compatible endpoint on 127.0.0.1 that says what it is told, and keeps what it is asked.

Nothing in it understands a question: tests tell it what to say, how to fail, and when to wait.
"""

import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import anyio
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response, StreamingResponse

from app.server import open_socket


class Asked(NamedTuple):
    """One request, as it arrived."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def texts(self) -> list[str]:
        """All texts of the user's message."""
        content = self.body["messages"][-1]["content"]
        return [part["text"] for part in content if part["type"] == "text"]

    @property
    def pictures(self) -> list[str]:
        """The URLs of all pictures."""
        content = self.body["messages"][-1]["content"]
        return [part["image_url"]["url"] for part in content if part["type"] == "image_url"]


@dataclass
class AnswerServer:
    """What the endpoint says next, and what it was asked.

    Attributes:
        url: what PAGELENS_ANSWER_URL is set to.
        says: the pieces of its answer.
        status: of its answer; any but 200 is a failure that says `error`.
        error: what it says where it fails.
        redirect: where it sends whoever asks.
        raw: what it answers instead of a stream of completions.
        calls_tool: whether it asks for a tool to be called, too.
        breaks_off: whether the stream ends before its end.
        pause: where set, it waits behind the first piece until the event is set.
        asked: every request.
        heard_end: is set when a stream was ended, by whichever side.
    """

    url: str = ""
    says: list[str] = field(default_factory=lambda: ["An answer."])
    status: int = 200
    error: str = "no"
    redirect: str | None = None
    raw: str | None = None
    calls_tool: bool = False
    breaks_off: bool = False
    pause: threading.Event | None = None
    asked: list[Asked] = field(default_factory=list)
    heard_end: threading.Event = field(default_factory=threading.Event)
    n_said: int = 0

    def tell(self, *says: str, **changes: Any) -> None:
        """What it shall say from now on; all else is as at first, and nothing was asked yet."""
        fresh = AnswerServer(url=self.url, says=list(says) or ["An answer."])
        for name, value in {**vars(fresh), **changes}.items():
            setattr(self, name, value)


def build_chunk(delta: dict[str, Any], finish_reason: str | None = None) -> str:
    chunk = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "told",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
    }
    return f"data: {json.dumps(chunk)}\n\n"


async def say(server: AnswerServer) -> AsyncIterator[str]:
    try:
        yield build_chunk({"role": "assistant", "content": ""})
        for place, piece in enumerate(server.says):
            if place == 1 and server.pause is not None:
                while not server.pause.is_set():
                    # Also how it notices that nobody listens.
                    yield ": waiting\n\n"
                    await anyio.sleep(0.02)
            yield build_chunk({"content": piece})
            server.n_said += 1
        if server.calls_tool:
            function = {"name": "fetch", "arguments": '{"url": "http://example.org"}'}
            call = {"index": 0, "id": "call_1", "type": "function", "function": function}
            yield build_chunk({"tool_calls": [call]})
        if not server.breaks_off:
            yield build_chunk({}, "stop")
            yield "data: [DONE]\n\n"
    finally:
        server.heard_end.set()


def build_app(server: AnswerServer) -> FastAPI:
    app = FastAPI()

    @app.post("/{path:path}")
    async def complete(path: str, request: Request) -> Response:
        server.asked.append(Asked(f"/{path}", dict(request.headers), await request.json()))
        if server.redirect is not None:
            return RedirectResponse(server.redirect, status_code=307)
        if server.status != 200:
            content = {"error": {"message": server.error, "type": "error", "code": None}}
            return JSONResponse(content, status_code=server.status)
        if server.raw is not None:
            return Response(server.raw, media_type="text/event-stream")
        return StreamingResponse(say(server), media_type="text/event-stream")

    return app


class _ListeningServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = threading.Event()

    async def startup(self, sockets=None) -> None:
        await super().startup(sockets)
        self.listens.set()


@contextmanager
def serve_answers() -> Iterator[AnswerServer]:
    """An endpoint on a free port, until it is left."""
    server = AnswerServer()
    with open_socket("127.0.0.1", 0) as listener:
        config = uvicorn.Config(
            build_app(server), log_level="error", timeout_graceful_shutdown=1, lifespan="off"
        )
        uvicorn_server = _ListeningServer(config)
        thread = threading.Thread(target=uvicorn_server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            assert uvicorn_server.listens.wait(60)
            server.url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
            yield server
        finally:
            uvicorn_server.should_exit = True
            thread.join()
