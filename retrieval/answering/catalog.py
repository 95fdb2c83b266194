"""The models that write answers whose licence is known; any other that writes about pictures loads.

Facts as of 2026-11, from the model cards. They were not run here with their published weights.
"""

from __future__ import annotations

from retrieval.model_spec import ModelSpec

CHECKED = "2026-11"


def _describe(
    id: str,
    *,
    n_parameters: int,
    context_tokens: int,
    licence: str = "Apache-2.0",
    commercial_use: bool = True,
    languages: str = "many languages",
) -> ModelSpec:
    return ModelSpec(
        id=id,
        source=f"Hugging Face hub, {id}",
        revision="main",
        licence=licence,
        commercial_use=commercial_use,
        languages=languages,
        context_tokens=context_tokens,
        n_parameters=n_parameters,
        memory_bytes=2 * n_parameters,
        model_card=f"https://huggingface.co/{id}",
        checked=CHECKED,
    )


ANSWER_CATALOG: tuple[ModelSpec, ...] = (
    _describe(
        "HuggingFaceTB/SmolVLM-500M-Instruct",
        n_parameters=508_000_000,
        context_tokens=8_192,
        languages="English",
    ),
    _describe(
        "HuggingFaceTB/SmolVLM-Instruct",
        n_parameters=2_250_000_000,
        context_tokens=16_384,
        languages="English",
    ),
    _describe(
        "Qwen/Qwen2-VL-2B-Instruct",
        n_parameters=2_210_000_000,
        context_tokens=32_768,
    ),
    _describe(
        "Qwen/Qwen2.5-VL-3B-Instruct",
        n_parameters=3_750_000_000,
        context_tokens=128_000,
        licence="Qwen research licence",
        commercial_use=False,
    ),
    _describe(
        "Qwen/Qwen2.5-VL-7B-Instruct",
        n_parameters=8_290_000_000,
        context_tokens=128_000,
    ),
)


def find_answer_model(name: str) -> ModelSpec | None:
    """The catalog entry of a name, `@revision` behind it disregarded; None for another name."""
    return next((spec for spec in ANSWER_CATALOG if spec.id == name.partition("@")[0]), None)
