"""The ways to search that are compared: which there are, and what each is called."""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from app.encoders import NONE, check_name
from app.settings import Settings
from app.text_models import NO_MODELS
from retrieval.comparison_errors import InvalidVariant
from retrieval.encoders.devices import AUTO
from retrieval.encoders.opening import choose_encoder
from retrieval.index.base import VectorStorage
from retrieval.model_spec import names_folder
from retrieval.rerankers.opening import check_reranker
from retrieval.search import Mode
from retrieval.text_encoders.opening import check_text_name

# A model's whole vectors, among lengths.
FULL = "full"


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to search.

    Attributes:
        model, text_models, pool_factor, vector_storage: what is indexed; as the settings of these
            names.
        mode: which rankings are fused.
        reranker: as the setting of this name.
    """

    model: str
    text_models: tuple[str, ...]
    pool_factor: int
    vector_storage: str
    mode: Mode
    reranker: str

    @property
    def ranked_by(self) -> Hashable:
        """What its rankings depend on: those by words alone are the same whatever the vectors."""
        match self.mode:
            case Mode.TEXT:
                return self.model, self.text_models, self.mode, self.reranker
            case Mode.VISUAL:
                return self.model, self.pool_factor, self.vector_storage, self.mode
            case _:
                return self


def read_model(text: str) -> str:
    """The name of an encoder of pages; what "auto" stands for may be another by tomorrow."""
    return choose_encoder().name if text == AUTO else read_name(text)


def read_name(text: str) -> str:
    """The name of a model."""
    if not text:
        raise ValueError("a name")
    return text


def read_text_models(text: str) -> tuple[str, ...]:
    """Text models that are used together, with a plus between them."""
    return () if text == NONE else tuple(read_name(name) for name in text.split("+"))


def read_factor(text: str) -> int:
    """A pool factor."""
    if not text.isdecimal() or int(text) < 1:
        raise ValueError("a whole number from 1")
    return int(text)


def read_storage(text: str) -> str:
    """How vectors are stored."""
    known = [AUTO, *(storage.value for storage in VectorStorage)]
    if text not in known:
        raise ValueError(f"one of {', '.join(known)}")
    return text


def read_mode(text: str) -> Mode:
    """Which rankings are fused."""
    try:
        return Mode(text)
    except ValueError:
        raise ValueError(f"one of {', '.join(mode.value for mode in Mode)}") from None


# What a way to search is without being asked.
USUAL = {"text_models": (), "pool_factor": 1, "vector_storage": AUTO, "reranker": AUTO}

# How the value of each field of a variant is read; what is expected is said by its ValueError.
READERS: dict[str, Callable[[str], Any]] = {
    "model": read_model,
    "text_models": read_text_models,
    "pool_factor": read_factor,
    "vector_storage": read_storage,
    "mode": read_mode,
    "reranker": read_name,
}


def list_variants(
    lists: Mapping[str, str | None], singles: Sequence[str], settings: Settings
) -> tuple[Variant, ...]:
    """All combinations of the lists, then the single ones, each way to search once.

    Args:
        lists: field of a variant -> values with commas between them; None for the setting's.
        singles: variants on their own, such as `mode=text reranker=none`. Where these are given
            and no list, they are all.
        settings: what is not given is as they say.

    Raises:
        InvalidVariant: one cannot be read, or there are fewer than two.
        UnknownEncoder: a model or reranker is neither known nor a folder nor a hub id.
    """
    usual = Variant(
        model=read_model(settings.model),
        text_models=settings.text_models or (),
        pool_factor=settings.pool_factor or 1,
        vector_storage=settings.vector_storage,
        mode=Mode.HYBRID,
        reranker=settings.reranker,
    )
    given = {name: text for name in READERS if (text := lists.get(name)) is not None}
    found: list[Variant] = []
    if given or not singles:
        read = [[(name, value) for value in read_list(name, text)] for name, text in given.items()]
        # The last field changes fastest: ways to ask one index stand side by side.
        found += [replace(usual, **dict(values)) for values in itertools.product(*read)]
    found += [replace(usual, **read_single(single)) for single in singles]
    variants = drop_repeats(found)
    if len(variants) < 2:
        raise InvalidVariant("there is only one way to search here, and nothing to compare it with")
    for variant in variants:
        check_name(variant.model)
        for name in variant.text_models:
            check_text_name(name)
        if variant.reranker not in (AUTO, NONE):
            check_reranker(variant.reranker)
    return variants


def cross_dims(models: str, dims: str) -> str:
    """Each of some models with each length of its vectors, with commas between them.

    Args:
        models: names, with commas between them.
        dims: lengths likewise; "full" is a model's own.

    Raises:
        InvalidVariant: a length is no number.
    """
    lengths = [length.strip() for length in dims.split(",")]
    for length in lengths:
        if length != FULL and not (length.isdecimal() and int(length)):
            raise InvalidVariant(f"dims {length!r}: a whole number from 1, or {FULL}, is expected")
    names = [read_model(name.strip()) for name in models.split(",")]
    return ",".join(
        name if length == FULL else f"{name}:{int(length)}" for name in names for length in lengths
    )


def read_list(name: str, text: str) -> list[Any]:
    """The values of one field, with commas between them."""
    return [_read_value(name, part.strip()) for part in text.split(",")]


def read_single(text: str) -> dict[str, Any]:
    """The fields of one variant, as `name=value` with spaces between them."""
    values: dict[str, Any] = {}
    try:
        parts = shlex.split(text)
    except ValueError as error:
        raise InvalidVariant(f"variant {text!r}: {error}") from error
    for part in parts:
        name, is_given, value = part.partition("=")
        name = name.replace("-", "_")
        if not is_given or name not in READERS:
            known = ", ".join(field.replace("_", "-") for field in READERS)
            raise InvalidVariant(f"variant {text!r}: {part!r} is not one of {known} with its value")
        values[name] = _read_value(name, value)
    return values


def _read_value(name: str, text: str) -> Any:
    try:
        return READERS[name](text)
    except ValueError as error:
        raise InvalidVariant(f"{name} {text!r}: {error} is expected") from None


def drop_repeats(variants: Iterable[Variant]) -> tuple[Variant, ...]:
    """Each way to search once: what changes nothing makes no variant."""
    kept: dict[Hashable, Variant] = {}
    for variant in variants:
        if variant.mode is Mode.VISUAL:
            # Nobody reads the pages that are ranked by their vectors alone.
            variant = replace(variant, reranker=NONE)
        kept.setdefault(variant.ranked_by, variant)
    return tuple(kept.values())


def name_variants(variants: Sequence[Variant]) -> list[str]:
    """What each is called: the fields in which they differ.

    Where a mode or a model tells them apart, what is as usual beside it goes without saying.
    """
    differing = [
        field.name
        for field in fields(Variant)
        if len({getattr(it, field.name) for it in variants if _says(it, field.name)}) > 1
    ]
    usual = USUAL if {"mode", "model"} & set(differing) else {}
    return [
        ", ".join(
            _say(variant, name)
            for name in differing
            if _says(variant, name) and getattr(variant, name) != usual.get(name)
        )
        for variant in variants
    ]


def _says(variant: Variant, name: str) -> bool:
    """Whether a field means anything for a variant: what reads text is not asked for looks."""
    return name not in ("reranker", "text_models") or variant.mode is not Mode.VISUAL


def _say(variant: Variant, name: str) -> str:
    value = getattr(variant, name)
    match name:
        case "model":
            return _shorten(value)
        case "text_models":
            return f"with {'+'.join(map(_shorten, value))}" if value else NO_MODELS
        case "mode":
            return str(value.value)
        case "reranker":
            return "no reranker" if value == NONE else f"reranker {value}"
        case "vector_storage":
            return f"stored as {value}"
        case _:
            return f"{name.replace('_', ' ')} {value}"


def _shorten(model: str) -> str:
    """What a model is called: of the folder of a checkpoint its name is enough."""
    return Path(model).name if names_folder(model) else model
