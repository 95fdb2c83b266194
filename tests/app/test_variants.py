"""Which ways to search are compared, and what they are called."""

import pytest

from app.settings import Settings
from app.variants import list_variants, name_variants
from retrieval.comparison_errors import InvalidVariant
from retrieval.errors import UnknownEncoder
from retrieval.search import Mode

SETTINGS = Settings(model="minilm-layout")


def name_all(*singles, settings=SETTINGS, **lists):
    return name_variants(list_variants(lists, singles, settings))


def test_all_combinations_are_compared_and_those_that_ask_one_index_stand_together():
    variants = list_variants({"pool_factor": "1,3", "reranker": "auto, none"}, (), SETTINGS)
    assert [(it.pool_factor, it.reranker) for it in variants] == [
        (1, "auto"),
        (1, "none"),
        (3, "auto"),
        (3, "none"),
    ]
    assert {(it.model, it.mode) for it in variants} == {("minilm-layout", Mode.HYBRID)}


def test_a_variant_is_called_by_what_tells_it_from_the_others(tmp_path):
    assert name_all(mode="hybrid,visual,text") == ["hybrid", "visual", "text"]
    assert name_all(pool_factor="1,2", reranker="none,minilm-reranker") == [
        "pool factor 1, no reranker",
        "pool factor 1, reranker minilm-reranker",
        "pool factor 2, no reranker",
        "pool factor 2, reranker minilm-reranker",
    ]
    # What is as usual is not said again and again.
    assert name_all("pool-factor=2", mode="hybrid,text", reranker="auto,none") == [
        "hybrid",
        "hybrid, no reranker",
        "text",
        "text, no reranker",
        "pool factor 2, hybrid",
    ]
    # Of a folder its name is enough.
    assert name_all(model=f"minilm-layout,{tmp_path}") == ["minilm-layout", tmp_path.name]


def test_what_changes_nothing_makes_no_variant():
    # Nobody reads again what is ranked by vectors alone; words are ranked whatever the vectors.
    assert name_all(mode="visual,text", reranker="auto,none", pool_factor="1,2") == [
        "visual",
        "text",
        "text, no reranker",
        "pool factor 2, visual",
    ]


def test_text_models_are_compared_alone_or_together():
    assert name_all(text_models="none,minilm-dense,BAAI/bge-m3+minilm-dense") == [
        "no text model",
        "with minilm-dense",
        "with BAAI/bge-m3+minilm-dense",
    ]
    # What pages look like is asked of no text model.
    assert name_all(text_models="none,minilm-dense", mode="text,visual") == [
        "text",
        "visual",
        "with minilm-dense, text",
    ]


def test_single_variants_come_after_the_lists_or_alone():
    single = "pool-factor=2 mode=visual"
    assert name_all(single, mode="hybrid,text") == [
        "hybrid",
        "text",
        "pool factor 2, visual",
    ]
    assert name_all(single, "vector_storage=turbo8") == [
        "pool factor 2, visual",
        "stored as turbo8, hybrid",
    ]


def test_what_is_not_given_is_as_it_is_set():
    settings = Settings(model="minilm-layout", pool_factor=4, reranker="none")
    variants = list_variants({"mode": "hybrid,text"}, ("pool-factor=1",), settings)
    assert [it.pool_factor for it in variants] == [4, 4, 1]
    assert {it.reranker for it in variants} == {"none"}


def test_auto_is_what_it_stands_for_on_this_machine():
    variants = list_variants({"mode": "hybrid,text"}, (), Settings())
    assert "auto" not in {it.model for it in variants}


@pytest.mark.parametrize(
    ("lists", "singles", "reason"),
    [
        ({}, (), "nothing to compare"),
        ({"mode": "hybrid"}, ("mode=hybrid",), "nothing to compare"),
        ({"mode": "hybrid,best"}, (), "mode 'best': one of hybrid, visual, text is expected"),
        ({"pool_factor": "1,0"}, (), "pool_factor '0': a whole number from 1 is expected"),
        ({"vector_storage": "float8"}, (), "vector_storage 'float8': one of auto, float16"),
        ({"model": "minilm-layout,"}, (), "model '': a name is expected"),
        ({}, ("colour=red", ""), "'colour=red' is not one of model, text-models"),
        ({}, ("mode", ""), "'mode' is not one of"),
        ({}, ("model='open", ""), "No closing quotation"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_line(lists, singles, reason):
    with pytest.raises(InvalidVariant, match=reason) as refused:
        list_variants(lists, singles, SETTINGS)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("field", ["model", "reranker", "text_models"])
def test_a_mistyped_name_is_told_before_anything_is_measured(field):
    with pytest.raises(UnknownEncoder, match="'minilm-layuot'"):
        list_variants({field: "minilm-layuot", "mode": "hybrid,text"}, (), SETTINGS)
