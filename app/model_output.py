"""What is said of models in a terminal: those of the catalogs, and those of a library."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from rich.console import Console

from app.model_filters import Group
from app.model_list import ListedModel, count_models

if TYPE_CHECKING:
    from app.library import Library

TITLES = {
    Group.PAGES: "Pages (--model)",
    Group.PHOTOS: "Photos (--photo-model)",
    Group.SOUNDS: "Sounds (--sound-model)",
    Group.TEXT: "Text of pages",
    Group.RERANKERS: "Rerankers (--reranker)",
    Group.ANSWERS: "Answers (PAGELENS_ANSWER_MODEL)",
}

INDENT = 6 * " "


def print_models(models: Sequence[ListedModel]) -> None:
    """The models as a list: a table of so many columns fits no terminal."""
    console = Console()
    # A link that is broken is none: the terminal wraps what is longer than its lines.
    paragraph = textwrap.TextWrapper(
        console.width,
        initial_indent=INDENT,
        subsequent_indent=INDENT,
        break_on_hyphens=False,
        break_long_words=False,
    )
    for group, members in groupby(models, key=lambda model: model.group):
        console.print(TITLES[group], style="bold")
        for model in members:
            name, *lines = describe_model(model)
            console.print(f"  {name}", style="cyan", highlight=False)
            for line in lines:
                text = paragraph.fill(line)
                console.print(text, highlight=False, markup=False, soft_wrap=True)
    console.print(f"{count_models(models)}.", highlight=False)


def describe_model(model: ListedModel) -> list[str]:
    """The name of a model and a few lines about it, every number with its unit."""
    spec = model.spec
    facts = [f"reads {model.reads}"]
    if model.vectors != "–":
        facts.append(f"vectors of {model.vectors} dimensions")
    if spec.context_tokens:
        facts.append(f"up to {model.context} tokens")
    if spec.languages:
        facts.append(spec.languages)
    if spec.is_hosted:
        price = spec.usd_per_million_tokens
        facts.append("runs at its vendor" if price is None else f"{model.price} a million tokens")
    else:
        facts += [f"{model.parameters} parameters", f"{model.memory} of memory"]
    licence = f"{spec.licence}; commercial use {model.commercial}; as of {spec.checked}"
    prompts = [f"{what}: {prompt!r}." for what, prompt in model.prompts]
    card = f"Model card: {spec.model_card}"
    return [spec.id, ", ".join(facts), licence, card, *model.notes, *prompts]


def describe_encoders(library: Library) -> list[str]:
    """Which encoders a library uses, and why; and what to beware of."""
    encoders = library.encoders
    photos = encoders.choose_photos()
    pooled = f", pool factor {encoders.pool_factor}" if encoders.pool_factor > 1 else ""
    lines = [
        f"Pages: {encoders.choice.name}{pooled} ({encoders.choice.reason}).",
        f"Photos: {photos.name} ({photos.reason}).",
        f"Vectors: stored as {encoders.vector_storage.value}.",
    ]
    sounds = encoders.sounds.choose()
    if sounds is not None:
        lines.append(f"Sounds: {sounds.name} ({sounds.reason}).")
    if encoders.text_names:
        channels = ", ".join(space.channel.value for space in encoders.texts.spaces)
        lines.append(f"Text: {', '.join(encoders.text_names)} ({channels}).")
    reranker = encoders.choose_reranker()
    if reranker is not None:
        lines.append(f"Reranker: {reranker.name} ({reranker.reason}).")
    if encoders.self_test_skipped:
        lines.append("Warning: the encoder was not tested; what it finds may be chance.")
    return lines
