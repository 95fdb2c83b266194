"""Ways to search compared by a server, in a process of its own, on the library's own questions."""

import os
import signal
import subprocess
import sys
import threading

import httpx
import psutil
import pytest

from app.comparison_run import CRASHED, describe_command, explain_exit
from app.library import Library
from app.settings import Settings
from tests.app.api.asking import error_of
from tests.app.api.conftest import Served
from tests.app.api.serving import serve
from tests.libraries import copy_library, make_asked_library
from tests.terminal import ROOT

KEY = "key-of-the-comparison"
WAIT_S = 120
TWO_WAYS = {"modes": ["text", "visual"], "rerankers": ["none"]}


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    """Where comparisons of this module keep what they have indexed; also in other processes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_asked_library(tmp_path_factory.mktemp("comparing"))


@pytest.fixture(scope="module")
def comparing(folder, tmp_path_factory):
    """A server with a key."""
    settings = Settings(
        library=copy_library(folder, tmp_path_factory.mktemp("served") / "library"), api_key=KEY
    )
    with (
        Library(settings) as library,
        serve(library, settings) as address,
        httpx.Client(
            base_url=f"{address}/api/v1",
            headers={"Authorization": f"Bearer {KEY}"},
            trust_env=False,
            timeout=60,
        ) as http,
    ):
        yield Served(library, http, folder)


def look(http):
    return http.get("/comparisons/run").json()


def wait_until(http, is_so):
    """The first state of the comparison of which something is so."""
    for _ in range(WAIT_S * 20):
        state = look(http)
        if is_so(state):
            return state
        threading.Event().wait(0.05)
    pytest.fail(f"it stayed {state}")


def is_over(state):
    return not state["running"]


def test_ways_to_search_are_compared_and_the_report_is_kept(comparing, tmp_path):
    http = comparing.http
    before = look(http)
    assert not before["running"]
    assert before["variants"] == []
    body = {"models": ["minilm-layout", str(tmp_path)], **TWO_WAYS}
    begun = http.post("/comparisons", json=body)
    assert begun.status_code == 202
    assert (begun.json()["running"], begun.json()["questions"]) == (True, 2)
    names = [variant["name"] for variant in begun.json()["variants"]]
    assert names[:2] == ["minilm-layout, text", "minilm-layout, visual"]
    refused = http.post("/comparisons", json=TWO_WAYS)
    assert (refused.status_code, error_of(refused)["type"]) == (409, "JobNotPossible")
    assert error_of(refused)["message"].startswith("a comparison is under way already")

    told = wait_until(http, lambda state: is_over(state) or state["variants"][0]["progress"])
    assert told["running"], told
    assert told["variants"][0]["progress"]["unit"] in ("files", "pages", "questions")
    assert http.post("/search", json={"question": "rye bread"}).status_code == 200
    ended = wait_until(http, is_over)
    assert (ended["error"], ended["cancelled"]) == (None, False)
    told = {variant["name"]: (variant["state"], variant["error"]) for variant in ended["variants"]}
    missing = f"the folder {tmp_path} holds no checkpoint"
    assert told == {
        names[0]: ("done", None),
        names[1]: ("done", None),
        names[2]: ("failed", missing),
        names[3]: ("failed", missing),
    }
    (finished,) = http.get("/comparisons").json()["comparisons"]
    assert finished["name"] == ended["report"]
    assert (finished["title"], finished["n_questions"]) == ("the questions of library", 2)
    assert [it["score"][:5] for it in finished["variants"]] == ["0.500", "1.000"]
    report = http.get(f"/comparisons/{ended['report']}").text
    assert "Where can I eat something sweet?" in report
    lists = {"model": f"minilm-layout,{tmp_path}", "mode": "text,visual", "reranker": "none"}
    assert describe_command(comparing.library.folder, lists) in report


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({"modes": ["text"]}, 422, "InvalidVariant"),
        ({"models": ["no-such-model"], **TWO_WAYS}, 422, "UnknownEncoder"),
        ({"models": ["x" * 400], **TWO_WAYS}, 422, "UnknownEncoder"),
        ({"models": ["a,b"], **TWO_WAYS}, 422, "InvalidRequest"),
        ({"variants": []}, 422, "InvalidRequest"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_it_is_begun(comparing, body, status, kind):
    refused = comparing.http.post("/comparisons", json=body)
    assert (refused.status_code, error_of(refused)["type"]) == (status, kind)
    assert not look(comparing.http)["running"]


def test_a_comparison_is_cancelled_at_once_and_leaves_no_process(comparing):
    processes = begin_and_find_processes(comparing)
    assert comparing.http.delete("/comparisons/run").status_code == 200
    ended = wait_until(comparing.http, is_over)
    assert (ended["cancelled"], ended["report"], ended["error"]) == (True, None, None)
    assert [variant["state"] for variant in ended["variants"]] == ["waiting", "waiting"]
    wait_until_gone(processes)


def test_a_process_that_is_killed_is_told_of(comparing):
    processes = begin_and_find_processes(comparing)
    processes[0].kill()
    ended = wait_until(comparing.http, is_over)
    assert (ended["cancelled"], ended["error"]) == (False, explain_exit(-signal.SIGKILL))
    assert explain_exit(1) == CRASHED != ended["error"]
    wait_until_gone(processes)


def begin_and_find_processes(comparing):
    """Begins a comparison that has to index, and returns its process and those it has begun."""
    body = {"pool_factors": [2, 3], "modes": ["visual"]}
    assert comparing.http.post("/comparisons", json=body).status_code == 202
    wait_until(comparing.http, lambda state: state["variants"][0]["progress"])
    return find_processes(os.getpid())


def find_processes(server):
    """The process that compares for a server, and those that it has begun."""
    (process,) = (
        child for child in psutil.Process(server).children() if os.getpgid(child.pid) == child.pid
    )
    return [process, *process.children(recursive=True)]


def wait_until_gone(processes):
    for _ in range(WAIT_S * 20):
        if not any(it.is_running() and it.status() != psutil.STATUS_ZOMBIE for it in processes):
            return
        threading.Event().wait(0.05)
    pytest.fail(f"left behind: {processes}")


# Holds a library as a server does, and has it compared.
COMPARE = """
import sys, threading
from pathlib import Path
from app.library import Library
from app.settings import Settings

with Library(Settings(library=Path(sys.argv[1]))) as library:
    library.comparison.start({"pool_factor": "4,5", "mode": "visual"})
    while library.comparison.look().variants[0].progress is None:
        threading.Event().wait(0.05)
    print("at work", flush=True)
    sys.stdin.read()
"""


def test_a_comparison_ends_with_the_process_that_began_it_however_that_ends(folder, tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", COMPARE, folder],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout.readline() == "at work\n"
        processes = find_processes(server.pid)
        assert list(tmp_path.glob("pagelens-compare-*"))
        server.kill()
        wait_until_gone(processes)
    assert not list(tmp_path.glob("pagelens-compare-*"))
