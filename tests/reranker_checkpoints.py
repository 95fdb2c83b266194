"""Writes tiny cross-encoders with random weights, in Hugging Face format, without a network."""

from pathlib import Path

import torch
from sentence_transformers import CrossEncoder
from sentence_transformers.base.modules import Transformer
from sentence_transformers.cross_encoder.modules import LogitScore
from tokenizers.processors import TemplateProcessing
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from tests.checkpoints import TEXT, build_qwen_tokenizer, build_tokenizer, token_ids

CONTEXT_TOKENS = 128

# Random weights of the usual size make scores that differ in the sixth digit.
SPREAD = 0.5

# The query comes first, so that what is cut is the document; the end is the assistant's turn.
CHAT_TEMPLATE = (
    "<|im_start|>query: "
    "{{ messages | selectattr('role', 'eq', 'query') | map(attribute='content') | first }}\n"
    "document: "
    "{{ messages | selectattr('role', 'eq', 'document') | map(attribute='content') | first }}"
    "<|im_end|>\n<|im_start|>"
)


def write_classifier(folder: Path, n_labels: int = 1) -> Path:
    """BERT with a classifier on the pair, as the ms-marco models are."""
    torch.manual_seed(0)
    tokenizer = build_pair_tokenizer()
    config = BertConfig(
        **{name: TEXT[name] for name in TEXT if name != "num_key_value_heads"}
        | {"max_position_embeddings": CONTEXT_TOKENS},
        vocab_size=len(tokenizer),
        pad_token_id=tokenizer.pad_token_id,
        num_labels=n_labels,
        initializer_range=SPREAD,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def write_language_model(folder: Path) -> Path:
    """Qwen2 without anything that says how it reranks."""
    torch.manual_seed(0)
    tokenizer = build_qwen_tokenizer()
    tokenizer.chat_template = CHAT_TEMPLATE
    config = Qwen2Config(
        **TEXT | token_ids(tokenizer) | {"max_position_embeddings": CONTEXT_TOKENS},
        initializer_range=SPREAD,
    )
    Qwen2ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def write_verdict_model(folder: Path) -> Path:
    """Qwen2 whose logits for "1" and "0" are compared, as mxbai-rerank v2 is."""
    language_model = write_language_model(folder.with_name(f"{folder.name}-base"))
    backbone = Transformer(str(language_model), transformer_task="text-generation")
    to_id = backbone.tokenizer.convert_tokens_to_ids
    CrossEncoder(
        modules=[backbone, LogitScore(to_id("1"), to_id("0"))], device="cpu"
    ).save_pretrained(str(folder), create_model_card=False)
    return folder


def build_pair_tokenizer() -> PreTrainedTokenizerFast:
    tokenizer = build_tokenizer(
        ["[PAD]", "[CLS]", "[SEP]"], pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]"
    )
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[
            (token, tokenizer.convert_tokens_to_ids(token)) for token in ("[CLS]", "[SEP]")
        ],
    )
    tokenizer.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
    return tokenizer
