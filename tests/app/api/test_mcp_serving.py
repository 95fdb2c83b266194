"""How assistants reach a library by MCP: who may, and who has it meanwhile."""

import json
import re
import signal
import subprocess
import sys
import threading
from contextlib import closing

import httpx
import pytest

from app.lending import LentLibrary
from app.library import Library
from app.settings import Settings
from retrieval.errors import LibraryBusy
from tests.app.api.asking import error_of
from tests.app.api.assistants import serve_assistants, speak_http, speak_stdio
from tests.libraries import copy_library
from tests.terminal import ROOT, STOP_S, run_pagelens, serve_pagelens

QUESTION = "Who collects the mooring fees?"
KEY = "key-of-an-assistant"
RPC = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
RPC_HEADERS = {"accept": "application/json, text/event-stream"}


@pytest.fixture
def own_copy(library_folder, tmp_path):
    """A library that is this test's alone."""
    copy_library(library_folder, tmp_path / "library")
    return tmp_path / "library"


def test_the_first_answer_says_that_it_takes_a_moment(own_copy):
    told = []

    async def hear(progress, total, message):
        told.append(message)

    with speak_stdio(own_copy) as assistant:
        for _ in range(2):
            assistant.run("call_tool", "list_documents", {}, progress_callback=hear)
    (said,) = told
    assert "the first answer takes some seconds" in said


def test_standard_output_holds_the_protocol_and_nothing_else(own_copy):
    asked = {
        "initialize": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
        "tools/call": {"name": "search_pages", "arguments": {"question": QUESTION}},
    }
    started = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    calls = [
        {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        for number, (method, params) in enumerate(asked.items())
    ]
    command = [sys.executable, "-m", "app", "mcp", "--library", str(own_copy)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        answers = []
        for call in (calls[0], started, calls[1]):
            process.stdin.write(json.dumps(call) + "\n")
            process.stdin.flush()
            if "id" in call:
                answers.append(json.loads(process.stdout.readline()))
        # An assistant that ends closes the input first; the rest of the output is empty.
        process.stdin.close()
        assert process.stdout.read() == ""
        assert process.wait(STOP_S) == 0
    assert [answer["id"] for answer in answers] == [0, 1]
    found = answers[1]["result"]["structuredContent"]
    assert found["pages"][0]["document"] == "harbour.pdf"


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_when_it_is_told_to(own_copy, stop):
    command = [sys.executable, "-m", "app", "mcp", "--library", str(own_copy)]
    hello = {"jsonrpc": "2.0", "id": 0, "method": "ping"}
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        process.stdin.write(json.dumps(hello) + "\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["id"] == 0
        process.send_signal(stop)
        assert process.wait(STOP_S) == 0


def test_the_library_is_let_go_after_a_while(own_copy):
    settings = Settings(library=own_copy)
    released = threading.Event()
    with closing(LentLibrary(settings, idle_s=0.2)) as lent:
        with lent.borrow() as first, lent.borrow() as second:
            assert first is second
            with pytest.raises(LibraryBusy), Library(settings):
                pass
        close = first.close
        first.close = lambda: (close(), released.set())
        assert released.wait(60)
        assert not lent.is_open
        with Library(settings) as library:
            library.announce("http://127.0.0.1:9")
            with lent.borrow() as client:
                assert client.address == "http://127.0.0.1:9"
        with lent.borrow() as again:
            assert len(again.list_documents()) == 3


def test_a_library_that_another_program_holds_is_told(own_copy, tmp_path):
    with (
        Library(Settings(library=own_copy)),
        serve_assistants(own_copy) as address,
        speak_http(address) as assistant,
    ):
        told = assistant.fail("search_pages", question=QUESTION)
    assert "in use by process" in told
    assert told.endswith("while `pagelens serve` runs on the library, it is asked instead.")


def test_the_server_that_holds_the_library_is_asked_with_its_key(own_copy):
    with serve_pagelens(own_copy, api_key=KEY) as server:
        with speak_stdio(own_copy, api_key=KEY) as assistant:
            found, (picture,) = assistant.call(
                "search_pages", question=QUESTION, with_pictures=1, limit=1
            )
            assert found["pages"][0]["document"] == "harbour.pdf"
            assert picture.width == 800
        with serve_assistants(own_copy) as address, speak_http(address) as assistant:
            told = assistant.fail("list_documents")
    assert told.startswith(f"{server.address}: the request bears no valid key")
    assert "Set PAGELENS_API_KEY" in told


def test_a_key_opens_the_door(served):
    with serve_assistants(served.library.folder, api_key=KEY) as address:
        for headers in ({}, {"authorization": "Bearer wrong"}):
            answer = httpx.post(address, json=RPC, headers=RPC_HEADERS | headers, trust_env=False)
            assert answer.status_code == 401
            assert error_of(answer)["type"] == "AccessDenied"
        # Asked with the key of its own door, the server that holds the library takes any.
        with speak_http(address, authorization=f"Bearer {KEY}") as assistant:
            assert assistant.call("list_documents")[0]["total"] == 3


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "other.example"},
        {"host": "127.0.0.1.other.example:7861"},
        {"origin": "https://other.example"},
        {"sec-fetch-site": "cross-site"},
    ],
    ids=str,
)
def test_other_sites_are_not_let_in(served, headers):
    with serve_assistants(served.library.folder) as address:
        for method in ("POST", "GET", "DELETE"):
            answer = httpx.request(
                method, address, json=RPC, headers=RPC_HEADERS | headers, trust_env=False
            )
            assert answer.status_code == 403
            assert error_of(answer)["type"] == "ForeignRequest"
        own = {"origin": address.removesuffix("/mcp")}
        answer = httpx.post(address, json=RPC, headers=RPC_HEADERS | own, trust_env=False)
        assert answer.status_code == 200
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_question_as_large_as_a_file_is_refused(served):
    with serve_assistants(served.library.folder) as address:
        answer = httpx.post(address, content=b"a" * 2_100_000, headers=RPC_HEADERS, trust_env=False)
        assert answer.status_code == 413


@pytest.mark.parametrize(
    ("options", "exit_code", "told"),
    [
        (["--library", "nowhere"], 2, "pagelens: there is no library at nowhere"),
        (["--http", "--library", "nowhere"], 2, "pagelens: there is no library at nowhere"),
        (["--http", "--host", "0.0.0.0", "--library", "LIBRARY"], 8, "PAGELENS_API_KEY"),
        (["--port", "7000"], 2, "--host and --port go with --http"),
    ],
    ids=str,
)
def test_what_cannot_be_served_is_told_at_once(library_folder, options, exit_code, told):
    folders = {"LIBRARY": str(library_folder)}
    ended = run_pagelens("mcp", *(folders.get(option, option) for option in options))
    assert (ended.returncode, ended.stdout) == (exit_code, "")
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr


def test_http_is_served_until_it_is_ended(own_copy):
    command = [sys.executable, "-m", "app", "mcp", "--http", "--port", "0", "--library"]
    with subprocess.Popen(
        [*command, str(own_copy)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        said = process.stdout.readline()
        address = re.match(r"Pagelens answers assistants at (http://127\.0\.0\.1:\d+/mcp) ", said)
        with speak_http(address[1]) as assistant:
            listed, _ = assistant.call("list_documents", contains="harbour")
        assert listed["total"] == 1
        process.terminate()
        assert process.wait(STOP_S) == 0
