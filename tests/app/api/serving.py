"""Runs the real web application under uvicorn, on a free port of 127.0.0.1."""

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from app.library import Library
from app.server import build_app, open_socket
from app.settings import Settings


class ListeningServer(uvicorn.Server):
    """Sets an event once it listens, so that nobody need wait and look."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = threading.Event()

    async def startup(self, sockets=None) -> None:
        await super().startup(sockets)
        self.listens.set()


@contextmanager
def serve(library: Library, settings: Settings) -> Iterator[str]:
    """Yields the address of the page and the API over a library."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as cache,
        open_socket("127.0.0.1", 0) as listener,
    ):
        app = build_app(library, settings, cache)
        config = uvicorn.Config(app, log_level="debug", timeout_graceful_shutdown=1)
        server = ListeningServer(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            assert server.listens.wait(60)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
