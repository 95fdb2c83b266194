"""Writes tiny untrained checkpoints of every visual family, in Hugging Face format, locally.

They go through the very loading code that published checkpoints go through. Random weights find
nothing: what they are good for is shapes, places, masks, keys and prompts.
"""

import json
from pathlib import Path

from retrieval.encoders.torchvision_guard import ensure_torchvision_imports

ensure_torchvision_imports()

import torch
from colpali_engine import models
from peft import LoraConfig, get_peft_model
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from transformers import (
    ColPaliConfig,
    ColPaliForRetrieval,
    ColQwen2Config,
    ColQwen2ForRetrieval,
    Idefics3Config,
    Idefics3ImageProcessor,
    PaliGemmaConfig,
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2VLConfig,
    Qwen2VLImageProcessor,
    Qwen2VLVideoProcessor,
    SiglipImageProcessor,
    logging,
)
from transformers import ColPaliProcessor as NativeColPaliProcessor
from transformers import ColQwen2Processor as NativeColQwen2Processor

logging.disable_progress_bar()

TEXT = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 4096,
}
QWEN_TOKENS = [
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
]
IDEFICS3_TOKENS = [
    "<|im_start|>",
    "<|im_end|>",
    "<end_of_utterance>",
    "<fake_token_around_image>",
    "<image>",
    "<global-img>",
    *(f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)),
]
# At most 64 vectors a page: 28 pixels a side each.
QWEN_SIZE = {"shortest_edge": 4 * 28 * 28, "longest_edge": 64 * 28 * 28}
PALIGEMMA_SIDE, PALIGEMMA_PATCH = 56, 14
IDEFICS3_TILE, IDEFICS3_PATCH, IDEFICS3_SCALE = 64, 8, 2


def write_colqwen2(folder: Path) -> Path:
    tokenizer = build_qwen_tokenizer()
    save_model(
        models.ColQwen2(Qwen2VLConfig(**qwen_settings(tokenizer), vision_config=QWEN2_VISION)),
        folder,
    )
    save_qwen_processor(models.ColQwen2Processor, tokenizer, folder)
    return folder


def write_colqwen2_5(folder: Path) -> Path:
    tokenizer = build_qwen_tokenizer()
    vision = {
        "depth": 2,
        "hidden_size": 32,
        "intermediate_size": 64,
        "out_hidden_size": 32,
        "num_heads": 4,
        "patch_size": 14,
        "spatial_merge_size": 2,
        "window_size": 112,
        "fullatt_block_indexes": [1],
    }
    save_model(
        models.ColQwen2_5(Qwen2_5_VLConfig(**qwen_settings(tokenizer), vision_config=vision)),
        folder,
    )
    save_qwen_processor(models.ColQwen2_5_Processor, tokenizer, folder)
    return folder


