"""The benchmarks of a server at work run, and judge what they see; speed is not judged here."""

import pytest

from tests.benchmarks import load, long_ingest
from tests.benchmarks.long_ingest import Observations, Sample


def test_many_clients_at_once_lose_nothing(tmp_path):
    figures = load.measure(tmp_path, n_pages=4, n_clients=6, n_uploaders=2, seconds=4)
    assert not load.has_failed(figures)
    assert figures["accepted"] == figures["statuses"]["upload"][202] >= 2
    assert figures["accepted_pages"] >= figures["accepted"]
    assert figures["statuses"]["search"].keys() == {200}
    assert figures["requests_per_second"] > 0
    assert 0 < figures["search_p50_ms"] <= figures["search_p95_ms"] <= figures["search_max_ms"]


@pytest.mark.parametrize(
    "seen",
    [
        {"lost": ["upload-00001.pdf: failed, None of 2 pages, too large"]},
        {"unanswered": {"search: ReadTimeout": 1}},
        {"statuses": {"search": {200: 9, 503: 1}, "upload": {202: 3}}},
    ],
)
def test_a_server_that_fails_is_noticed(seen):
    good = {"lost": [], "unanswered": {}, "statuses": {"search": {200: 9}, "upload": {202: 3}}}
    assert not load.has_failed(good)
    assert load.has_failed(good | seen)


def test_a_server_is_watched_while_it_takes_in_pages(tmp_path, monkeypatch):
    monkeypatch.setattr(long_ingest, "MARK_PAGES", 16)
    monkeypatch.setattr(long_ingest, "STATUS_S", 0.1)
    monkeypatch.setattr(long_ingest, "MEMORY_S", 0.2)
    figures = long_ingest.measure(tmp_path, n_pages=48, document_pages=8)
    assert figures["memory"][-1]["pages"] == 48
    for mark in figures["memory"]:
        assert 100e6 < mark["kept_bytes"] < mark["pss_bytes"]
    # The caches of a process that has just begun its work may still grow.
    assert figures["ratio"] < 1.5
    assert figures["searches"] > 0
    assert figures["search_errors"] == []
    assert figures["slowest_status_ms"] > 0


def test_memory_at_a_mark_is_that_of_the_last_pages_before_it(monkeypatch):
    samples = [Sample(n, 1_000 + n, 2_000 + n) for n in range(0, 1_201, 10)]
    at_500, at_1000, at_end = long_ingest.summarise_memory(samples, 1_200)
    assert (at_500.n_pages, at_500.kept_bytes, at_500.pss_bytes) == (500, 1_455, 2_455)
    assert (at_1000.n_pages, at_1000.kept_bytes) == (1_000, 1_955)
    assert (at_end.n_pages, at_end.kept_bytes) == (1_200, 2_155)


@pytest.mark.parametrize(
    ("at_end_bytes", "errors", "has_failed"),
    [(1_090, [], False), (1_110, [], True), (1_000, ["ServerUnreachable: gone"], True)],
)
def test_memory_that_grows_and_searches_that_fail_are_noticed(at_end_bytes, errors, has_failed):
    samples = [Sample(500, 1_000, 1_500), Sample(1_000, at_end_bytes, 3_000)]
    seen = Observations(1_000, samples, statuses_s=[1.0], searches_s=[0.5], errors=errors)
    figures = long_ingest.describe(seen, 1_000, seconds=60.0)
    assert figures["ratio"] == at_end_bytes / 1_000
    assert long_ingest.has_failed(figures) == has_failed


def test_a_run_too_short_to_say_anything_is_refused():
    seen = Observations(9, [Sample(9, 1, 1)], statuses_s=[1.0], searches_s=[1.0])
    with pytest.raises(AssertionError, match="too few pages"):
        long_ingest.describe(seen, 9, seconds=1.0)
