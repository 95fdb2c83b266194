"""The benchmark of encoding runs, and what it says can be true; speed is not judged here."""

import json

import pytest

from retrieval.encoders import visual
from retrieval.encoders.catalog import find_spec
from tests.benchmarks import encode
from tests.benchmarks.peak_memory import measure_growth
from tests.benchmarks.random_checkpoints import (
    SIZES,
    build_empty_model,
    write_random_checkpoint,
)

N_PAGES = 5

# Qwen2-VL's input: each pixel in three colours, twice as pictures are films of two frames.
CHANNELS, FRAMES, FLOAT32_BYTES = 3, 2, 4


@pytest.fixture(scope="module")
def result():
    """What `encode.py --json` prints, for the smallest model."""
    printed = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("builtins.print", printed.append)
        arguments = f"--model thin --pages {N_PAGES} --repeats 1 --plain-batch 2 --device cpu"
        encode.main([*arguments.split(), "--json"])
    return json.loads(printed[-1])


def test_it_says_what_ran_where(result):
    assert result["pages"] == N_PAGES
    assert result["machine"]["cpu"]
    assert result["machine"]["torch"]
    assert result["machine"]["gpu"] is None
    (model,) = result["models"]
    assert (model["model"], model["device"]) == ("thin", "cpu")
    # 256 tokens of the page at most, and those of the prompt.
    assert 200 < model["vectors_per_page"] < 300


@pytest.mark.parametrize("way", encode.WAYS)
def test_each_way_is_measured(result, way):
    figures = result["models"][0]["ways"][way]
    assert figures["pages_per_second"] == pytest.approx(N_PAGES / figures["seconds"])
    assert figures["cpu_seconds_per_page"] > 0
    assert figures["peak_memory_bytes"] > 50e6
    assert figures["peak_gpu_bytes"] is None
    assert len(figures["all_seconds"]) == 1


def test_ratios_are_to_the_bare_forward_passes(result):
    (model,) = result["models"]
    seconds = {way: figures["seconds"] for way, figures in model["ways"].items()}
    bare = seconds["bare_forward"]
    for way, figures in model["ways"].items():
        assert figures["ratio_to_bare"] == pytest.approx(bare / seconds[way])
    assert model["overhead_percent"] == pytest.approx(100 * (seconds["pagelens"] / bare - 1))
    assert model["overhead_percent_once_started"] < model["overhead_percent"]
    assert model["speed_up_over_plain_loop"] > 0


@pytest.mark.parametrize(
    ("name", "published"),
    [("colqwen2-2b", "vidore/colqwen2-v1.0"), ("colsmol-256m", "vidore/colSmol-256M")],
)
def test_full_size_models_are_as_large_as_the_published_ones(name, published):
    n_weights = sum(weight.numel() for weight in build_empty_model(name).parameters())
    if name == "colsmol-256m":
        # Its published size counts the head that predicts words, which late interaction lacks.
        n_weights += SIZES[name].vocabulary * SIZES[name].hidden
    assert n_weights == pytest.approx(find_spec(published).n_parameters, rel=0.01)


def test_every_model_can_be_asked_for():
    assert set(encode.MODELS) == set(SIZES)


@pytest.mark.parametrize("argument", ["--pages", "--repeats", "--plain-batch", "--growth"])
def test_a_number_below_one_is_refused(argument, capsys):
    with pytest.raises(SystemExit, match="2"):
        encode.read_arguments([argument, "0"])
    assert "must be at least 1, not 0" in capsys.readouterr().err


def test_peak_memory_does_not_grow_with_the_corpus(tmp_path, monkeypatch):
    # With batches of two pages the few pages fill all that is in work at once, as they must.
    monkeypatch.setattr(visual, "CPU_BATCH_VECTORS", 600)
    checkpoint = write_random_checkpoint("thin", tmp_path / "thin", "cpu")
    few, many = measure_growth(checkpoint, 32, tmp_path, "cpu", on_done=lambda: None)
    n_added = many["pages"] - few["pages"]
    assert n_added == 96
    # What they would take if the model inputs of every page were kept. The allocators alone make
    # a difference of a few pages.
    kept_bytes = n_added * SIZES["thin"].page_px * CHANNELS * FRAMES * FLOAT32_BYTES
    assert many["peak_memory_bytes"] - few["peak_memory_bytes"] < kept_bytes / 2
