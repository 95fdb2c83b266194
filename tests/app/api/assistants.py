"""Assistants that speak to an MCP server, by the protocol's own client."""

import base64
import io
import json
import sys
import threading
from contextlib import closing, contextmanager

import httpx2
import uvicorn
from anyio.from_thread import start_blocking_portal
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from PIL import Image

from app.lending import LentLibrary
from app.mcp_serving import build_http_app
from app.server import open_socket
from app.settings import Settings
from tests.app.api.serving import ListeningServer
from tests.terminal import ROOT


class Assistant:
    """Speaks to an MCP server as assistants do, by the library's own client."""

    def __init__(self, portal, client) -> None:
        self._portal = portal
        self.client = client

    def run(self, method, *arguments, **options):
        """What a method of the client gives."""
        return self._portal.call(lambda: getattr(self.client, method)(*arguments, **options))

    def call(self, tool, **arguments):
        """The structured content and the pictures of a tool's answer, which is no error."""
        answer = self.run("call_tool", tool, arguments)
        assert not answer.is_error, answer.content
        text, *pictures = answer.content
        assert json.loads(text.text) == answer.structured_content
        assert {picture.mime_type for picture in pictures} <= {"image/jpeg"}
        opened = [Image.open(io.BytesIO(base64.b64decode(p.data))) for p in pictures]
        return answer.structured_content, opened

    def fail(self, tool, **arguments):
        """The one line by which a tool says why it cannot do what is asked."""
        answer = self.run("call_tool", tool, arguments)
        assert answer.is_error
        (text,) = answer.content
        assert "\n" not in text.text
        assert "Traceback" not in text.text
        return text.text


@contextmanager
def speak(to, **options):
    """An assistant that has connected to a server."""
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(Client(to, **options)) as client,
    ):
        yield Assistant(portal, client)


@contextmanager
def speak_stdio(folder, **settings):
    """... to a `pagelens mcp` that it has started; yields what that writes to standard error."""
    command = ["-m", "app", "mcp", "--library", str(folder)]
    environment = {f"PAGELENS_{name.upper()}": value for name, value in settings.items()}
    started = StdioServerParameters(command=sys.executable, args=command, cwd=ROOT, env=environment)
    with speak(started) as assistant:
        yield assistant


@contextmanager
def speak_http(address, **headers):
    """... to a server at an address, with these headers."""
    http = httpx2.AsyncClient(headers=headers, trust_env=False, timeout=60)
    with speak(streamable_http_client(address, http_client=http)) as assistant:
        yield assistant


@contextmanager
def serve_assistants(folder, **settings):
    """Serves MCP over HTTP from this process; yields the address."""
    settings = Settings(library=folder, **settings)
    with closing(LentLibrary(settings)) as lent, open_socket("127.0.0.1", 0) as listener:
        config = uvicorn.Config(build_http_app(lent, settings), timeout_graceful_shutdown=1)
        server = ListeningServer(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            assert server.listens.wait(60)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
        finally:
            server.should_exit = True
            thread.join()
