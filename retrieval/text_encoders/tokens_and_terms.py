"""Text encoders of a vector a token (late interaction), and of weighted terms (learned sparse).

Revisions, sizes and licences are those of mteb's registry of models, as of 2026-11, but for
SPLADE's, which are the hub's own.
"""

from __future__ import annotations

from retrieval.text_encoders.base import Channel, TextEncoderSpec, TextFamily
from retrieval.text_encoders.on_hub import OWN_CODE, describe_on_hub

BERT_VOCABULARY = 30_522


def _describe_opensearch(
    id: str, revision: str, *, n_parameters: int, context_tokens: int = 512, obstacle: str = ""
) -> TextEncoderSpec:
    return describe_on_hub(
        f"opensearch-project/{id}",
        revision,
        family=TextFamily.SPARSE,
        channels=(Channel.TERMS,),
        dim=BERT_VOCABULARY,
        context_tokens=context_tokens,
        n_parameters=n_parameters,
        note="Questions need no model: their terms are weighted by a table.",
        obstacle=obstacle,
    )


TOKENS_AND_TERMS: tuple[TextEncoderSpec, ...] = (
    describe_on_hub(
        "BAAI/bge-m3",
        "5617a9f61b028005a4858fdac845db406aefb181",
        family=TextFamily.BGE_M3,
        channels=(Channel.DENSE, Channel.TOKENS, Channel.TERMS),
        dim=1024,
        context_tokens=8_192,
        n_parameters=568_000_000,
        licence="MIT",
        languages="over 100 languages",
        note="Three outputs in one pass.",
    ),
    describe_on_hub(
        "colbert-ir/colbertv2.0",
        "c1e84128e85ef755c096a95bdb06b47793b13acf",
        family=TextFamily.MULTI_VECTOR,
        channels=(Channel.TOKENS,),
        dim=128,
        context_tokens=512,
        n_parameters=109_482_240,
        licence="MIT",
        # Its markers [Q] and [D] are these entries of BERT's vocabulary.
        query_prompt="[unused0] {}",
        document_prompt="[unused1] {}",
        note="Trained on passages of 180 tokens.",
    ),
    describe_on_hub(
        "jinaai/jina-colbert-v2",
        "4cf816e5e2b03167b132a3c847a9ecd48ba708e1",
        family=TextFamily.MULTI_VECTOR,
        channels=(Channel.TOKENS,),
        dim=128,
        context_tokens=8_192,
        n_parameters=559_366_144,
        licence="CC-BY-NC-4.0",
        commercial_use=False,
        languages="89 languages",
        matryoshka_dims=(64, 96),
        query_prompt="[QueryMarker]{}",
        document_prompt="[DocumentMarker]{}",
        obstacle=OWN_CODE,
    ),
    describe_on_hub(
        "lightonai/GTE-ModernColBERT-v1",
        "c1647d10d6edc6f70837f42f0a978f2df53f51dd",
        family=TextFamily.MULTI_VECTOR,
        channels=(Channel.TOKENS,),
        dim=128,
        context_tokens=8_192,
        n_parameters=149_000_000,
        query_prompt="[Q] {}",
        document_prompt="[D] {}",
    ),
    describe_on_hub(
        "naver/splade-v3",
        "fdfeceb91d7b9de7985b38addd3ba9f53a59a355",
        family=TextFamily.SPARSE,
        channels=(Channel.TERMS,),
        dim=BERT_VOCABULARY,
        context_tokens=512,
        n_parameters=110_000_000,
        licence="CC-BY-NC-SA-4.0",
        commercial_use=False,
        note="Its terms must be accepted on its page. Published as pytorch_model.bin alone.",
    ),
    _describe_opensearch(
        "opensearch-neural-sparse-encoding-doc-v3-distill",
        "babf71f3c48695e2e53a978208e8aba48335e3c0",
        n_parameters=66_985_530,
    ),
    _describe_opensearch(
        "opensearch-neural-sparse-encoding-doc-v3-gte",
        "a8abaa916125ee512a7a8f4d706d07eb0128a8e6",
        n_parameters=137_394_234,
        context_tokens=8_192,
        obstacle=OWN_CODE,
    ),
    _describe_opensearch(
        "opensearch-neural-sparse-encoding-doc-v2-mini",
        "4af867a426867dfdd744097531046f4289a32fdd",
        n_parameters=22_744_506,
    ),
)
