"""The web server: the REST API and the web page, behind the same doors."""

from __future__ import annotations

import logging
import os
import signal
import socket
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from app.api.application import build_application
from app.api.doors import read_credentials
from app.library import Library
from app.model_output import describe_encoders
from app.settings import Settings
from retrieval.errors import PagelensError, ServerFailed

# A browser keeps a stream open as long as its page is: it must not hold up the end.
SHUTDOWN_S = 2


def serve_library(settings: Settings, announce: Callable[[str], None]) -> None:
    """Serves the web page and the REST API until Ctrl-C or SIGTERM, then closes the library.

    Args:
        settings: name the library, the host and the port.
        announce: is told the address, once it answers.

    Raises:
        InvalidSetting, MissingCredentials: other machines could ask, and no door would be locked.
        ServerFailed: the address cannot be listened on.
        PagelensError: the library cannot be opened.
    """
    # Before anything is opened.
    read_credentials(settings)
    # uvicorn raises the signal again once it has shut down; SIGTERM's default would end the
    # process there, before the library is closed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with (
        suppress(KeyboardInterrupt),
        open_socket(settings.host, settings.port) as listener,
        Library(settings) as library,
        tempfile.TemporaryDirectory(prefix="pagelens-web-", ignore_cleanup_errors=True) as cache,
        ExitStack() as serving,
    ):
        for line in describe_encoders(library):
            announce(line)
        # Before anyone asks: nothing is answered meanwhile.
        library.optimize()
        serving.enter_context(library.keep_working())
        loading = threading.Thread(target=load_models, args=(library,))
        loading.start()
        serving.callback(loading.join)
        port = listener.getsockname()[1]
        address = f"http://{f'[{settings.host}]' if ':' in settings.host else settings.host}:{port}"
        config = uvicorn.Config(
            build_app(library, settings, cache),
            log_level="warning",
            timeout_graceful_shutdown=SHUTDOWN_S,
        )

        def say_address() -> None:
            library.announce(address)
            announce(f"Pagelens is at {address} (Ctrl-C stops it)")

        server = AnnouncingServer(config, say_address, library.begin_closing)
        server.run(sockets=[listener])


def load_models(library: Library) -> None:
    """Spares the first question the seconds that models take to load."""
    # What cannot be loaded is told to whoever asks a question that needs it.
    with suppress(PagelensError):
        library.load_models()


def build_app(library: Library, settings: Settings, cache: str) -> FastAPI:
    """The REST API and the web page over an open library.

    Args:
        library: is shown as it is, and closed by whoever opened it.
        settings: lock the doors, and limit what is uploaded.
        cache: a folder for uploads of the page and for the pictures on their way to the browser.

    Raises:
        InvalidSetting, MissingCredentials: other machines could ask, and no door would be locked.
    """
    # Gradio reads both when it is imported.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = cache
    import gradio as gr

    from ui.page import build_page
    from ui.theme import CSS, FAVICON, HEAD, STATIC, make_theme

    api = build_application(library, settings)
    api.mount("/ui", StaticFiles(directory=STATIC))
    turns = (api.state.search_turns, api.state.answer_turns)
    page = build_page(library, settings, *turns, Path(cache))
    # Gradio checks that the files it is handed are uploads of its own only in a page that was
    # launched, which one that is mounted never is: any path of this machine would do.
    page.has_launched = True
    mounted: FastAPI = gr.mount_gradio_app(
        api,
        page,
        path="/",
        theme=make_theme(),
        css_paths=CSS,
        head=HEAD,
        favicon_path=str(FAVICON),
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        max_file_size=settings.upload_limit_bytes,
    )
    return mounted


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
    """Says when it listens and when it stops, and stops without a traceback."""

    def __init__(
        self,
        config: uvicorn.Config,
        on_listening: Callable[[], None],
        on_stopping: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._on_listening = on_listening
        self._on_stopping = on_stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts as uvicorn does, then says so."""
        await super().startup(sockets)
        if self.started:
            self._on_listening()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stops as uvicorn does; that pages still open are cut off is no error to report."""
        # What answers within `SHUTDOWN_S` still reaches whoever waits.
        self._on_stopping()
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        await super().shutdown(sockets)
