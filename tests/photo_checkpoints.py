"""Writes tiny SigLIP, SigLIP 2 and OpenCLIP checkpoints with random weights, without a network."""

import json

import torch
from safetensors.torch import load_file, save_file

from retrieval.encoders.torchvision_guard import ensure_torchvision_imports

DIM = 32
TOWER = {
    "hidden_size": DIM,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}


def write_siglip(folder):
    """SigLIP, which is also the architecture of SigLIP 2 at a fixed resolution."""
    ensure_torchvision_imports()
    from transformers import SiglipConfig, SiglipImageProcessor, SiglipModel, SiglipProcessor

    tokenizer = _build_tokenizer()
    model = SiglipModel(
        SiglipConfig(
            text_config=_describe_text(tokenizer),
            vision_config={**TOWER, "image_size": 32, "patch_size": 8},
        )
    )
    _save(model, folder)
    pixels = SiglipImageProcessor(size={"height": 32, "width": 32})
    SiglipProcessor(pixels, tokenizer).save_pretrained(folder)


def write_siglip2(folder):
    """SigLIP 2 of native aspect ratio (NaFlex), an architecture of its own."""
    ensure_torchvision_imports()
    from transformers import Siglip2Config, Siglip2ImageProcessor, Siglip2Model, Siglip2Processor

    tokenizer = _build_gemma_tokenizer()
    model = Siglip2Model(
        Siglip2Config(
            text_config=_describe_text(tokenizer),
            vision_config={**TOWER, "num_patches": 16, "patch_size": 8},
        )
    )
    _save(model, folder)
    pixels = Siglip2ImageProcessor(patch_size=8, max_num_patches=16)
    Siglip2Processor(pixels, tokenizer).save_pretrained(folder)


def write_open_clip(folder):
    ensure_torchvision_imports()
    import open_clip

    folder.mkdir(parents=True, exist_ok=True)
    towers = {
        "embed_dim": DIM,
        "vision_cfg": {
            "image_size": 32,
            "layers": 2,
            "width": 64,
            "patch_size": 8,
            "head_width": 16,
        },
        "text_cfg": {
            "context_length": 77,
            "vocab_size": 49408,
            "width": DIM,
            "heads": 2,
            "layers": 2,
        },
    }
    pixels = {
        "mean": [0.5] * 3,
        "std": [0.25] * 3,
        "interpolation": "bicubic",
        "resize_mode": "shortest",
    }
    config = {"model_cfg": towers, "preprocess_cfg": pixels}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    torch.manual_seed(0)
    weights = open_clip.CLIP(**towers).state_dict()
    save_file(
        {name: values.contiguous() for name, values in weights.items()},
        folder / "open_clip_model.safetensors",
    )


def drop_weight(file, part):
    """Rewrites a safetensors file without its first weight whose name holds `part`."""
    weights = load_file(file)
    name = next(name for name in sorted(weights) if part in name)
    del weights[name]
    save_file(weights, file, metadata={"format": "pt"})
    return name


def spoil_weights(file, part):
    """Fills the weights whose names hold `part` with NaN."""
    weights = load_file(file)
    spoilt = [name for name in weights if part in name]
    assert spoilt
    for name in spoilt:
        weights[name] = torch.full_like(weights[name], float("nan"))
    save_file(weights, file, metadata={"format": "pt"})


def _build_tokenizer():
    """Byte-level BPE without merges: any text can be written in 256 bytes."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    special = {"pad_token": "<pad>", "eos_token": "<eos>", "unk_token": "<unk>"}
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    backend = Tokenizer(models.BPE(vocab={byte: i for i, byte in enumerate(alphabet)}, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens(list(special.values()))
    return PreTrainedTokenizerFast(tokenizer_object=backend, model_max_length=64, **special)


def _build_gemma_tokenizer():
    """SigLIP 2's own class, which its checkpoints are opened with: 256 bytes, no merges."""
    from transformers import Siglip2Tokenizer

    pieces = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "▁"]
    pieces += [f"<0x{byte:02X}>" for byte in range(256)]
    return Siglip2Tokenizer(vocab={piece: i for i, piece in enumerate(pieces)}, merges=[])


def _describe_text(tokenizer):
    return {
        **TOWER,
        "vocab_size": len(tokenizer),
        "max_position_embeddings": 64,
        "projection_size": DIM,
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": tokenizer.eos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
    }


def _save(model, folder):
    torch.manual_seed(0)
    with torch.no_grad():
        for values in model.parameters():
            values.normal_(std=0.1)
        model.logit_scale.fill_(4.7)
        model.logit_bias.fill_(-13.0)
    model.save_pretrained(folder)
