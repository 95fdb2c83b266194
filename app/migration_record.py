"""What the database of a library knows of its move from one encoder to another."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from enum import Enum

from app.text_models import resolve_names
from ingest.documents import MIGRATION, MIGRATION_ORDER, Documents
from ingest.space_pages import SpacePages
from retrieval.index.base import VectorStorage
from retrieval.matryoshka import read_name


class MigrationState(str, Enum):
    """How far a migration has come."""

    # The pages are being encoded anew, or that was cut off.
    ENCODING = "encoding"
    # All were, and both indexes compared; the old one is searched.
    READY = "ready"
    # The new one is searched; the old one is kept.
    SWITCHED = "switched"
    # The old one is searched again; the new one is kept.
    ROLLED_BACK = "rolled back"
    # The one that is not searched is being removed, or that was cut off.
    DROPPING = "dropping"


@dataclass(frozen=True, slots=True)
class Target:
    """What a library shall be moved to; None for what stays as it is.

    Attributes:
        model: a catalog id, a hub id or a folder. Another one than before is pooled, and its
            vectors stored, as those of a new library, unless that is said, too.
        pool_factor: by how much token pooling reduces a page's vectors; 1 for none.
        storage: how they are stored.
        text_models: the encoders of the text of pages; empty for no channel.
    """

    model: str | None = None
    pool_factor: int | None = None
    storage: VectorStorage | None = None
    text_models: tuple[str, ...] | None = None

    def resolve(self) -> Target:
        """The same with folders by absolute paths, which are found from any other."""
        model, texts = self.model, self.text_models
        return replace(
            self,
            model=None if model is None else str(read_name(model).resolve()),
            text_models=None if texts is None else resolve_names(texts),
        )

    def describe(self) -> str:
        """What is asked for, for people."""
        parts = [
            *([] if self.model is None else [self.model]),
            *([] if self.pool_factor is None else [f"pool factor {self.pool_factor}"]),
            *([] if self.storage is None else [self.storage.value]),
            *(f"text model {name}" for name in self.text_models or ()),
            *(["no text model"] if self.text_models == () else []),
        ]
        return ", ".join(parts)

    def dump(self) -> str:
        """As it is stored."""
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True)
class Comparison:
    """What questions found before and after a migration.

    Attributes:
        n_questions: that both were asked.
        is_sampled: whether they are words of the library's own pages, as it has no questions.
        ndcg_before, ndcg_after: nDCG@10, averaged over them.
        low, high: the difference after - before, as a 95 % interval; all that can be, -1 to 1,
            where there are too few questions to tell.
    """

    n_questions: int
    is_sampled: bool
    ndcg_before: float
    ndcg_after: float
    low: float
    high: float

    @property
    def difference(self) -> float:
        """How much higher nDCG@10 is afterwards; negative where it is worse."""
        return self.ndcg_after - self.ndcg_before

    @property
    def is_clearly_worse(self) -> bool:
        """Whether the whole interval lies below 0: chance alone would seldom do that."""
        return self.high < 0


@dataclass(frozen=True, slots=True)
class Migration:
    """A library's move from one space to another.

    Attributes:
        before, after: the names of the spaces; see `ingest.spaces`.
        encoder_before, encoder: what they are made with, for people.
        comparison: None as long as both were not compared.
    """

    before: str
    after: str
    encoder_before: str
    encoder: str
    state: MigrationState
    comparison: Comparison | None = None

    def dump(self) -> str:
        """As it is stored."""
        return json.dumps(asdict(self))


def read_migration(documents: Documents) -> Migration | None:
    """The migration of a library; None where it has one index alone."""
    stored = documents.read_setting(MIGRATION)
    if stored is None:
        return None
    content = json.loads(stored)
    compared = content.pop("comparison")
    state = MigrationState(content.pop("state"))
    return Migration(
        **content, state=state, comparison=Comparison(**compared) if compared else None
    )


def read_order(documents: Documents) -> Target | None:
    """What was asked of a library whose migration is not begun: its encoders are not opened yet."""
    stored = documents.read_setting(MIGRATION_ORDER)
    if stored is None:
        return None
    content = json.loads(stored)
    storage, texts = content["storage"], content["text_models"]
    return Target(
        content["model"],
        content["pool_factor"],
        None if storage is None else VectorStorage(storage),
        None if texts is None else tuple(texts),
    )


def find_other(documents: Documents, migration: Migration) -> str:
    """The name of the space that is not searched."""
    active = documents.active_space()
    return migration.before if active == migration.after else migration.after


def count_pages(documents: Documents, migration: Migration | None) -> tuple[int, int]:
    """How many pages of a library are in the space that is not searched, and how many it has."""
    if migration is None:
        return 0, 0
    return SpacePages(documents.database, find_other(documents, migration)).count()
