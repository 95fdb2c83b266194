"""A served library changes its encoder: searches go on, and the command line asks the server."""

import json
import threading

import pytest

from app.client import PagelensClient
from app.migration_record import Target
from retrieval.errors import InvalidRequest, MigrationNotPossible, UnknownEncoder
from tests.app.api.asking import error_of
from tests.app.api.test_command_line import run

QUESTION = {"question": "Who collects the mooring fees?", "limit": 3}


@pytest.fixture
def client(receiving):
    with PagelensClient(str(receiving.http.base_url)) as client:
        yield client


def silent(progress):
    pass


def read(receiving):
    return receiving.http.get("/api/v1/migrations").json()


def test_a_library_that_is_served_is_moved_and_back_without_a_failed_search(receiving):
    assert read(receiving)["migration"] is None
    ending, answers = threading.Event(), []

    def search():
        while not ending.is_set():
            answers.append(receiving.http.post("/api/v1/search", json=QUESTION))

    searching = threading.Thread(target=search)
    searching.start()
    try:
        command = ["migrate", "--library", receiving.library.folder]
        exit_code, printed, _ = run(*command, "--pool-factor", "2", "--only-build")
        assert exit_code == 0
        assert "nDCG@10 before 1.000, after 1.000 (3 questions, words of its own pages" in printed
        assert "no difference that these questions can show" in printed
        told = "Migration from minilm-layout, turbo4 to minilm-layout, pool factor 2, turbo4: ready"
        assert told in printed
        assert told in run("status", "--library", receiving.library.folder)[1]
        exit_code, printed, _ = run(*command, "--json")
        assert exit_code == 0
        moved = json.loads(printed)
        assert (moved["state"], moved["pages"]) == ("switched", 4)
        assert not moved["comparison"]["clearly_worse"]
        n_answers = len(answers)
        assert receiving.library.encoder.key.endswith("/pool-2")
        while len(answers) < n_answers + 3:
            assert searching.is_alive()
        assert receiving.http.get("/api/v1/status").json()["migration"]["state"] == "switched"
        exit_code, printed, _ = run(*command, "--roll-back")
        assert (exit_code, "rolled back" in printed) == (0, True)
        exit_code, printed, _ = run(*command, "--drop-old")
        assert exit_code == 0
        assert printed.startswith("Removed the index that was not searched (")
    finally:
        ending.set()
        searching.join(60)
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["hits"][0]["document"] for answer in answers} == {"harbour.pdf"}
    assert read(receiving)["migration"] is None


def test_what_cannot_be_done_is_said_as_it_is_without_a_server(receiving, client):
    refused = receiving.http.post("/api/v1/migrations", json={"to": "no-such-model"})
    assert (refused.status_code, error_of(refused)["type"]) == (422, "UnknownEncoder")
    refused = receiving.http.post("/api/v1/migrations", json={"text_models": ["no-such-model"]})
    assert (refused.status_code, error_of(refused)["type"]) == (422, "UnknownEncoder")
    refused = receiving.http.post("/api/v1/migrations/drop-old")
    assert (refused.status_code, error_of(refused)["type"]) == (409, "MigrationNotPossible")
    assert receiving.http.post("/api/v1/migrations", json={"pool": 2}).status_code == 422
    with pytest.raises(UnknownEncoder):
        client.build_migration(Target(model="no-such-model"), silent)
    with pytest.raises(MigrationNotPossible, match="--to begins one"):
        client.build_migration(Target(), silent)
    assert "--to begins one" in read(receiving)["error"]["message"]
    with pytest.raises(MigrationNotPossible, match="one index alone"):
        client.roll_back(silent)
    with pytest.raises(InvalidRequest, match="stand alone"):
        run("migrate", "--roll-back", "--drop-old", "--library", receiving.library.folder)
