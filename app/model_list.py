"""All models of all catalogs in one list; loads no weights and no model library."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any

from app.model_filters import Group, Licence
from app.wording import count_things, format_bytes, format_parameters
from retrieval.answering.catalog import ANSWER_CATALOG
from retrieval.encoders.base import EncoderSpec
from retrieval.encoders.catalog import PAGE_CATALOG
from retrieval.encoders.photo_catalog import PHOTO_CATALOG
from retrieval.encoders.sound_catalog import SOUND_CATALOG
from retrieval.model_spec import ModelSpec
from retrieval.rerankers.catalog import RERANKER_CATALOG
from retrieval.text_encoders.base import Channel, TextEncoderSpec
from retrieval.text_encoders.catalog import TEXT_CATALOG

CATALOGS: dict[Group, Sequence[ModelSpec]] = {
    Group.PAGES: PAGE_CATALOG,
    Group.PHOTOS: PHOTO_CATALOG,
    Group.SOUNDS: SOUND_CATALOG,
    Group.TEXT: TEXT_CATALOG,
    Group.RERANKERS: RERANKER_CATALOG,
    Group.ANSWERS: ANSWER_CATALOG,
}

READS = {
    Group.TEXT: "the text of pages",
    Group.RERANKERS: "passages with the question",
    Group.ANSWERS: "page pictures and text",
}

NO_PROMPT = ("", "{}")


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A catalog entry, and what the model is for."""

    group: Group
    spec: ModelSpec

    @property
    def reads(self) -> str:
        """What the model looks at."""
        spec = self.spec
        return spec.modality.value if isinstance(spec, EncoderSpec) else READS[self.group]

    @property
    def vectors(self) -> str:
        """How many vectors it makes, and how long they are; a dash for what makes none."""
        spec = self.spec
        if isinstance(spec, EncoderSpec):
            count = f"{spec.vectors_per_page:,} × " if spec.vectors_per_page > 1 else ""
            return f"{count}{_format_dims(spec.dim, spec.matryoshka_dims)}"
        if isinstance(spec, TextEncoderSpec):
            return _format_dims(spec.dim, spec.matryoshka_dims)
        return "–"

    @property
    def context(self) -> str:
        """How many tokens it reads at once; a dash where its card states none."""
        return f"{self.spec.context_tokens:,}" if self.spec.context_tokens else "–"

    @property
    def memory(self) -> str:
        """What its weights take here; a dash for a service."""
        return format_bytes(self.spec.memory_bytes) if self.spec.memory_bytes else "–"

    @property
    def price(self) -> str:
        """What a service asks for a million tokens; a dash for what runs here."""
        if not self.spec.is_hosted:
            return "–"
        price = self.spec.usd_per_million_tokens
        return "see note" if price is None else f"${price:.2f}"

    @property
    def parameters(self) -> str:
        """How many weights it has."""
        return format_parameters(self.spec)

    @property
    def commercial(self) -> str:
        """Whether its licence permits commercial use, in words."""
        return "permitted" if self.spec.commercial_use else "not permitted"

    @property
    def card_url(self) -> str:
        """Where its model card is read in a browser; empty for one that is named in words."""
        card = self.spec.model_card
        return card if card.startswith("https://") else ""

    @property
    def prompts(self) -> list[tuple[str, str]]:
        """What a prompt is put around, and the prompt; none for what is read as it is."""
        spec = self.spec
        if not isinstance(spec, EncoderSpec | TextEncoderSpec):
            return []
        what = "Page" if isinstance(spec, EncoderSpec) else "Passage"
        prompts = (("Question", spec.query_prompt), (what, spec.document_prompt))
        return [(what, prompt) for what, prompt in prompts if prompt not in NO_PROMPT]

    @property
    def notes(self) -> list[str]:
        """What else a person who chooses it should know, each a sentence or two."""
        spec, notes = self.spec, []
        if spec.obstacle:
            notes.append(f"Cannot be opened: {spec.obstacle}.")
        if spec.is_base:
            notes.append("Never trained to search: a base to fine-tune.")
        if spec.note:
            notes.append(spec.note)
        if isinstance(spec, TextEncoderSpec) and spec.channels != (Channel.DENSE,):
            notes.append(f"Makes {', '.join(c.value for c in spec.channels)}.")
        if isinstance(spec, EncoderSpec) and spec.vidore_ndcg5 is not None:
            notes.append(f"nDCG@5 {spec.vidore_ndcg5:.1f} % on {spec.vidore_source}.")
        return notes


def list_models(group: Group | None = None, licence: Licence = Licence.ANY) -> list[ListedModel]:
    """The models of the catalogs, those that come with Pagelens first in their group.

    Args:
        group: what they are for; None for all.
        licence: `COMMERCIAL` for those alone that may be used commercially.
    """
    return [
        ListedModel(its_group, spec)
        for its_group, catalog in CATALOGS.items()
        for spec in catalog
        if group in (None, its_group) and (spec.commercial_use or licence is not Licence.COMMERCIAL)
    ]


def count_models(models: Sequence[ListedModel]) -> str:
    """How many models are listed, and for what: "3 models: 1 of pages, 2 of text"."""
    counts = Counter(model.group for model in models)
    parts = ", ".join(f"{n} of {group.value}" for group, n in counts.items())
    return count_things(len(models), "model") + (f": {parts}" if parts else "")


def model_json(model: ListedModel) -> dict[str, Any]:
    """One entry of `models --json`: the catalog's fields, what it is for and what it reads."""
    spec = model.spec
    entry = {field.name: _plain(getattr(spec, field.name)) for field in fields(spec)}
    return {**entry, "modality": model.group.value, "reads": model.reads}


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    return [_plain(part) for part in value] if isinstance(value, tuple) else value


def _format_dims(dim: int, matryoshka_dims: tuple[int, ...]) -> str:
    shorter = ", ".join(f"{prefix:,}" for prefix in reversed(matryoshka_dims))
    return f"{dim:,}" + (f" (or {shorter})" if shorter else "")
