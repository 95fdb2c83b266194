"""How a text encoder of the hub is described."""

from __future__ import annotations

from retrieval.text_encoders.base import Channel, TextEncoderSpec, TextFamily

CHECKED = "2026-11"

OWN_CODE = "it brings Python code of its own, which Pagelens does not run"


def describe_on_hub(
    id: str,
    revision: str,
    *,
    dim: int,
    context_tokens: int,
    n_parameters: int,
    licence: str = "Apache-2.0",
    commercial_use: bool = True,
    languages: str = "English",
    family: TextFamily = TextFamily.SENTENCE_TRANSFORMER,
    channels: tuple[Channel, ...] = (Channel.DENSE,),
    matryoshka_dims: tuple[int, ...] = (),
    query_prompt: str = "{}",
    document_prompt: str = "{}",
    note: str = "",
    is_base: bool = False,
    obstacle: str = "",
) -> TextEncoderSpec:
    """A catalog entry; the memory is that of the weights in bfloat16."""
    return TextEncoderSpec(
        id=id,
        source=f"Hugging Face hub, {id}",
        revision=revision,
        licence=licence,
        commercial_use=commercial_use,
        languages=languages,
        context_tokens=context_tokens,
        n_parameters=n_parameters,
        memory_bytes=2 * n_parameters,
        model_card=f"https://huggingface.co/{id}",
        checked=CHECKED,
        note=note,
        is_base=is_base,
        obstacle=obstacle,
        family=family,
        channels=channels,
        dim=dim,
        matryoshka_dims=matryoshka_dims,
        query_prompt=query_prompt,
        document_prompt=document_prompt,
    )
