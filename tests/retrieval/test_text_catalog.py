"""The text encoders of the landscape: all are there, and each is sent what its card says."""

from dataclasses import replace

import pytest

from retrieval.text_encoders.base import Channel, TextFamily
from retrieval.text_encoders.catalog import (
    MINILM_DENSE,
    TEXT_CATALOG,
    find_text_spec,
    refuse_text_name,
)

SENTENCE = "Represent this sentence for searching relevant passages: What?"
WEB_SEARCH = (
    "Instruct: Given a web search query, retrieve relevant passages that answer the query"
    "\nQuery: What?"
)
WEB_SEARCH_WITH_STOP = (
    "Instruct: Given a web search query, retrieve relevant passages that answer the query."
    "\nQuery: What?"
)
# What a question and a passage become by each card's convention.
RENDERED = {
    "minilm-dense": ("What?", "That."),
    "BAAI/bge-small-en-v1.5": (SENTENCE, "That."),
    "BAAI/bge-base-en-v1.5": (SENTENCE, "That."),
    "BAAI/bge-large-en-v1.5": (SENTENCE, "That."),
    "BAAI/bge-multilingual-gemma2": (
        "<instruct>Given a web search query, retrieve relevant passages that answer the query."
        "\n<query>What?",
        "That.",
    ),
    "BAAI/bge-m3": ("What?", "That."),
    "intfloat/e5-small-v2": ("query: What?", "passage: That."),
    "intfloat/e5-large-v2": ("query: What?", "passage: That."),
    "intfloat/multilingual-e5-large": ("query: What?", "passage: That."),
    "intfloat/multilingual-e5-large-instruct": (WEB_SEARCH, "That."),
    "intfloat/e5-mistral-7b-instruct": (WEB_SEARCH, "That."),
    "nvidia/NV-Embed-v2": (
        "Instruct: Given a question, retrieve passages that answer the question\nQuery: What?",
        "That.",
    ),
    "Alibaba-NLP/gte-Qwen2-7B-instruct": (WEB_SEARCH, "That."),
    "NovaSearch/stella_en_1.5B_v5": (WEB_SEARCH_WITH_STOP, "That."),
    "NovaSearch/stella_en_400M_v5": (WEB_SEARCH_WITH_STOP, "That."),
    "Snowflake/snowflake-arctic-embed-l-v2.0": ("query: What?", "That."),
    "Snowflake/snowflake-arctic-embed-m-v2.0": ("query: What?", "That."),
    "mixedbread-ai/mxbai-embed-large-v1": (SENTENCE, "That."),
    "Linq-AI-Research/Linq-Embed-Mistral": (
        "Instruct: Given a question, retrieve Wikipedia passages that answer the question"
        "\nQuery: What?",
        "That.",
    ),
    "jinaai/jina-embeddings-v3": (
        "Represent the query for retrieving evidence documents: What?",
        "Represent the document for retrieval: That.",
    ),
    "nomic-ai/nomic-embed-text-v1.5": ("search_query: What?", "search_document: That."),
    "colbert-ir/colbertv2.0": ("[unused0] What?", "[unused1] That."),
    "jinaai/jina-colbert-v2": ("[QueryMarker]What?", "[DocumentMarker]That."),
    "lightonai/GTE-ModernColBERT-v1": ("[Q] What?", "[D] That."),
}

# The landscape's rows that have a name of their own on the hub or at a vendor.
LANDSCAPE = {
    "openai/text-embedding-3-large": (3072, True),
    "openai/text-embedding-3-small": (1536, True),
    "cohere/embed-english-v3.0": (1024, True),
    "cohere/embed-multilingual-v3.0": (1024, True),
    "cohere/embed-v4.0": (1536, True),
    "voyage/voyage-3-large": (1024, True),
    "voyage/voyage-3": (1024, True),
    "voyage/voyage-code-3": (1024, True),
    "voyage/voyage-finance-2": (1024, True),
    "voyage/voyage-law-2": (1024, True),
    "mistral/mistral-embed": (1024, True),
    "gemini/gemini-embedding-001": (3072, True),
    "gemini/text-embedding-004": (768, True),
    "BAAI/bge-m3": (1024, True),
    "nvidia/NV-Embed-v2": (4096, False),
    "Alibaba-NLP/gte-Qwen2-7B-instruct": (3584, True),
    "NovaSearch/stella_en_1.5B_v5": (1024, True),
    "NovaSearch/stella_en_400M_v5": (1024, True),
    "Snowflake/snowflake-arctic-embed-l-v2.0": (1024, True),
    "Snowflake/snowflake-arctic-embed-m-v2.0": (768, True),
    "mixedbread-ai/mxbai-embed-large-v1": (1024, True),
    "Linq-AI-Research/Linq-Embed-Mistral": (4096, False),
    "jinaai/jina-embeddings-v3": (1024, False),
    "intfloat/e5-mistral-7b-instruct": (4096, True),
    "nomic-ai/nomic-embed-text-v1.5": (768, True),
    "intfloat/multilingual-e5-large-instruct": (1024, True),
    "BAAI/bge-multilingual-gemma2": (3584, True),
    "jinaai/jina-embeddings-v2-base-code": (768, True),
    "microsoft/unixcoder-base": (768, True),
    "microsoft/BiomedNLP-BiomedBERT-base-uncased-abstract-fulltext": (768, True),
    "nlpaueb/legal-bert-base-uncased": (768, True),
    "ProsusAI/finbert": (768, False),
    "allenai/scibert_scivocab_uncased": (768, True),
    "colbert-ir/colbertv2.0": (128, True),
    "jinaai/jina-colbert-v2": (128, False),
    "naver/splade-v3": (30_522, False),
}

