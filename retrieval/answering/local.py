"""Answers by a transformers vision model on this machine, by hub id or folder."""

from __future__ import annotations

import threading
from collections.abc import Generator
from typing import Any

from retrieval.answering.base import StopSignal
from retrieval.answering.generated import GeneratingAnswerer
from retrieval.answering.prompt import Prompt
from retrieval.encoders.devices import Placement, map_out_of_memory, place_model
from retrieval.encoders.hub import Checkpoint, locate_checkpoint
from retrieval.encoders.opening import EncoderOptions
from retrieval.encoders.torchvision_guard import ensure_torchvision_imports
from retrieval.errors import AnswerFailed, PagelensError, WeightsRefused

ANSWER_TOKENS = 512


class LocalAnswerer(GeneratingAnswerer):
    """Answers by one image-text-to-text checkpoint; one answer at a time.

    Args:
        model: a hub id (`owner/repository`, `@commit` behind it) or a folder.
        placing: where and how it runs.
        page_limit: most pages that are given.
        token_limit: most tokens that are given, by estimate.

    Raises:
        UnknownEncoder: neither a folder nor a repository of the hub.
        HubUnreachable: it is not in the cache and the hub does not answer.
        WeightsRefused: the weights are missing or damaged, or are no model that writes about
            pictures in a chat.
    """

    def __init__(
        self, model: str, placing: EncoderOptions, *, page_limit: int, token_limit: int
    ) -> None:
        super().__init__(f"{model} on this machine", page_limit, token_limit)
        checkpoint = locate_checkpoint(model)
        self._placement = place_model(placing.device, placing.dtype, placing.attention)
        self._model, self._processor = _load(checkpoint, self._placement)
        # A model holds the state of one answer.
        self._turn = threading.Lock()

    def _write(self, prompt: Prompt, stop: StopSignal) -> Generator[str, None, None]:
        from transformers import TextIteratorStreamer

        streamer: Any = TextIteratorStreamer(
            self._processor.tokenizer, skip_prompt=True, skip_special_tokens=True
        )
        is_over = threading.Event()
        failed: list[BaseException] = []

        def generate() -> None:
            try:
                self._generate(prompt, streamer, is_over)
            except BaseException as error:
                failed.append(error)
            finally:
                streamer.end()

        with self._turn, stop.interrupting(is_over.set):
            thread = threading.Thread(target=generate, name="answer")
            thread.start()
            try:
                yield from streamer
            finally:
                is_over.set()
                thread.join()
        if failed:
            raise _map_failure(failed[0]) from failed[0]

    def _generate(self, prompt: Prompt, streamer: Any, is_over: threading.Event) -> None:
        import torch
        from transformers import StoppingCriteriaList

        content = [
            {"type": "text", "text": part}
            if isinstance(part, str)
            else {"type": "image", "image": part}
            for part in prompt.parts
        ]
        messages = [
            {"role": "system", "content": [{"type": "text", "text": prompt.instructions}]},
            {"role": "user", "content": content},
        ]
        inputs = self._processor.apply_chat_template(
            messages,
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
        ).to(self._placement.device, dtype=self._placement.torch_dtype)

        def is_stopped(ids: Any, scores: Any, **_: Any) -> Any:  # noqa: ARG001
            return torch.full((len(ids),), is_over.is_set(), dtype=torch.bool, device=ids.device)

        with torch.inference_mode():
            self._model.generate(
                **inputs,
                max_new_tokens=ANSWER_TOKENS,
                do_sample=False,
                streamer=streamer,
                stopping_criteria=StoppingCriteriaList([is_stopped]),
            )


def _map_failure(error: BaseException) -> PagelensError:
    if isinstance(error, RuntimeError | MemoryError):
        out_of_memory = map_out_of_memory(error)
        if out_of_memory is not None:
            return out_of_memory
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return AnswerFailed(f"the model could not answer: {reason}")


def _load(checkpoint: Checkpoint, placement: Placement) -> tuple[Any, Any]:
    """The model, every weight of which is known to fit, and its processor."""
    ensure_torchvision_imports()
    from safetensors import SafetensorError
    from transformers import AutoModelForImageTextToText, AutoProcessor, logging

    from retrieval.encoders.strict_keys import refuse_key_differences

    name, folder = checkpoint.name, checkpoint.folder
    if checkpoint.base is not None:
        raise WeightsRefused(f"{name} is an adapter; a whole model is needed to write answers")
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        processor: Any = AutoProcessor.from_pretrained(folder, local_files_only=True)
        model, found = AutoModelForImageTextToText.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            dtype=placement.torch_dtype,
            attn_implementation=placement.attention,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, KeyError, ImportError, SafetensorError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise WeightsRefused(f"{name} cannot be loaded: {reason}") from error
    finally:
        logging.set_verbosity(verbosity)
    refuse_key_differences(name, found)
    if not getattr(processor, "chat_template", None):
        raise WeightsRefused(f"{name} has no chat template: it answers no questions")
    return model.to(placement.device).eval(), processor
