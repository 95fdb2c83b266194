"""Loads `ColPaliForRetrieval` and `ColQwen2ForRetrieval` checkpoints with sentence-transformers.

These are transformers' own classes. The same weights in colpali-engine's format are another
checkpoint with another query prompt, and are never mixed with these.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from PIL import Image

from retrieval.encoders.base import EncoderSpec, Family
from retrieval.encoders.colpali_family import (
    choose_long_side_px,
    lay_out_paligemma_inputs,
    lay_out_qwen_inputs,
)
from retrieval.encoders.devices import Placement
from retrieval.encoders.hub import Checkpoint
from retrieval.encoders.strict_keys import refuse_key_differences
from retrieval.encoders.torchvision_guard import ensure_torchvision_imports
from retrieval.encoders.visual import Inputs, VisualModel
from retrieval.errors import WeightsRefused

CLASSES = {
    Family.NATIVE_COLPALI: "ColPaliForRetrieval",
    Family.NATIVE_COLQWEN2: "ColQwen2ForRetrieval",
}
LAYOUTS = {
    Family.NATIVE_COLPALI: lay_out_paligemma_inputs,
    Family.NATIVE_COLQWEN2: lay_out_qwen_inputs,
}


def load_native_family(
    checkpoint: Checkpoint, family: Family, spec: EncoderSpec, placement: Placement
) -> VisualModel:
    """Loads a transformers-native checkpoint, and refuses it unless every key fits.

    Raises:
        WeightsRefused: weights are missing or unexpected, or cannot be read.
    """
    ensure_torchvision_imports()
    import transformers
    from safetensors import SafetensorError
    from sentence_transformers import MultiVectorEncoder

    verbosity = transformers.logging.get_verbosity()
    transformers.logging.set_verbosity_error()
    try:
        # sentence-transformers does not say what it could not load; transformers does.
        _, found = getattr(transformers, CLASSES[family]).from_pretrained(
            checkpoint.folder, output_loading_info=True, device_map="meta"
        )
        refuse_key_differences(checkpoint.name, found)
        model: Any = MultiVectorEncoder(
            str(checkpoint.folder),
            device=placement.device,
            local_files_only=True,
            model_kwargs={
                "dtype": placement.torch_dtype,
                "attn_implementation": placement.attention,
            },
        ).eval()
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise WeightsRefused(f"{checkpoint.name} cannot be loaded: {reason}") from error
    finally:
        transformers.logging.set_verbosity(verbosity)
    processor = model.processor
    long_side_px = choose_long_side_px(family, processor.image_processor)
    library = f"sentence-transformers-{version('sentence-transformers')}"
    return VisualModel(
        spec=spec,
        key=f"{checkpoint.label}/{library}/{long_side_px}px",
        placement=placement,
        processor=processor,
        tokenizer=processor.tokenizer,
        process_page=_process_page,
        process_query=_process_query,
        lay_out=LAYOUTS[family],
        run=lambda inputs: model({**inputs, "modality": _modality(inputs)})["token_embeddings"],
        image_token_id=processor.image_token_id,
        image_long_side_px=long_side_px,
    )


def _process_page(processor: Any, picture: Image.Image) -> Inputs:
    inputs: Inputs = processor.process_images([picture], return_tensors="pt")
    return inputs


def _process_query(processor: Any, text: str) -> Inputs:
    inputs: Inputs = processor.process_queries([text], return_tensors="pt")
    return inputs


def _modality(inputs: Inputs) -> str:
    return "image" if "pixel_values" in inputs else "text"
