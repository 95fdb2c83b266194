"""What every catalog says of a model, whatever it reads and makes."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

CHECKED = re.compile(r"20\d\d-(?:0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """A catalog entry; listing it loads no weights.

    Attributes:
        id: the name it is asked for by.
        source: where the weights come from: a package, a hub repository, or a vendor's service.
        revision: the pinned revision, or the start of the weights' SHA-256; "main" where the
            hub's newest is taken, whose commit then stands in the key; empty for a service.
        licence: SPDX identifier or name of the weights' licence, the base model's included; of a
            service "API terms".
        commercial_use: whether that licence permits it.
        languages: what it was trained to read, for people; empty where it reads no text.
        context_tokens: most tokens in one forward pass; 0 where the model card states none.
        n_parameters: number of weights, rounded for hub checkpoints; None where the vendor does
            not say.
        memory_bytes: memory the loaded weights take; 0 for a service.
        model_card: where the model is described: a URL, or words where it has no page of its own.
        checked: the month in which these facts were read, "2026-11", as they change; empty for
            what was read from a checkpoint itself.
        usd_per_million_tokens: a service's list price; None for weights that run here.
        note: what a person who chooses it should know; empty for nothing.
        is_base: whether it was never trained for what it is listed for: a base to fine-tune.
        obstacle: why Pagelens cannot open it, as the end of a sentence; empty where nothing stands
            in the way.
    """

    id: str
    source: str
    revision: str
    licence: str
    commercial_use: bool
    languages: str
    context_tokens: int
    n_parameters: int | None
    memory_bytes: int
    model_card: str
    checked: str
    usd_per_million_tokens: float | None = None
    note: str = ""
    is_base: bool = False
    obstacle: str = ""

    def __post_init__(self) -> None:
        """Refuses what cannot be true.

        Raises:
            ValueError: naming the entry and the field.
        """
        for name in ("id", "source", "licence", "model_card"):
            self.require(bool(getattr(self, name)), name, "is empty")
        self.require(self.context_tokens >= 0, "context_tokens", "is negative")
        count = self.n_parameters
        self.require(count is None or count >= 0, "n_parameters", "is negative")
        is_month = not self.checked or bool(CHECKED.fullmatch(self.checked))
        self.require(is_month, "checked", "is no month like 2026-11")
        price = self.usd_per_million_tokens
        self.require(price is None or price > 0, "usd_per_million_tokens", "is not above 0")

    def require(self, holds: bool, field: str, otherwise: str) -> None:
        """Refuses the entry unless something holds of one of its fields."""
        if not holds:
            raise ValueError(f"{self.id or 'an entry without an id'}: {field} {otherwise}")

    @property
    def is_hosted(self) -> bool:
        """Whether it runs at a vendor, who is sent what it reads."""
        return not self.revision

    @property
    def is_multilingual(self) -> bool:
        """Whether it was trained to read more than English."""
        return bool(self.languages) and not self.languages.startswith("English")

    @property
    def makes(self) -> frozenset[str]:
        """What it makes; a model that makes as much can stand in its place."""
        return frozenset()


def check_dims(spec: ModelSpec, dim: int, matryoshka_dims: tuple[int, ...]) -> None:
    """Refuses an entry whose prefixes of the vector are not shorter than the vector, ascending."""
    spec.require(dim > 0, "dim", "is not above 0")
    ascending = list(matryoshka_dims) == sorted(set(matryoshka_dims))
    inside = all(0 < prefix < dim for prefix in matryoshka_dims)
    spec.require(ascending and inside, "matryoshka_dims", f"do not rise to less than {dim}")


def names_folder(name: str) -> bool:
    """Whether the name of a model is that of a folder here; one that no folder can have is not."""
    # pathlib raises where a name is too long for the system.
    return os.path.isdir(name)  # noqa: PTH112
