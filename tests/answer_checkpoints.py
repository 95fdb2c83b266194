"""Writes a tiny untrained model that writes about pictures, in Hugging Face format, locally.

Random weights write nonsense: what it is good for is loading, prompts, streams and their end.
"""

from pathlib import Path

import torch
from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration, Qwen2VLProcessor

from tests.checkpoints import (
    QWEN2_VISION,
    build_qwen_tokenizer,
    qwen_settings,
    save_model,
    save_qwen_processor,
)

CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def write_answerer(folder: Path, *, with_chat_template: bool = True) -> Path:
    """A Qwen2-VL of two layers; the same weights each time."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    tokenizer = build_qwen_tokenizer()
    if with_chat_template:
        tokenizer.chat_template = CHAT_TEMPLATE
    config = Qwen2VLConfig(**qwen_settings(tokenizer), vision_config=QWEN2_VISION)
    save_model(Qwen2VLForConditionalGeneration(config), folder)
    save_qwen_processor(
        lambda **parts: Qwen2VLProcessor(**parts, chat_template=tokenizer.chat_template),
        tokenizer,
        folder,
    )
    return folder
