"""The encoders of sounds there are; listing them loads no weights.

Commits and sizes are those of mteb's registry of models, licences those of the model cards where
they could be read, else the registry's; as of 2026-11.
"""

from __future__ import annotations

from retrieval.encoders.base import EncoderSpec, Family
from retrieval.encoders.catalog import CHECKED
from retrieval.records import Modality


def _describe(
    id: str, revision: str, n_parameters: int, note: str, licence: str = "Apache-2.0"
) -> EncoderSpec:
    return EncoderSpec(
        id=id,
        source=f"Hugging Face hub, {id}",
        revision=revision,
        family=Family.CLAP,
        modality=Modality.SOUNDS,
        dim=512,
        vectors_per_page=1,
        licence=licence,
        commercial_use=True,
        languages="English",
        context_tokens=0,
        n_parameters=n_parameters,
        memory_bytes=4 * n_parameters,
        model_card=f"https://huggingface.co/{id}",
        checked=CHECKED,
        note=note,
    )


SOUND_CATALOG: tuple[EncoderSpec, ...] = (
    _describe(
        "laion/clap-htsat-fused",
        "cca9e288ab447cee67d9ada1f85ddb46500f1401",
        153_507_530,
        "Trained with feature fusion, for recordings of any length.",
    ),
    _describe(
        "laion/clap-htsat-unfused",
        "8fa0f1c6d0433df6e97c127f64b2a1d6c0dcda8a",
        153_492_890,
        "For recordings of up to ten seconds.",
    ),
    _describe(
        "laion/larger_clap_general",
        "ada0c23a36c4e8582805bb38fec3905903f18b41",
        193_913_882,
        "Trained on more sounds, music and speech.",
        "MIT",
    ),
)
