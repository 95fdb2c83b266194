"""LoRA for the ColPali family, as its checkpoints were trained.

Low-rank matrices beside the projections of the language model's layers and the last projection;
the rest stays as it is (Faysse et al. 2024, arXiv 2407.01449, section 4.2; Hu et al. 2021, arXiv
2106.09685). A checkpoint that is an adapter already is trained on, another gets a new one.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.encoders.base import EncoderSpec, Family
from retrieval.encoders.colpali_family import CLASSES, load_strictly
from retrieval.encoders.devices import Placement, map_out_of_memory
from retrieval.encoders.hub import Checkpoint
from retrieval.encoders.torchvision_guard import ensure_torchvision_imports
from retrieval.encoders.visual import Inputs, collate
from retrieval.errors import WeightsRefused
from retrieval.model_spec import names_folder
from retrieval.training.losses import make_late_interaction_loss
from retrieval.training.options import TrainingOptions
from retrieval.training.records import PageKey, Pair, ReadPage

# As ColPali was trained.
LEARNING_RATE = 5e-5
RANK = 32
ALPHA = 32
DROPOUT = 0.1

# The projections of attention and MLP in every family's language model, and the last one.
TARGETS = (
    r".*(language_model|text_model)\..*(q|k|v|o|gate|up|down)_proj|.*custom_text_proj|(.*\.)?linear"
)

# As transformers calls an adapter that it loads, and as peft's files call the model around it.
ADAPTER = "default"
PREFIX = "base_model.model."

# Pages in one forward pass that is only measured.
PAGES_AT_ONCE = 4


class LoraLearner:
    """A `Learner` of a ColPali-family checkpoint.

    Args:
        checkpoint: a whole model, or an adapter on one.
        family: one that colpali-engine has.
        spec: its description.
        placement: where it runs.
        read_page: gives a page its picture.
        options: how it is trained.

    Raises:
        WeightsRefused: weights are missing or unexpected, or cannot be read.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        family: Family,
        spec: EncoderSpec,
        placement: Placement,
        read_page: ReadPage,
        options: TrainingOptions,
    ) -> None:
        ensure_torchvision_imports()
        import torch
        from colpali_engine import models
        from peft import LoraConfig, inject_adapter_in_model

        model_class, processor_class = (getattr(models, name) for name in CLASSES[family])
        torch.manual_seed(options.seed)
        self._model = load_strictly(model_class, checkpoint, placement)
        try:
            self._processor = processor_class.from_pretrained(checkpoint.folder)
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise WeightsRefused(f"{checkpoint.name}: its processor cannot be loaded") from error
        self._base = checkpoint.base or checkpoint
        self._placement = placement
        self._read_page = read_page
        self._dim = spec.dim
        if checkpoint.base is None:
            config = LoraConfig(
                r=RANK,
                lora_alpha=ALPHA,
                lora_dropout=DROPOUT,
                init_lora_weights="gaussian",
                target_modules=TARGETS,
                task_type="FEATURE_EXTRACTION",
            )
            inject_adapter_in_model(config, self._model, ADAPTER)
        if self._model.supports_gradient_checkpointing:
            # A step holds a hundred pages: what each layer made of them is computed again going
            # back, for a third more time (Chen et al. 2016, arXiv 1604.06174).
            self._model.activation_checkpointing_enable({"use_reentrant": False})
        self._parameters = []
        for name, parameter in self._model.named_parameters():
            parameter.requires_grad_("lora_" in name)
            if parameter.requires_grad:
                # Steps are smaller than bfloat16 can tell from nothing.
                parameter.data = parameter.data.float()
                self._parameters.append(parameter)
        self._compute_loss = make_late_interaction_loss(
            options.temperature, options.matryoshka_dims
        )

    @property
    def learning_rate(self) -> float:
        """That of ColPali."""
        return LEARNING_RATE

    @property
    def parameters(self) -> Sequence[Any]:
        """The low-rank matrices, float32."""
        return self._parameters

    def compute_loss(self, batch: Sequence[Pair]) -> Any:
        """See `Learner.compute_loss`.

        Raises:
            DeviceOutOfMemory: the batch does not fit.
        """
        pages = [pair.positive for pair in batch]
        pages += [page for pair in batch for page in pair.negatives]
        self._model.train()
        questions = self._processor.process_queries([pair.question.text for pair in batch])
        return self._compute_loss(self._run(questions), self._run(self._prepare(pages)))

    def score(self, questions: Sequence[str], pages: Sequence[PageKey]) -> NDArray[np.float32]:
        """MaxSim of each page with each question, float32 `[n_questions, n_pages]`."""
        import torch
        from colpali_engine.utils.maxsim import maxsim_inbatch

        self._model.eval()
        scores = np.empty((len(questions), len(pages)), dtype=np.float32)
        with torch.inference_mode():
            asked = self._run(self._processor.process_queries(list(questions)))
            for first in range(0, len(pages), PAGES_AT_ONCE):
                some = pages[first : first + PAGES_AT_ONCE]
                found = maxsim_inbatch(asked, self._run(self._prepare(some)))
                scores[:, first : first + len(some)] = found.cpu().numpy()
        return scores

    def save(self, folder: Path) -> None:
        """Writes an adapter as published ones are, with the processor; it names its base."""
        from peft import get_peft_model_state_dict
        from safetensors.torch import save_file

        weights = get_peft_model_state_dict(self._model, adapter_name=ADAPTER)
        save_file(
            {f"{PREFIX}{name}": weight.cpu().contiguous() for name, weight in weights.items()},
            folder / "adapter_model.safetensors",
            {"format": "pt"},
        )
        self._processor.save_pretrained(folder)
        base = self._base.name
        config = copy.copy(self._model.peft_config[ADAPTER])
        config.base_model_name_or_path = str(Path(base).resolve()) if names_folder(base) else base
        config.inference_mode = True
        config.save_pretrained(folder)

    def _prepare(self, pages: Sequence[PageKey]) -> Inputs:
        prepared = []
        for key in pages:
            picture = self._read_page(key).image
            assert picture is not None, "the pages of a training are rendered"
            inputs = dict(self._processor.process_images([picture.convert("RGB")]))
            # PaliGemma's processor adds them; with them the model would compute another loss.
            inputs.pop("labels", None)
            prepared.append(inputs)
        return collate(prepared, self._processor.tokenizer)

    def _run(self, inputs: Inputs) -> Any:
        """Vectors `[n, n_tokens, dim]`, float32, zero for padding."""
        import torch

        on_device = {
            name: tensor.to(
                self._placement.device,
                self._placement.torch_dtype if tensor.is_floating_point() else tensor.dtype,
            )
            if isinstance(tensor, torch.Tensor)
            else tensor
            for name, tensor in inputs.items()
        }
        try:
            return self._model(**on_device).float()
        except (RuntimeError, MemoryError) as error:
            mapped = map_out_of_memory(error)
            if mapped is None:
                raise
            raise mapped from error
