"""What the routes of a library's move to another encoder take and give."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.migration_record import MigrationState, Target
from retrieval.index.base import VectorStorage


class MigrateBody(BaseModel):
    """What the library shall be moved to; nothing of it to go on with what was begun."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"to": "vidore/colqwen2-v1.0", "pool_factor": 3}]},
    )

    to: str | None = Field(
        None, min_length=1, max_length=500, description="as `pagelens migrate --to`"
    )
    pool_factor: int | None = Field(None, ge=1, description="1 for no token pooling")
    vector_storage: Literal["float16", "turbo8", "turbo4"] | None = None
    text_models: list[Annotated[str, Field(min_length=1, max_length=500)]] | None = Field(
        None,
        max_length=10,
        description="encoders of the text of pages, in place of those of the library; empty for "
        "no channel",
    )
    only_build: bool = Field(False, description="build and compare, and do not switch")
    force: bool = Field(False, description="switch also where the new encoder is clearly worse")

    @property
    def target(self) -> Target:
        """What is asked for."""
        storage = VectorStorage(self.vector_storage) if self.vector_storage else None
        texts = None if self.text_models is None else tuple(self.text_models)
        return Target(self.to, self.pool_factor, storage, texts)


class SwitchBody(BaseModel):
    """How a library is switched to an index that is built."""

    model_config = ConfigDict(extra="forbid")

    force: bool = Field(False, description="switch also where the new encoder is clearly worse")


class ComparisonBody(BaseModel):
    """What questions found with the old encoder and with the new one."""

    questions: int
    sampled: bool = Field(description="whether they are words of the pages themselves")
    ndcg_before: float = Field(description="nDCG@10 with the old encoder")
    ndcg_after: float = Field(description="nDCG@10 with the new encoder")
    interval: tuple[float, float] = Field(description="of the difference, 95 %")
    clearly_worse: bool = Field(description="whether the whole interval lies below 0")


class StageBody(BaseModel):
    """What is being done now."""

    stage: str
    done: int
    total: int


class MigrationErrorBody(BaseModel):
    """Why the last work has stopped."""

    type: str
    message: str


class MigrationBody(BaseModel):
    """A library's move to another encoder, as far as it has come."""

    encoder_before: str
    encoder: str = Field(description="the new one")
    state: MigrationState
    pages: int = Field(description="that the library has")
    pages_done: int = Field(description="of them, in the index that is not searched")
    comparison: ComparisonBody | None


class MigrationStatusBody(BaseModel):
    """What is done to the second index of a library."""

    migration: MigrationBody | None = Field(description="none where it has one index alone")
    asked: str | None = Field(
        None, description="what was asked for, until its encoders are opened and it is begun"
    )
    is_at_work: bool = Field(description="whether the server is at it")
    progress: StageBody | None = Field(description="what it is doing")
    left_out: list[str] = Field(description="pages that could not be looked at, and why")
    error: MigrationErrorBody | None = Field(description="why it has stopped")


class DroppedBody(BaseModel):
    """What removing an index gave back."""

    bytes: int = Field(description="of the disk; 0 where a Qdrant server held it")
