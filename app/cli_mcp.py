"""`pagelens mcp`: the library as tools of an assistant."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli_options import LibraryOption, check_library, make_settings

# Beside the web page, which has 7860.
HTTP_HOST, HTTP_PORT = "127.0.0.1", 7861


def mcp(
    http: Annotated[
        bool, typer.Option("--http", help="Answer over HTTP (streamable), at the path /mcp.")
    ] = False,
    host: Annotated[
        str | None, typer.Option(help=f"With --http: address to listen on; {HTTP_HOST} by default.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            help=f"With --http: port; 0 takes a free one, {HTTP_PORT} is the default.",
        ),
    ] = None,
    library: LibraryOption = None,
) -> None:
    """Let assistants search the library and look at its pages (Model Context Protocol).

    An assistant starts it by itself and speaks to it over standard input and output. With --http it
    waits for assistants at an address, on another one than 127.0.0.1 only with PAGELENS_API_KEY, or
    PAGELENS_USER and PAGELENS_PASSWORD.

    The library is held while questions come, and a minute longer. While `pagelens serve` holds it,
    that is asked.
    """
    if not http and (host is not None or port is not None):
        raise typer.BadParameter("--host and --port go with --http")
    settings = make_settings(
        library,
        host=HTTP_HOST if host is None else host,
        port=HTTP_PORT if port is None else port,
    )
    check_library(settings)
    from app.mcp_serving import serve_http, serve_stdio

    if http:
        serve_http(settings, typer.echo)
    else:
        serve_stdio(settings)
