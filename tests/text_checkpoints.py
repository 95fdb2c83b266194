"""Writes tiny encoders of text with random weights, as each family's authors save theirs."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from sentence_transformers import MultiVectorEncoder, SentenceTransformer, SparseEncoder
from sentence_transformers.base.modules import Dense, Normalize, Transformer
from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask
from sentence_transformers.sentence_transformer.modules import Pooling
from sentence_transformers.sparse_encoder.modules import SpladePooling
from tokenizers.processors import TemplateProcessing
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertModel,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2Model,
    XLMRobertaConfig,
    XLMRobertaModel,
)

from tests.checkpoints import TEXT, build_qwen_tokenizer, build_tokenizer, token_ids

CONTEXT_TOKENS = 96
DIM = TEXT["hidden_size"]
TRAINED_DIMS = (8, 16)

# Random weights of the usual size make vectors that are all alike.
SPREAD = 0.5

INSTRUCTION = "Instruct: Find the page that answers the question\nQuery: "
E5_PROMPTS = {"query": "query: ", "passage": "passage: "}

# Of a page, and what a question is filled up to.
COLBERT_PASSAGE, COLBERT_QUESTION, COLBERT_DIM = 64, 48, 16
COLBERT_METADATA = {
    "query_token_id": "[unused0]",
    "doc_token_id": "[unused1]",
    "query_maxlen": COLBERT_QUESTION,
    "doc_maxlen": COLBERT_PASSAGE,
    "attend_to_mask_tokens": False,
    "mask_punctuation": True,
}


def write_dense(folder: Path) -> Path:
    """A mean over BERT, with the prompts of E5 and prefixes that it was trained for."""
    config = {"matryoshka_dims": [*TRAINED_DIMS, DIM]}
    base = write_bert(folder.with_name(f"{folder.name}-base"), **config)
    return _save(
        SentenceTransformer(
            modules=[Transformer(str(base)), Pooling(DIM, "mean"), Normalize()],
            prompts=E5_PROMPTS,
            device="cpu",
        ),
        folder,
    )


def write_last_token(folder: Path) -> Path:
    """The last token of a language model, with an instruction before questions."""
    torch.manual_seed(0)
    base = folder.with_name(f"{folder.name}-base")
    tokenizer = build_qwen_tokenizer()
    config = Qwen2Config(
        **TEXT | token_ids(tokenizer) | {"max_position_embeddings": 2 * CONTEXT_TOKENS},
        initializer_range=SPREAD,
    )
    Qwen2Model(config).save_pretrained(base)
    tokenizer.save_pretrained(base)
    return _save(
        SentenceTransformer(
            modules=[Transformer(str(base)), Pooling(DIM, "lasttoken"), Normalize()],
            prompts={"query": INSTRUCTION},
            device="cpu",
        ),
        folder,
    )


def write_bert(folder: Path, **config: object) -> Path:
    """BERT, and nothing that says how it makes a vector of a text."""
    torch.manual_seed(0)
    tokenizer = build_bert_tokenizer()
    BertModel(_describe_bert(tokenizer, **config)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def write_colbert(folder: Path) -> Path:
    """ColBERTv2 as Stanford saves it: BERT and a linear layer in one file, markers beside it."""
    torch.manual_seed(0)
    tokenizer = build_bert_tokenizer()
    config = _describe_bert(tokenizer)
    config.architectures = ["HF_ColBERT"]
    config.save_pretrained(folder)
    weights = {f"bert.{name}": value for name, value in BertModel(config).state_dict().items()}
    weights["linear.weight"] = torch.randn(COLBERT_DIM, DIM)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    (folder / "artifact.metadata").write_text(json.dumps(COLBERT_METADATA))
    tokenizer.save_pretrained(folder)
    return folder


def write_multi_vector(folder: Path) -> Path:
    """Late interaction as sentence-transformers saves it, with markers that are text."""
    base = write_bert(folder.with_name(f"{folder.name}-base"))
    backbone = Transformer(str(base), document_length=COLBERT_PASSAGE)
    projection = Dense(
        DIM,
        COLBERT_DIM,
        bias=False,
        activation_function=torch.nn.Identity(),
        module_input_name="token_embeddings",
    )
    return _save(
        MultiVectorEncoder(
            modules=[
                backbone,
                projection,
                MultiVectorMask(["!", "?", "."]),
                Normalize(module_input_name="token_embeddings"),
            ],
            prompts={"query": "[Q] ", "document": "[D] "},
            device="cpu",
        ),
        folder,
    )


def write_splade(folder: Path) -> Path:
    """A masked language model whose guesses are the terms of a text."""
    base = write_masked_model(folder.with_name(f"{folder.name}-base"))
    backbone = Transformer(str(base), transformer_task="fill-mask")
    return _save(
        SparseEncoder(modules=[backbone, SpladePooling("max")], device="cpu"),
        folder,
    )


def write_masked_model(folder: Path) -> Path:
    torch.manual_seed(0)
    tokenizer = build_bert_tokenizer()
    BertForMaskedLM(_describe_bert(tokenizer)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def write_bge_m3(folder: Path) -> Path:
    """XLM-RoBERTa, and the two layers beside it that BGE-M3 adds."""
    torch.manual_seed(0)
    tokenizer = build_roberta_tokenizer()
    config = XLMRobertaConfig(
        **{name: TEXT[name] for name in TEXT if name != "num_key_value_heads"}
        | token_ids(tokenizer)
        # Its positions begin behind that of padding.
        | {"max_position_embeddings": CONTEXT_TOKENS + tokenizer.pad_token_id + 1},
        initializer_range=SPREAD,
    )
    XLMRobertaModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    torch.save(torch.nn.Linear(DIM, DIM).state_dict(), folder / "colbert_linear.pt")
    to_weight = torch.nn.Linear(DIM, 1)
    # Most tokens have a weight, as in the published one, and some have none.
    torch.nn.init.constant_(to_weight.bias, 0.5)
    torch.save(to_weight.state_dict(), folder / "sparse_linear.pt")
    return folder


def build_bert_tokenizer() -> PreTrainedTokenizerFast:
    specials = ["[PAD]", "[CLS]", "[SEP]", "[MASK]", "[UNK]", "[unused0]", "[unused1]"]
    named = {f"{name.strip('[]').lower()}_token": name for name in specials[:5]}
    tokenizer = build_tokenizer(specials, **named)
    tokenizer.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
    return _frame(tokenizer, "[CLS]", "[SEP]")


def build_roberta_tokenizer() -> PreTrainedTokenizerFast:
    tokenizer = build_tokenizer(
        ["<s>", "<pad>", "</s>", "<unk>"],
        bos_token="<s>",
        eos_token="</s>",
        cls_token="<s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
    )
    return _frame(tokenizer, "<s>", "</s>")


def _frame(tokenizer, first: str, last: str) -> PreTrainedTokenizerFast:
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"{first} $A {last}",
        pair=f"{first} $A {last} $B:1 {last}:1",
        special_tokens=[(token, tokenizer.convert_tokens_to_ids(token)) for token in (first, last)],
    )
    return tokenizer


def _describe_bert(tokenizer, **config: object) -> BertConfig:
    return BertConfig(
        **{name: TEXT[name] for name in TEXT if name != "num_key_value_heads"}
        | {"max_position_embeddings": CONTEXT_TOKENS},
        vocab_size=len(tokenizer),
        pad_token_id=tokenizer.pad_token_id,
        initializer_range=SPREAD,
        **config,
    )


def _save(model, folder: Path) -> Path:
    model.save_pretrained(str(folder), create_model_card=False)
    return folder
