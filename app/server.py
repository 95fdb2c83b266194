"""The web server: the page, and a health check for whatever watches over the process."""

from __future__ import annotations

import logging
import os
import signal
import socket
import tempfile
from collections.abc import Callable
from contextlib import suppress

import uvicorn
from fastapi import FastAPI

from app.library import Library
from app.output import describe_encoders
from app.settings import Settings
from retrieval.errors import ServerFailed

# A browser keeps a stream open as long as its page is: it must not hold up the end.
SHUTDOWN_S = 2


def serve_library(settings: Settings, announce: Callable[[str], None]) -> None:
    """Serves the web page until Ctrl-C or SIGTERM, then closes the library.

    Args:
        settings: name the library, the host and the port.
        announce: is told the address, once it answers.

    Raises:
        ServerFailed: the address cannot be listened on.
        PagelensError: the library cannot be opened.
    """
    # uvicorn raises the signal again once it has shut down; SIGTERM's default would end the
    # process there, before the library is closed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with (
        suppress(KeyboardInterrupt),
        open_socket(settings.host, settings.port) as listener,
        Library(settings) as library,
        tempfile.TemporaryDirectory(prefix="pagelens-web-", ignore_cleanup_errors=True) as cache,
    ):
        for line in describe_encoders(library):
            announce(line)
        # Before anyone asks: nothing is answered meanwhile.
        library.optimize()
        port = listener.getsockname()[1]
        address = f"http://{f'[{settings.host}]' if ':' in settings.host else settings.host}:{port}"
        config = uvicorn.Config(
            build_app(library, cache),
            log_level="warning",
            timeout_graceful_shutdown=SHUTDOWN_S,
        )
        server = AnnouncingServer(
            config, lambda: announce(f"Pagelens is at {address} (Ctrl-C stops it)")
        )
        server.run(sockets=[listener])


def build_app(library: Library, cache: str) -> FastAPI:
    """The web application over an open library.

    Args:
        library: is shown as it is, and closed by whoever opened it.
        cache: a folder for uploads and for the pictures on their way to the browser.
    """
    # Gradio reads both when it is imported.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = cache
    import gradio as gr

    from ui.page import build_page
    from ui.theme import CSS, make_theme

    # FastAPI's own documentation page would fetch its scripts from another host.
    app = FastAPI(title="Pagelens", openapi_url=None)
    app.add_api_route("/health", check_health)
    mounted: FastAPI = gr.mount_gradio_app(
        app,
        build_page(library),
        path="/",
        theme=make_theme(),
        css=CSS,
        footer_links=[],
        run_history=False,
        ssr_mode=False,
    )
    return mounted


def check_health() -> dict[str, str]:
    """Answers as long as the server does."""
    return {"status": "ok"}


def open_socket(host: str, port: int) -> socket.socket:
    """Takes the address before the library is opened, so that a used one fails at once.

    Raises:
        ServerFailed: it is in use, or is no address of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        # Python appends the address, which the message names already.
        reason = str(error.strerror).partition(" (while")[0]
        raise ServerFailed(f"cannot listen on port {port} of {host}: {reason}") from error


class AnnouncingServer(uvicorn.Server):
    """Says when it listens, and stops without a traceback."""

    def __init__(self, config: uvicorn.Config, on_listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_listening = on_listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts as uvicorn does, then says so."""
        await super().startup(sockets)
        if self.started:
            self._on_listening()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stops as uvicorn does; that pages still open are cut off is no error to report."""
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        await super().shutdown(sockets)
