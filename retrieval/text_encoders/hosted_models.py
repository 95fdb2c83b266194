"""Text encoders that vendors run: what is read is sent to them, and paid for by the token.

Facts as of 2026-11, from the vendors' documentation. Prices are list prices in US dollars, without
batch rates; those of models that a vendor sells no more by the token are the last that were. What
tells a question from a passage is a field of the request, not a prompt.
"""

from __future__ import annotations

from retrieval.text_encoders.base import Channel, TextEncoderSpec, TextFamily
from retrieval.text_encoders.on_hub import CHECKED

API_TERMS = "API terms"
LAST_PRICE = "Cohere states no price by the token for it any more; this is its last."

CARDS = {
    TextFamily.OPENAI: "https://platform.openai.com/docs/guides/embeddings",
    TextFamily.COHERE: "https://docs.cohere.com/docs/cohere-embed",
    TextFamily.VOYAGE: "https://docs.voyageai.com/docs/embeddings",
    TextFamily.MISTRAL: "https://docs.mistral.ai/capabilities/embeddings/text_embeddings",
    TextFamily.GEMINI: "https://ai.google.dev/gemini-api/docs/embeddings",
}


def _describe(
    family: TextFamily,
    model: str,
    *,
    dim: int,
    context_tokens: int,
    price: float | None,
    languages: str = "many languages",
    matryoshka_dims: tuple[int, ...] = (),
    note: str = "",
    obstacle: str = "",
) -> TextEncoderSpec:
    return TextEncoderSpec(
        id=f"{family.value}/{model}",
        source=f"the API of {family.value}, {model}",
        revision="",
        licence=API_TERMS,
        commercial_use=True,
        languages=languages,
        context_tokens=context_tokens,
        n_parameters=None,
        memory_bytes=0,
        model_card=CARDS[family],
        checked=CHECKED,
        usd_per_million_tokens=price,
        note=note,
        obstacle=obstacle,
        family=family,
        channels=(Channel.DENSE,),
        dim=dim,
        matryoshka_dims=matryoshka_dims,
    )


HOSTED: tuple[TextEncoderSpec, ...] = (
    _describe(
        TextFamily.OPENAI,
        "text-embedding-3-large",
        dim=3072,
        context_tokens=8_191,
        price=0.13,
        matryoshka_dims=(256, 1024),
    ),
    _describe(
        TextFamily.OPENAI,
        "text-embedding-3-small",
        dim=1536,
        context_tokens=8_191,
        price=0.02,
        matryoshka_dims=(256, 512),
    ),
    _describe(
        TextFamily.COHERE,
        "embed-english-v3.0",
        dim=1024,
        context_tokens=512,
        price=0.10,
        languages="English",
        note=LAST_PRICE,
    ),
    _describe(
        TextFamily.COHERE,
        "embed-multilingual-v3.0",
        dim=1024,
        context_tokens=512,
        price=0.10,
        languages="over 100 languages",
        note=LAST_PRICE,
    ),
    _describe(
        TextFamily.COHERE,
        "embed-v4.0",
        dim=1536,
        context_tokens=128_000,
        price=0.12,
        languages="over 100 languages",
        matryoshka_dims=(256, 512, 1024),
    ),
    _describe(
        TextFamily.VOYAGE,
        "voyage-3-large",
        dim=1024,
        context_tokens=32_000,
        price=0.18,
        matryoshka_dims=(256, 512),
        note="Voyage lists it among its older models.",
    ),
    _describe(
        TextFamily.VOYAGE,
        "voyage-3",
        dim=1024,
        context_tokens=32_000,
        price=0.06,
        note="Voyage lists it among its older models.",
    ),
    _describe(
        TextFamily.VOYAGE,
        "voyage-code-3",
        dim=1024,
        context_tokens=32_000,
        price=0.18,
        languages="many languages, and code",
        matryoshka_dims=(256, 512),
    ),
    _describe(
        TextFamily.VOYAGE,
        "voyage-finance-2",
        dim=1024,
        context_tokens=32_000,
        price=0.12,
        languages="English mostly (finance)",
    ),
    _describe(
        TextFamily.VOYAGE,
        "voyage-law-2",
        dim=1024,
        context_tokens=16_000,
        price=0.12,
        languages="English mostly (law)",
    ),
    _describe(
        TextFamily.MISTRAL,
        "mistral-embed",
        dim=1024,
        context_tokens=8_192,
        price=0.10,
        languages="European languages",
    ),
    _describe(
        TextFamily.GEMINI,
        "gemini-embedding-001",
        dim=3072,
        context_tokens=2_048,
        price=0.15,
        languages="over 100 languages",
        matryoshka_dims=(768, 1536),
    ),
    _describe(
        TextFamily.GEMINI,
        "text-embedding-004",
        dim=768,
        context_tokens=2_048,
        price=None,
        languages="English",
        obstacle="Google announced its end for 14 January 2026",
        note="Its successor is gemini/gemini-embedding-001.",
    ),
)
