"""Text encoders for one field: code, medicine, law, finance, science.

Most are language models that were never trained to search: a base to fine-tune on questions of
one's own, listed because teams reach for them. What the cards do not state is left empty.
"""

from __future__ import annotations

from retrieval.text_encoders.base import TextEncoderSpec
from retrieval.text_encoders.on_hub import OWN_CODE, describe_on_hub


def _describe_base(
    id: str, *, licence: str, commercial_use: bool = True, languages: str, note: str = ""
) -> TextEncoderSpec:
    """BERT's size, in one or another field."""
    return describe_on_hub(
        id,
        "main",
        dim=768,
        context_tokens=512,
        n_parameters=110_000_000,
        licence=licence,
        commercial_use=commercial_use,
        languages=languages,
        note=note,
        is_base=True,
    )


DOMAIN: tuple[TextEncoderSpec, ...] = (
    describe_on_hub(
        "jinaai/jina-embeddings-v2-base-code",
        "main",
        dim=768,
        context_tokens=8_192,
        n_parameters=161_000_000,
        languages="English and 30 programming languages",
        obstacle=OWN_CODE,
    ),
    _describe_base(
        "microsoft/unixcoder-base",
        licence="Apache-2.0",
        languages="English and 6 programming languages",
    ),
    describe_on_hub(
        "NeuML/pubmedbert-base-embeddings",
        "main",
        dim=768,
        context_tokens=512,
        n_parameters=109_000_000,
        languages="English (medicine)",
    ),
    _describe_base(
        "microsoft/BiomedNLP-BiomedBERT-base-uncased-abstract-fulltext",
        licence="MIT",
        languages="English (medicine)",
        note="Known as PubMedBERT.",
    ),
    _describe_base(
        "nlpaueb/legal-bert-base-uncased",
        licence="CC-BY-SA-4.0",
        languages="English (law)",
        note="What is made of its weights must be shared alike.",
    ),
    _describe_base(
        "ProsusAI/finbert",
        licence="not stated on its card",
        commercial_use=False,
        languages="English (finance)",
        note="A classifier of sentiment.",
    ),
    _describe_base(
        "allenai/scibert_scivocab_uncased",
        licence="Apache-2.0",
        languages="English (science)",
        note="The licence is that of its repository of code.",
    ),
)
