"""A library of shorter vectors: a model's name may end in how long they shall be."""

import pytest

from app.cli_options import make_settings
from app.library import Library
from app.settings import Settings
from app.variants import cross_dims
from retrieval.comparison_errors import InvalidVariant
from retrieval.errors import DimensionRefused, EncoderMismatch
from retrieval.matryoshka import ModelName, read_name
from tests import text_checkpoints
from tests.documents import write_text_pdf


def silent(progress):
    """For a run that nobody watches."""


def test_a_name_may_end_in_a_length(tmp_path, monkeypatch):
    assert read_name("nomic-ai/nomic-embed-text-v1.5:256") == (
        "nomic-ai/nomic-embed-text-v1.5",
        256,
    )
    assert read_name("BAAI/bge-m3@5617a9f:64").unpinned == "BAAI/bge-m3"
    assert read_name("minilm-layout") == ("minilm-layout", None)
    assert read_name("minilm-layout:0") == ("minilm-layout:0", None)
    folder = tmp_path / "model:8"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    assert read_name("model:8") == ("model:8", None)
    assert str(read_name("model:8:16").resolve()) == f"{folder}:16"
    assert str(ModelName("a/b", 64)) == "a/b:64"


def test_the_command_line_adds_the_length_to_the_model_of_the_settings(tmp_path, monkeypatch):
    monkeypatch.setenv("PAGELENS_MODEL", "a/b:512")
    assert make_settings(tmp_path, None, 256).model == "a/b:256"
    assert make_settings(tmp_path, "c/d", 256).model == "c/d:256"
    assert make_settings(tmp_path).model == "a/b:512"


def test_a_model_that_was_not_trained_for_it_makes_no_library(tmp_path):
    for asked in ("minilm-layout:64", "auto:64"):
        with pytest.raises(DimensionRefused, match="minilm-layout cannot be cut to 64 dimensions"):
            Library(Settings(library=tmp_path / "library", model=asked))
    assert not (tmp_path / "library").exists()


def test_a_library_keeps_the_length_that_it_was_made_with(tmp_path):
    model = text_checkpoints.write_dense(tmp_path / "dense")
    pdf = write_text_pdf(tmp_path / "harbour.pdf", "The harbour master collects mooring fees.")
    folder = tmp_path / "library"

    def open_with(*names):
        return Library(Settings(library=folder, text_models=names or None))

    with open_with(f"{model}:16") as library:
        library.ingest([pdf], silent)
        assert library.encoders.texts.spaces[0].dim == 16
        assert library.encoders.texts.keys[0].endswith("/dim-16")
    with open_with() as library:
        assert library.encoders.texts.spaces[0].dim == 16
        assert library.search("mooring fees", 1).hits[0].page_number == 1
    for other in (str(model), f"{model}:8"):
        with pytest.raises(EncoderMismatch, match="was made with"):
            open_with(other)


def test_lengths_are_compared_like_models():
    crossed = "minilm-layout:64,minilm-layout,a/b:64,a/b"
    assert cross_dims("minilm-layout,a/b", "64,full") == crossed
    with pytest.raises(InvalidVariant, match="a whole number from 1, or full"):
        cross_dims("a/b", "64,short")
