"""Loads ColPali, ColQwen2, ColQwen2.5 and ColIdefics3 (ColSmol) checkpoints with colpali-engine."""

from __future__ import annotations

import math
from importlib.metadata import version
from typing import Any

from retrieval.encoders.base import EncoderSpec, Family
from retrieval.encoders.devices import Placement
from retrieval.encoders.geometry import Layout, lay_out_qwen, lay_out_square, lay_out_tiles
from retrieval.encoders.hub import Checkpoint
from retrieval.encoders.strict_keys import refuse_key_differences
from retrieval.encoders.torchvision_guard import ensure_torchvision_imports
from retrieval.encoders.visual import Inputs, VisualModel
from retrieval.errors import WeightsRefused

CLASSES = {
    Family.COLPALI: ("ColPali", "ColPaliProcessor"),
    Family.COLQWEN2: ("ColQwen2", "ColQwen2Processor"),
    Family.COLQWEN2_5: ("ColQwen2_5", "ColQwen2_5_Processor"),
    Family.COLIDEFICS3: ("ColIdefics3", "ColIdefics3Processor"),
}

# Slides of 16:9 are the widest pages that are common; wider ones lose a little sharpness.
WIDE_ASPECT = 16 / 9


def load_colpali_family(
    checkpoint: Checkpoint, family: Family, spec: EncoderSpec, placement: Placement
) -> VisualModel:
    """Loads a whole model, or a LoRA adapter on its base, and refuses it unless every key fits.

    Raises:
        WeightsRefused: weights are missing or unexpected, or cannot be read.
    """
    ensure_torchvision_imports()
    from colpali_engine import models

    model_class, processor_class = (getattr(models, name) for name in CLASSES[family])
    model = load_strictly(model_class, checkpoint, placement)
    try:
        processor = processor_class.from_pretrained(checkpoint.folder)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else "damaged"
        raise WeightsRefused(
            f"{checkpoint.name}: its tokenizer or processor cannot be loaded: {reason}"
        ) from error
    image_token_id = getattr(
        processor, "image_token_id", None
    ) or processor.tokenizer.convert_tokens_to_ids(processor.image_token)
    long_side_px = choose_long_side_px(family, processor.image_processor)
    library = f"colpali-engine-{version('colpali-engine')}"
    return VisualModel(
        spec=spec,
        key=f"{checkpoint.label}/{library}/{long_side_px}px",
        placement=placement,
        processor=processor,
        tokenizer=processor.tokenizer,
        process_page=_process_page,
        process_query=lambda processor, text: processor.process_queries([text]),
        lay_out=LAYOUTS[family],
        run=lambda inputs: model(**inputs),
        image_token_id=image_token_id,
        image_long_side_px=long_side_px,
    )


def _process_page(processor: Any, picture: Any) -> Inputs:
    inputs = dict(processor.process_images([picture]))
    # PaliGemma's processor adds them; with them the model would compute a training loss.
    inputs.pop("labels", None)
    return inputs


def load_strictly(model_class: Any, checkpoint: Checkpoint, placement: Placement) -> Any:
    """Loads a model whose every weight comes from the checkpoint.

    transformers only warns of a missing weight and leaves it random, and for an adapter reports
    the adapter's keys alone; so the base is checked first, on a device that holds no data.

    Raises:
        WeightsRefused: weights are missing or unexpected, or cannot be read.
    """
    from safetensors import SafetensorError
    from transformers import logging

    verbosity = logging.get_verbosity()
    # What it would warn of is refused below, in one line.
    logging.set_verbosity_error()
    try:
        if checkpoint.base is not None:
            base = checkpoint.base
            _, found = model_class.from_pretrained(
                base.folder, output_loading_info=True, device_map="meta"
            )
            refuse_key_differences(base.name, found)
        options: dict[str, Any] = {
            "dtype": placement.torch_dtype,
            "attn_implementation": placement.attention,
            "output_loading_info": True,
        }
        model, found = model_class.from_pretrained(
            (checkpoint.base or checkpoint).folder,
            **(
                {"adapter_kwargs": {"_adapter_model_path": str(checkpoint.folder)}}
                if checkpoint.base
                else {}
            ),
            **options,
        )
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise WeightsRefused(f"{checkpoint.name} cannot be loaded: {reason}") from error
    finally:
        logging.set_verbosity(verbosity)
    refuse_key_differences(checkpoint.name, found)
    drop_word_head(model)
    return model.to(placement.device).eval()


def drop_word_head(model: Any) -> None:
    """Takes out the head that predicts words, where a model still has one.

    Its weights may be absent from the checkpoint, nothing reads its output, and over PaliGemma's
    257,000 words it would cost a seventh of the computation and gigabytes of memory a batch.
    """
    import torch

    for module in list(model.modules()):
        if "lm_head" in module._modules:
            module.lm_head = torch.nn.Identity()


def choose_long_side_px(family: Family, image_processor: Any) -> int:
    """The page picture from which the processor's own resizing loses nothing, by its long side."""
    size = image_processor.size
    if family in (Family.COLQWEN2, Family.COLQWEN2_5, Family.NATIVE_COLQWEN2):
        return math.ceil(math.sqrt(int(size["longest_edge"]) * WIDE_ASPECT))
    if family == Family.COLIDEFICS3:
        return int(size["longest_edge"])
    # A square of this side takes the whole page: the page's short side should still fill it.
    return math.ceil(int(max(size["height"], size["width"])) * WIDE_ASPECT)


def lay_out_qwen_inputs(processor: Any, inputs: Inputs) -> Layout:
    """The places of a Qwen2-VL page's tokens."""
    time, rows, columns = inputs["image_grid_thw"][0].tolist()
    return lay_out_qwen((time, rows, columns), processor.image_processor.merge_size)


def lay_out_paligemma_inputs(processor: Any, inputs: Inputs) -> Layout:
    """The places of a PaliGemma page's tokens."""
    image_token_id = processor.image_token_id
    return lay_out_square(int((inputs["input_ids"][0] == image_token_id).sum()))


def _lay_out_idefics3_inputs(processor: Any, inputs: Inputs) -> Layout:
    ids = inputs["input_ids"][0]
    image_token_id = processor.tokenizer.convert_tokens_to_ids(processor.image_token)
    return lay_out_tiles(
        processor.tokenizer.decode(ids),
        int((ids == image_token_id).sum()),
        processor.image_seq_len,
    )


LAYOUTS = {
    Family.COLPALI: lay_out_paligemma_inputs,
    Family.COLQWEN2: lay_out_qwen_inputs,
    Family.COLQWEN2_5: lay_out_qwen_inputs,
    Family.COLIDEFICS3: _lay_out_idefics3_inputs,
}
