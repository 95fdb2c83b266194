"""Catalog entries of models at vendors, with the facts that matter here."""

from retrieval.encoders.base import EncoderSpec, Family
from retrieval.records import Modality
from retrieval.rerankers.base import RerankerSpec
from retrieval.text_encoders.base import Channel, TextEncoderSpec, TextFamily

# Id -> length of vectors, shorter lengths, context, price.
TEXTS = {
    "openai/text-embedding-3-large": (3072, (256, 1024), 8191, 0.13),
    "cohere/embed-english-v3.0": (1024, (), 512, 0.10),
    "cohere/embed-v4.0": (1536, (256, 512, 1024), 128_000, 0.12),
    "voyage/voyage-3-large": (1024, (256, 512), 32_000, 0.18),
    "voyage/voyage-law-2": (1024, (), 16_000, 0.12),
    "mistral/mistral-embed": (1024, (), 8192, 0.10),
    "gemini/gemini-embedding-001": (3072, (768, 1536), 2048, 0.15),
}

# Id -> length of vectors, shorter lengths, price.
PHOTOS = {
    "cohere/embed-v4.0": (1536, (256, 512, 1024), 0.12),
    "cohere/embed-english-v3.0": (1024, (), 0.10),
    "voyage/voyage-multimodal-3": (1024, (), 0.12),
}

RERANKERS = {
    "cohere/rerank-v3.5": None,
    "jina/jina-reranker-v2-base-multilingual": 0.02,
    "voyage/rerank-2": 0.05,
}

AT_A_VENDOR = {
    "source": "an API",
    "revision": "",
    "licence": "API terms",
    "commercial_use": True,
    "languages": "many languages",
    "n_parameters": None,
    "memory_bytes": 0,
    "model_card": "the vendor's documentation",
    "checked": "2026-11",
}


def describe_texts(model_id, **facts):
    dim, matryoshka_dims, context_tokens, price = TEXTS[model_id]
    described = {
        **AT_A_VENDOR,
        "id": model_id,
        "family": TextFamily(model_id.partition("/")[0]),
        "channels": (Channel.DENSE,),
        "dim": dim,
        "matryoshka_dims": matryoshka_dims,
        "context_tokens": context_tokens,
        "usd_per_million_tokens": price,
    }
    return TextEncoderSpec(**{**described, **facts})


def describe_photos(model_id, **facts):
    dim, matryoshka_dims, price = PHOTOS[model_id]
    described = {
        **AT_A_VENDOR,
        "id": model_id,
        "family": Family(model_id.partition("/")[0]),
        "modality": Modality.PHOTOS,
        "dim": dim,
        "vectors_per_page": 1,
        "matryoshka_dims": matryoshka_dims,
        "context_tokens": 32_000,
        "usd_per_million_tokens": price,
    }
    return EncoderSpec(**{**described, **facts})


def describe_reranker(model_id):
    return RerankerSpec(
        **AT_A_VENDOR,
        id=model_id,
        context_tokens=4_096,
        usd_per_million_tokens=RERANKERS[model_id],
    )
