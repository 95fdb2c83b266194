"""Writes checkpoints with random weights, up to the size of the published ones.

How long a forward pass takes and how much memory it needs depend on the sizes of a model, not on
its training; what such a model finds is chance. The sizes are those of the published config files
(Qwen/Qwen2-VL-2B-Instruct with vidore/colqwen2-v1.0, HuggingFaceTB/SmolVLM-256M-Instruct with
vidore/colSmol-256M). The tokenizer is made here, a token a byte, so the prompt around a page is
some 20 tokens longer than theirs; a page has 750 and more.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.checkpoints import (  # isort: skip  (makes torchvision importable before the others)
    build_idefics3_tokenizer,
    build_qwen_tokenizer,
    save_qwen_processor,
    token_ids,
)

import torch
from colpali_engine import models
from transformers import Idefics3Config, Idefics3ImageProcessor, Qwen2VLConfig

QWEN_TOKEN_PX = 28
SMOLVLM_TILE_PX, SMOLVLM_PATCH_PX, SMOLVLM_SCALE = 512, 16, 4

# Of the weights' normal distribution; the models' own choice for untrained ones.
WEIGHT_STD = 0.02


@dataclass(frozen=True, slots=True)
class ModelSize:
    """What decides the speed of a model.

    Attributes:
        family: "colqwen2" or "colidefics3".
        hidden, intermediate, layers, heads, kv_heads, vocabulary: of the language model.
        vision_hidden, vision_intermediate, vision_layers, vision_heads: of the picture model.
        page_px: Qwen2-VL: most pixels of a page; SmolVLM: its long side, in whole tiles of 512.
    """

    family: str
    hidden: int
    intermediate: int
    layers: int
    heads: int
    kv_heads: int
    vocabulary: int
    vision_hidden: int
    vision_intermediate: int
    vision_layers: int
    vision_heads: int
    page_px: int


QWEN_768_TOKENS_PX = 768 * QWEN_TOKEN_PX**2

SIZES = {
    "colqwen2-2b": ModelSize(
        "colqwen2", 1536, 8960, 28, 12, 2, 151_936, 1280, 5120, 32, 16, QWEN_768_TOKENS_PX
    ),
    "colsmol-256m": ModelSize("colidefics3", 576, 1536, 30, 9, 3, 49_280, 768, 3072, 12, 12, 2048),
    # One to three seconds a page on two CPU cores: slow enough that rendering is a small part, as
    # on a GPU with its 16 and more cores, and quick enough to measure dozens of pages. Pages are as
    # large as for colqwen2-2b, so all but the forward pass costs what it costs there.
    "small": ModelSize("colqwen2", 512, 2048, 6, 8, 2, 32_000, 384, 1536, 6, 6, QWEN_768_TOKENS_PX),
    # Half a second or so: for a quick look, and the tests.
    "tiny": ModelSize("colqwen2", 256, 1024, 4, 4, 2, 1_000, 192, 768, 3, 3, QWEN_768_TOKENS_PX),
    # Next to nothing, for as many vectors a page as fill a batch soon: to fill a library quickly
    # where only memory is looked at.
    "thin": ModelSize("colqwen2", 32, 64, 2, 4, 2, 1_000, 32, 64, 2, 4, 256 * QWEN_TOKEN_PX**2),
}


def write_random_checkpoint(name: str, folder: Path, device: str) -> Path:
    """Writes a checkpoint in Hugging Face format: config, bfloat16 weights, processor.

    Args:
        name: one of `SIZES`.
        folder: to write into; made if absent.
        device: where the weights are drawn. Two billion numbers take a second on a GPU.
    """
    folder.mkdir(parents=True, exist_ok=True)
    draw_weights(build_empty_model(name), device).save_pretrained(folder)
    size = SIZES[name]
    if size.family == "colqwen2":
        page_size = {"shortest_edge": 4 * QWEN_TOKEN_PX**2, "longest_edge": size.page_px}
        save_qwen_processor(models.ColQwen2Processor, build_qwen_tokenizer(), folder, page_size)
    else:
        save_colidefics3_processor(size, folder)
    return folder


def build_empty_model(name: str) -> torch.nn.Module:
    """A model whose weights have shapes and no data."""
    size = SIZES[name]
    with torch.device("meta"):
        if size.family == "colqwen2":
            return models.ColQwen2(configure_colqwen2(size))
        return models.ColIdefics3(configure_colidefics3(size))


def draw_weights(model: torch.nn.Module, device: str) -> torch.nn.Module:
    """Gives an empty model bfloat16 weights where it will run.

    The models' own constructors draw them in float32 on the CPU, minutes for two billion.
    """
    # Buffers stay undrawn: none is saved, and loading computes them.
    model.to(torch.bfloat16).to_empty(device=device)
    torch.manual_seed(0)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.normal_(std=WEIGHT_STD)
            # A vector of weights is the scale of a norm.
            if weight.dim() == 1 and name.endswith("weight"):
                weight.add_(1.0)
    return model


def configure_colqwen2(size: ModelSize) -> Qwen2VLConfig:
    tokenizer = build_qwen_tokenizer()
    half_head = size.hidden // size.heads // 2
    to_id = tokenizer.convert_tokens_to_ids
    return Qwen2VLConfig(
        text_config={
            **text_settings(size, tokenizer),
            "bos_token_id": None,
            "max_position_embeddings": 32_768,
            "rms_norm_eps": 1e-6,
            # Time, height, width: 16, 24, 24 of the 64 in the published model.
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 1e6,
                "mrope_section": [
                    half_head - 2 * (3 * half_head // 8),
                    3 * half_head // 8,
                    3 * half_head // 8,
                ],
            },
        },
        vision_config={
            "depth": size.vision_layers,
            "embed_dim": size.vision_hidden,
            "hidden_size": size.hidden,
            "num_heads": size.vision_heads,
            "mlp_ratio": size.vision_intermediate // size.vision_hidden,
            "patch_size": QWEN_TOKEN_PX // 2,
            "spatial_merge_size": 2,
        },
        image_token_id=to_id("<|image_pad|>"),
        video_token_id=to_id("<|video_pad|>"),
        vision_start_token_id=to_id("<|vision_start|>"),
        vision_end_token_id=to_id("<|vision_end|>"),
    )


def configure_colidefics3(size: ModelSize) -> Idefics3Config:
    tokenizer = build_idefics3_tokenizer()
    return Idefics3Config(
        text_config={
            **text_settings(size, tokenizer),
            "model_type": "llama",
            "max_position_embeddings": 8_192,
            "rope_theta": 1e5,
        },
        vision_config={
            "hidden_size": size.vision_hidden,
            "intermediate_size": size.vision_intermediate,
            "num_hidden_layers": size.vision_layers,
            "num_attention_heads": size.vision_heads,
            "image_size": SMOLVLM_TILE_PX,
            "patch_size": SMOLVLM_PATCH_PX,
        },
        scale_factor=SMOLVLM_SCALE,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        pad_token_id=tokenizer.pad_token_id,
    )


def save_colidefics3_processor(size: ModelSize, folder: Path) -> None:
    models.ColIdefics3Processor(
        Idefics3ImageProcessor(
            size={"longest_edge": size.page_px}, max_image_size={"longest_edge": SMOLVLM_TILE_PX}
        ),
        build_idefics3_tokenizer(),
        image_seq_len=(SMOLVLM_TILE_PX // SMOLVLM_PATCH_PX // SMOLVLM_SCALE) ** 2,
    ).save_pretrained(folder)


def text_settings(size: ModelSize, tokenizer) -> dict:
    return {
        **token_ids(tokenizer),
        "vocab_size": size.vocabulary,
        "hidden_size": size.hidden,
        "intermediate_size": size.intermediate,
        "num_hidden_layers": size.layers,
        "num_attention_heads": size.heads,
        "num_key_value_heads": size.kv_heads,
    }