KIND_OF_FAMILY = {
    TextFamily.MULTI_VECTOR: (Channel.TOKENS,),
    TextFamily.SPARSE: (Channel.TERMS,),
    TextFamily.BGE_M3: (Channel.DENSE, Channel.TOKENS, Channel.TERMS),
}


@pytest.mark.parametrize(("name", "rendered"), RENDERED.items(), ids=RENDERED)
def test_a_prompt_is_the_card_s_to_the_letter(name, rendered):
    spec = find_text_spec(name)
    assert (
        spec.query_prompt.replace("{}", "What?"),
        spec.document_prompt.replace("{}", "That."),
    ) == rendered


def test_no_prompt_is_left_out():
    """Those that are not listed above send the text as it is."""
    for spec in TEXT_CATALOG:
        if spec.id not in RENDERED:
            assert (spec.query_prompt, spec.document_prompt) == ("{}", "{}"), spec.id


@pytest.mark.parametrize(("name", "facts"), LANDSCAPE.items(), ids=LANDSCAPE)
def test_every_model_of_the_landscape_is_there(name, facts):
    spec = find_text_spec(name)
    assert (spec.dim, spec.commercial_use) == facts


def test_entries_differ_in_name_and_say_what_must_be_said():
    assert len({spec.id for spec in TEXT_CATALOG}) == len(TEXT_CATALOG)
    for spec in TEXT_CATALOG:
        assert spec.channels == KIND_OF_FAMILY.get(spec.family, (Channel.DENSE,)), spec.id
        assert spec.model_card.startswith("https://")
        assert spec.languages
        assert spec.checked
        assert (
            spec.is_hosted
            == (spec.n_parameters is None)
            == spec.id.startswith(("openai/", "cohere/", "voyage/", "mistral/", "gemini/"))
        )
        if spec.is_hosted:
            assert spec.usd_per_million_tokens or spec.obstacle
            assert spec.licence == "API terms"
        else:
            assert spec.memory_bytes > 0
            assert spec.usd_per_million_tokens is None
        # Licences with "NC" in their names, and no others, bar commercial use where one is stated.
        assert spec.commercial_use != ("-NC-" in spec.licence or "not stated" in spec.licence)


def test_the_embedded_one_comes_first_and_needs_no_hub():
    assert TEXT_CATALOG[0] is MINILM_DENSE
    assert (MINILM_DENSE.id, MINILM_DENSE.dim) == ("minilm-dense", 384)


def test_matryoshka_lengths_are_those_the_models_were_trained_for():
    known = {spec.id: spec.matryoshka_dims for spec in TEXT_CATALOG if spec.matryoshka_dims}
    assert known["jinaai/jina-embeddings-v3"] == (32, 64, 128, 256, 512, 768)
    assert known["nomic-ai/nomic-embed-text-v1.5"] == (64, 128, 256, 512)
    assert known["Snowflake/snowflake-arctic-embed-l-v2.0"] == (256,)
    assert known["cohere/embed-v4.0"] == (256, 512, 1024)
    for name in ("BAAI/bge-m3", "NovaSearch/stella_en_400M_v5", "intfloat/e5-large-v2"):
        assert name not in known


def test_a_name_is_found_with_and_without_a_revision():
    spec = find_text_spec("BAAI/bge-m3@0123abc")
    assert spec is find_text_spec("BAAI/bge-m3")
    assert find_text_spec("BAAI/bge-m4") is None
    known = str(refuse_text_name("bge"))
    assert known.startswith("unknown text model 'bge': neither a folder, nor a hub id")
    assert "minilm-dense" in known


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"query_prompt": "query: "}, "query_prompt"),
        ({"document_prompt": "{} {}"}, "document_prompt"),
        ({"matryoshka_dims": (512, 256)}, "matryoshka_dims"),
        ({"matryoshka_dims": (384,)}, "matryoshka_dims"),
        ({"channels": ()}, "channels"),
        ({"checked": "November"}, "checked"),
        ({"usd_per_million_tokens": 0.0}, "usd_per_million_tokens"),
        ({"licence": ""}, "licence"),
    ],
)
def test_an_entry_that_cannot_be_true_is_refused_by_the_field(change, field):
    with pytest.raises(ValueError, match=rf"^minilm-dense: {field} "):
        replace(MINILM_DENSE, **change)
