"""The benchmark of scale runs, and what it says can be true; speed is not judged here."""

import json

import numpy as np
import pytest

from tests.benchmarks import scale
from tests.benchmarks.page_texts import write_paragraph
from tests.benchmarks.search_ways import find_best

SIZES = [50, 200]


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    """What `--json` prints, of a small run with the sample PDFs and their questions."""
    with pytest.MonkeyPatch.context() as patch:
        lines = []
        patch.setattr("builtins.print", lambda *values, **_: lines.append(values[0]))
        cache = str(tmp_path_factory.mktemp("paragraphs"))
        sizes = ",".join(map(str, SIZES))
        arguments = ["--pages", sizes, "--paragraphs", "100", "--questions", "3", "--json"]
        scale.main([*arguments, "--cache", cache, "--local-limit", "50", "--corpus", "sample_docs"])
    return json.loads(lines[-1])


def test_each_way_is_measured_at_each_size(result):
    assert [size["pages"] for size in result["sizes"]] == SIZES
    small, large = result["sizes"]
    assert set(small["ways"]) == set(scale.WAYS)
    assert set(large["ways"]) == set(scale.WAYS) - {"local"}
    assert large["left_out"] == {"local": "over 50 pages"}
    for size in result["sizes"]:
        assert size["bytes_per_page"] > 10_000
        assert size["peak_memory_bytes"] > 50e6
        for figures in size["ways"].values():
            assert 0 < figures["p50_ms"] <= figures["p95_ms"]
        assert size["ways"]["two_stage"]["times_slower"] == 1


def test_exact_ways_agree_and_two_stages_miss_little(result):
    for size in result["sizes"]:
        for way in set(size["ways"]) - {"two_stage", "edge"}:
            assert size["ways"][way]["recall@10"] >= 0.99
        # Of pages that answer nearly alike, 4 bits a number change which ten come first.
        assert size["ways"]["edge"]["recall@10"] >= 0.9
        assert size["ways"]["two_stage"]["recall@10"] >= 0.9
        assert size["ways"]["two_stage"]["recall@10_stored"] >= 0.95


def test_data_is_described(result):
    data = result["data"]
    assert (data["dim"], data["candidates"], data["generated_questions"]) == (192, 500, 3)
    # The scans of the sample documents have no text layer.
    assert 10 < data["corpus_pages"] < 50
    assert data["corpus_questions"] == 3
    assert 150 < data["vectors_per_page"] < 400


def test_paragraphs_differ_and_stay_the_same():
    texts = {write_paragraph(number).text for number in range(500)}
    assert len(texts) == 500
    assert write_paragraph(7) == write_paragraph(7)


def test_the_best_are_the_first_of_equals():
    assert find_best(np.array([1, 3, 2, 3], dtype=np.float32)) == [1, 3, 2, 0]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--pages", "many"], "numbers with commas"),
        (["--pages", "200,100"], "ascending"),
        (["--pages", "0"], "from 1 on"),
        (["--questions", "0"], "at least 1, not 0"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments, reason, capsys):
    with pytest.raises(SystemExit, match="2"):
        scale.read_arguments(arguments)
    assert reason in capsys.readouterr().err
