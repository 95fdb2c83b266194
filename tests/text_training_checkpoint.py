"""Writes a tiny dense text encoder with random weights, in sentence-transformers' format."""

from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Transformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling
from transformers import BertConfig, BertModel

from tests.checkpoints import TEXT
from tests.reranker_checkpoints import CONTEXT_TOKENS, build_pair_tokenizer


def write_dense(folder: Path) -> Path:
    """BERT, the mean of its tokens, with prompts as E5 has them."""
    torch.manual_seed(0)
    tokenizer = build_pair_tokenizer()
    config = BertConfig(
        **{name: TEXT[name] for name in TEXT if name != "num_key_value_heads"}
        | {"max_position_embeddings": CONTEXT_TOKENS},
        vocab_size=len(tokenizer),
        pad_token_id=tokenizer.pad_token_id,
        initializer_range=0.5,
    )
    backbone = folder.with_name(f"{folder.name}-backbone")
    BertModel(config).save_pretrained(backbone)
    tokenizer.save_pretrained(backbone)
    first = Transformer(str(backbone))
    SentenceTransformer(
        modules=[first, Pooling(first.get_embedding_dimension()), Normalize()],
        prompts={"query": "query: ", "document": "passage: "},
        device="cpu",
    ).save_pretrained(str(folder), create_model_card=False)
    return folder