def write_colidefics3(folder: Path) -> Path:
    tokenizer = build_idefics3_tokenizer()
    config = Idefics3Config(
        text_config={**TEXT, "model_type": "llama", **token_ids(tokenizer)},
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "image_size": IDEFICS3_TILE,
            "patch_size": IDEFICS3_PATCH,
        },
        scale_factor=IDEFICS3_SCALE,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        pad_token_id=tokenizer.pad_token_id,
    )
    save_model(models.ColIdefics3(config), folder)
    models.ColIdefics3Processor(
        Idefics3ImageProcessor(
            size={"longest_edge": 4 * IDEFICS3_TILE},
            max_image_size={"longest_edge": IDEFICS3_TILE},
        ),
        tokenizer,
        image_seq_len=(IDEFICS3_TILE // IDEFICS3_PATCH // IDEFICS3_SCALE) ** 2,
    ).save_pretrained(folder)
    return folder


def write_colpali(folder: Path) -> Path:
    tokenizer = build_paligemma_tokenizer()
    save_model(models.ColPali(build_paligemma_config(tokenizer)), folder)
    models.ColPaliProcessor(
        image_processor=build_siglip_processor(), tokenizer=tokenizer
    ).save_pretrained(folder)
    return folder


def write_native_colqwen2(folder: Path) -> Path:
    tokenizer = build_qwen_tokenizer()
    vlm = Qwen2VLConfig(**qwen_settings(tokenizer), vision_config=QWEN2_VISION)
    save_model(
        ColQwen2ForRetrieval(ColQwen2Config(vlm_config=vlm.to_dict(), embedding_dim=128)), folder
    )
    NativeColQwen2Processor(
        image_processor=Qwen2VLImageProcessor(size=QWEN_SIZE), tokenizer=tokenizer
    ).save_pretrained(folder)
    return folder


def write_native_colpali(folder: Path) -> Path:
    tokenizer = build_paligemma_tokenizer()
    vlm = build_paligemma_config(tokenizer)
    save_model(
        ColPaliForRetrieval(
            ColPaliConfig(vlm_config=vlm, text_config=vlm.text_config, embedding_dim=128)
        ),
        folder,
    )
    NativeColPaliProcessor(
        image_processor=build_siglip_processor(), tokenizer=tokenizer
    ).save_pretrained(folder)
    return folder


WRITERS = {
    "colqwen2": write_colqwen2,
    "colqwen2.5": write_colqwen2_5,
    "colidefics3": write_colidefics3,
    "colpali": write_colpali,
    "native-colqwen2": write_native_colqwen2,
    "native-colpali": write_native_colpali,
}

LORA_TARGETS = {
    "colqwen2": r".*language_model.*(up_proj|q_proj|v_proj).*|.*custom_text_proj.*",
    "colqwen2.5": r".*language_model.*(up_proj|q_proj|v_proj).*|.*custom_text_proj.*",
    "colpali": r".*language_model.*(up_proj|q_proj|v_proj).*|.*custom_text_proj.*",
    "colidefics3": r".*text_model.*(up_proj|q_proj|v_proj).*|linear",
}
MODEL_CLASSES = {
    "colqwen2": (models.ColQwen2, models.ColQwen2Processor),
    "colqwen2.5": (models.ColQwen2_5, models.ColQwen2_5_Processor),
    "colpali": (models.ColPali, models.ColPaliProcessor),
    "colidefics3": (models.ColIdefics3, models.ColIdefics3Processor),
}


FAMILIES = tuple(WRITERS)
ADAPTERS = tuple(f"{family}+adapter" for family in LORA_TARGETS)


def write_checkpoint(family: str, folder: Path) -> Path:
    """A whole checkpoint; the same weights each time."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    return WRITERS[family](folder)


def write_adapter(family: str, base: Path, folder: Path) -> Path:
    """A LoRA adapter on a checkpoint, as the vidore checkpoints are published."""
    model_class, processor_class = MODEL_CLASSES[family]
    torch.manual_seed(1)
    adapted = get_peft_model(
        model_class.from_pretrained(base),
        LoraConfig(
            r=2,
            lora_alpha=2,
            init_lora_weights=False,
            task_type="FEATURE_EXTRACTION",
            target_modules=LORA_TARGETS[family],
        ),
    )
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_" in name:
                parameter.normal_(std=0.2)
    adapted.save_pretrained(folder)
    processor_class.from_pretrained(base).save_pretrained(folder)
    config = json.loads((folder / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = str(base)
    (folder / "adapter_config.json").write_text(json.dumps(config))
    return folder


QWEN2_VISION = {
    "depth": 2,
    "embed_dim": 32,
    "hidden_size": 32,
    "num_heads": 4,
    "mlp_ratio": 2,
    "patch_size": 14,
    "spatial_merge_size": 2,
}


def qwen_settings(tokenizer) -> dict:
    rope = {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [1, 1, 2]}
    text = {**TEXT, **token_ids(tokenizer), "bos_token_id": None, "rope_parameters": rope}
    to_id = tokenizer.convert_tokens_to_ids
    return {
        "text_config": text,
        "image_token_id": to_id("<|image_pad|>"),
        "video_token_id": to_id("<|video_pad|>"),
        "vision_start_token_id": to_id("<|vision_start|>"),
        "vision_end_token_id": to_id("<|vision_end|>"),
    }


def save_qwen_processor(processor_class, tokenizer, folder: Path, size: dict = QWEN_SIZE) -> None:
    processor_class(
        image_processor=Qwen2VLImageProcessor(size=size),
        tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(size=size),
    ).save_pretrained(folder)


def build_qwen_tokenizer():
    return build_tokenizer(QWEN_TOKENS, eos_token="<|im_end|>", pad_token="<|endoftext|>")


def build_idefics3_tokenizer():
    return build_tokenizer(
        IDEFICS3_TOKENS,
        bos_token="<|im_start|>",
        eos_token="<end_of_utterance>",
        pad_token="<|im_end|>",
    )


def build_paligemma_tokenizer():
    specials = ["<pad>", "<eos>", "<bos>", "<unk>", "<image>"]
    specials += [f"<loc{i:0>4}>" for i in range(1024)] + [f"<seg{i:0>3}>" for i in range(128)]
    return build_tokenizer(
        specials, bos_token="<bos>", eos_token="<eos>", pad_token="<pad>", unk_token="<unk>"
    )


def build_paligemma_config(tokenizer) -> PaliGemmaConfig:
    return PaliGemmaConfig(
        text_config={**TEXT, "model_type": "gemma", "head_dim": 8, **token_ids(tokenizer)},
        vision_config={
            "model_type": "siglip_vision_model",
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "image_size": PALIGEMMA_SIDE,
            "patch_size": PALIGEMMA_PATCH,
            "vision_use_head": False,
        },
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        vocab_size=len(tokenizer),
        hidden_size=32,
        projection_dim=32,
    )


def build_siglip_processor() -> SiglipImageProcessor:
    processor = SiglipImageProcessor(
        size={"height": PALIGEMMA_SIDE, "width": PALIGEMMA_SIDE},
        image_mean=[0.5] * 3,
        image_std=[0.5] * 3,
    )
    processor.image_seq_length = (PALIGEMMA_SIDE // PALIGEMMA_PATCH) ** 2
    return processor


def build_tokenizer(specials: list[str], **named: str) -> PreTrainedTokenizerFast:
    """Byte-level without merges: any text works, and no vocabulary is fetched."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(BPE(vocab={c: i for i, c in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(specials)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=4096, **named)


def token_ids(tokenizer) -> dict:
    return {
        "vocab_size": len(tokenizer),
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
    }


def save_model(model, folder: Path) -> None:
    """Saves a model without parameters of exact zero: padding would then be 0/0 = NaN."""
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1 or (parameter == 0).all(-1).any():
                parameter.add_(torch.randn_like(parameter) * 0.02)
    model.save_pretrained(folder)
