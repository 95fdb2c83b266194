"""What loading a text encoder's checkpoint has in common, whatever library reads it."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from retrieval.encoders.devices import Placement
from retrieval.encoders.torchvision_guard import ensure_torchvision_imports
from retrieval.errors import WeightsRefused

# Tokenizers that know no bound name a number like 10^30.
MOST_TOKENS = 1_000_000

# What a model is taken to read where its files state no bound.
USUAL_CONTEXT = 512

# What the libraries raise over a checkpoint that is damaged, foreign, or wants code of its own.
LOADING_ERRORS = (
    OSError,
    ValueError,
    TypeError,
    RuntimeError,
    KeyError,
    AttributeError,
    ImportError,
    EOFError,
    pickle.UnpicklingError,
)


@contextmanager
def refuse_what_fails(name: str) -> Iterator[None]:
    """Says in one line why a checkpoint cannot be loaded, and silences what else is said of it.

    Raises:
        WeightsRefused: something that a library raised.
    """
    ensure_torchvision_imports()
    from safetensors import SafetensorError
    from transformers import logging

    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    except (*LOADING_ERRORS, SafetensorError) as error:
        lines = str(error).strip().splitlines()
        reason = lines[0] if lines else type(error).__name__
        raise WeightsRefused(f"{name} cannot be loaded: {reason}") from error
    finally:
        logging.set_verbosity(verbosity)


def choose_model_options(placement: Placement) -> dict[str, Any]:
    """How transformers shall load a model."""
    options: dict[str, Any] = {"dtype": placement.torch_dtype}
    if placement.attention != "sdpa":
        # Asked for by name, sdpa is refused by the few models that lack it; not asked for, it is
        # taken wherever there is one.
        options["attn_implementation"] = placement.attention
    return options


def bound_context(config: Any, tokenizer_tokens: int | None) -> int:
    """Most tokens that a model's positions and its tokenizer allow."""
    positions = getattr(config, "max_position_embeddings", None) or 0
    if positions and "roberta" in getattr(config, "model_type", ""):
        # RoBERTa's positions begin behind that of padding.
        positions -= config.pad_token_id + 1
    bounds = (positions, tokenizer_tokens or 0)
    return min((bound for bound in bounds if 0 < bound < MOST_TOKENS), default=USUAL_CONTEXT)


def copy_tokenizer(name: str, tokenizer: Any) -> Any:
    """A `tokenizers.Tokenizer` like the model's own, special tokens included, that never cuts.

    Raises:
        WeightsRefused: it is none of the tokenizers that say where in a text their tokens stand.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise WeightsRefused(f"{name} has a tokenizer that cannot say where its tokens stand")
    own = copy.deepcopy(backend)
    own.no_padding()
    own.no_truncation()
    return own
