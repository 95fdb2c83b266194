"""Writes recordings, and tiny CLAP checkpoints with random weights, without a network."""

import numpy as np
import soundfile
import torch

from retrieval.encoders.torchvision_guard import ensure_torchvision_imports

DIM = 16


def make_tone(hertz, seconds, rate_hz=22_050, channels=1):
    """A tone with its overtones, float32 `[n_frames, channels]`."""
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    tone = sum(np.sin(2 * np.pi * hertz * n * times) / n for n in range(1, 4)) / 3
    return np.repeat(tone[:, None], channels, axis=1).astype(np.float32)


def write_recording(path, frames, rate_hz=22_050, format="WAV"):
    """Writes it; its name says nothing."""
    with path.open("wb+") as file:
        soundfile.write(file, frames, rate_hz, format=format)


def write_clap(folder, *, sampling_rate=48_000, enable_fusion=False):
    """A checkpoint as `save_pretrained` writes it: ten seconds are 251 frames of 16 mel bands."""
    ensure_torchvision_imports()
    from transformers import ClapConfig, ClapFeatureExtractor, ClapModel, ClapProcessor

    tokenizer = _build_tokenizer()
    sizes = {"hidden_size": 32, "projection_dim": DIM}
    config = ClapConfig(
        projection_dim=DIM,
        text_config={
            **sizes,
            "vocab_size": len(tokenizer),
            "intermediate_size": 32,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "max_position_embeddings": 130,
        },
        audio_config={
            **sizes,
            "num_mel_bins": 16,
            "spec_size": 64,
            "window_size": 4,
            "patch_embeds_hidden_size": 16,
            "depths": [1, 1],
            "num_attention_heads": [2, 2],
            "num_hidden_layers": 2,
            "enable_fusion": enable_fusion,
            "fusion_type": "aff_2d" if enable_fusion else None,
        },
    )
    torch.manual_seed(0)
    model = ClapModel(config)
    with torch.no_grad():
        for values in model.parameters():
            values.normal_(std=0.2)
    model.save_pretrained(folder)
    ears = ClapFeatureExtractor(
        feature_size=16,
        sampling_rate=sampling_rate,
        hop_length=1920,
        truncation="fusion" if enable_fusion else "rand_trunc",
    )
    ClapProcessor(ears, tokenizer).save_pretrained(folder)
    return folder


def _build_tokenizer():
    """RoBERTa's class, as of the published checkpoints: bytes without merges."""
    from tokenizers import pre_tokenizers
    from transformers import RobertaTokenizer

    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {piece: i for i, piece in enumerate([*special, *alphabet])}
    return RobertaTokenizer(vocab=vocab, merges=[])
