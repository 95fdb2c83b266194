"""How assistants reach the MCP server: over standard input and output, or over HTTP."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable
from contextlib import closing, suppress
from types import FrameType
from typing import NoReturn

import anyio
import uvicorn
from mcp.server.transport_security import TransportSecuritySettings
from starlette.types import ASGIApp

from app.api.bodies import MAX_JSON_BYTES
from app.api.doors import MCP, Doors, SecurityHeaders, read_credentials
from app.lending import LentLibrary
from app.mcp_server import build_server
from app.server import SHUTDOWN_S, AnnouncingServer, open_socket
from app.settings import Settings


def serve_stdio(settings: Settings) -> None:
    """Answers on standard input and output until the input ends, Ctrl-C or SIGTERM.

    Nothing else is written to standard output meanwhile: the library of the protocol has what
    anything prints there go to standard error.
    """
    # With the handler that is there, asyncio would wait for the thread that reads the input.
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, interrupt)
    log_plainly()
    with closing(LentLibrary(settings)) as lent:
        try:
            anyio.run(build_server(lent).run_stdio_async)
        except KeyboardInterrupt:
            lent.close()
            # Python would wait for that thread, too.
            os._exit(0)


def serve_http(settings: Settings, announce: Callable[[str], None]) -> None:
    """Answers over HTTP until Ctrl-C or SIGTERM.

    Args:
        settings: name the library, the host and the port, and lock the doors.
        announce: is told the address, once it answers.

    Raises:
        InvalidSetting, MissingCredentials: other machines could ask, and no door would be locked.
        ServerFailed: the address cannot be listened on.
    """
    # Before anything is opened.
    read_credentials(settings)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    log_plainly()
    with (
        suppress(KeyboardInterrupt),
        open_socket(settings.host, settings.port) as listener,
        closing(LentLibrary(settings)) as lent,
    ):
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        address = f"http://{host}:{listener.getsockname()[1]}{MCP}"
        config = uvicorn.Config(
            build_http_app(lent, settings),
            log_level="warning",
            timeout_graceful_shutdown=SHUTDOWN_S,
        )
        server = AnnouncingServer(
            config,
            lambda: announce(f"Pagelens answers assistants at {address} (Ctrl-C stops it)"),
            lambda: None,
        )
        server.run(sockets=[listener])


def interrupt(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
    """Ends what is under way, as Ctrl-C does."""
    raise KeyboardInterrupt


def log_plainly() -> None:
    """Has warnings and failures written to standard error, which the protocol's library frames."""
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")


def build_http_app(lent: LentLibrary, settings: Settings) -> ASGIApp:
    """The MCP server as a web application, behind the doors of the REST API.

    Raises:
        InvalidSetting, MissingCredentials: other machines could ask, and no door would be locked.
    """
    app = build_server(lent).streamable_http_app(
        streamable_http_path=MCP,
        # No question needs what was asked before, so a restart loses nobody's session.
        stateless_http=True,
        max_request_body_size=MAX_JSON_BYTES,
        # The doors check host and origin.
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    app.add_middleware(Doors, settings=settings)
    app.add_middleware(SecurityHeaders)
    return app
