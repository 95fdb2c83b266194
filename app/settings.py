"""Settings: one frozen object, built at entry from PAGELENS_ environment variables."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from retrieval.errors import InvalidSetting

PREFIX = "PAGELENS_"

URL_EXAMPLES = {
    "qdrant_url": "https://qdrant.example.org:6333",
    "answer_url": "http://127.0.0.1:11434/v1",
}


class Settings(BaseSettings):
    """What can be set; every field is an environment variable with the prefix PAGELENS_."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", hide_input_in_errors=True
    )

    library: Path = Field(Path("~/.pagelens"), description="the library folder")
    model: str = Field("auto", description="the encoder of pages; auto fits the machine")
    photo_model: str = Field("auto", description="the encoder of photos; auto fits the machine")
    sound_model: str = Field(
        "none", description="the encoder of sounds; auto: CLAP with a GPU and the hub; none: none"
    )
    text_models: Annotated[tuple[str, ...] | None, NoDecode] = Field(
        None, description="the encoders of a new library's text, between commas; none: no channel"
    )
    pool_factor: int | None = Field(
        None, ge=1, description="token pooling of a new library: vectors are divided by it"
    )
    vector_storage: Literal["auto", "float16", "turbo8", "turbo4"] = Field(
        "auto",
        description="how a new library stores page vectors: float16, turbo8 or turbo4",
    )
    prefetch_pages: int = Field(
        500,
        ge=1,
        description="candidates that MaxSim ranks in a library of 2,000 pages or more",
    )
    reranker: str = Field("auto", description="what reads the best pages again; none for nothing")
    device: str = Field("auto", description="where models run: cpu, cuda, cuda:1 or mps")
    dtype: str = Field("auto", description="float32, bfloat16 or float16")
    attention: str = Field("auto", description="eager, sdpa or flash_attention_2")
    commercial: bool = Field(
        False, description="open only models whose licence permits commercial use"
    )
    skip_self_test: bool = Field(False, description="use an encoder that was not seen to work")
    database_url: SecretStr | None = Field(
        None,
        description="a PostgreSQL database that holds the documents; none: the library folder does",
    )
    bucket: str | None = Field(
        None,
        description="s3://bucket/prefix holds originals and previews; none: the library folder",
    )
    qdrant_url: str | None = Field(
        None,
        description="a Qdrant server that holds the index; none: it is in the library folder",
    )
    qdrant_api_key: SecretStr | None = Field(None, description="its API key")
    qdrant_collection: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9_-]+$",
        description="the collection of a new library; none: one named after the library's id",
    )
    qdrant_timeout_s: float = Field(30.0, gt=0, description="how long an answer is waited for")
    qdrant_shards: int | None = Field(
        None, ge=1, description="shards of a new collection; none: the server's choice"
    )
    qdrant_replicas: int = Field(1, ge=1, description="copies of each shard of a new collection")
    qdrant_write_consistency: int = Field(
        1, ge=1, description="copies that must be written before a page counts as stored"
    )
    answer_url: str | None = Field(
        None,
        description="an OpenAI-compatible endpoint that writes answers; none: they are quotes",
    )
    answer_model: str | None = Field(
        None,
        min_length=1,
        description="the model that writes them: its name there, or without it a hub id or folder",
    )
    answer_api_key: SecretStr | None = Field(None, description="the endpoint's API key")
    answer_pages: int = Field(5, ge=1, le=20, description="most pages that the model is given")
    answer_tokens: int = Field(
        12_000, ge=2_000, description="most tokens that it is given, by estimate"
    )
    answer_timeout_s: float = Field(
        120.0, gt=0, description="how long the endpoint may stay silent"
    )
    read_only: bool = Field(False, description="refuse whatever would change the library")
    host: str = Field("127.0.0.1", description="the address the web page is served on")
    port: int = Field(7860, ge=0, le=65535, description="its port; 0 takes a free one")
    api_key: SecretStr | None = Field(
        None, description="whoever asks the server must know it, as a bearer token or password"
    )
    user: str | None = Field(None, min_length=1, description="who may log in, with a password")
    password: SecretStr | None = Field(None, min_length=1, description="that user's password")
    upload_limit_mb: int = Field(
        500, ge=1, description="the largest upload request that is taken, in MB"
    )
    page_limit: int = Field(5000, ge=1, description="pages of the longest upload that is taken")
    uploads_per_minute: int = Field(
        120, ge=1, description="upload requests that are taken from one address in a minute"
    )

    @property
    def upload_limit_bytes(self) -> int:
        """The largest upload request that is taken."""
        return self.upload_limit_mb * 1_000_000

    @property
    def is_shared(self) -> bool:
        """Whether several processes may work on the library: none of it is only one's."""
        return self.database_url is not None and self.qdrant_url is not None

    @property
    def may_join(self) -> bool:
        """Whether a new library folder is one more of the library that is in the database."""
        return self.database_url is not None and self.bucket is not None

    @field_validator("text_models", mode="before")
    @classmethod
    def _split_names(cls, names: object) -> object:
        """Takes names between commas; an empty variable is as none, for whoever cannot unset it."""
        if not isinstance(names, str):
            return names
        return tuple(name.strip() for name in names.split(",") if name.strip()) or None

    @field_validator("bucket")
    @classmethod
    def _check_bucket(cls, url: str | None) -> str | None:
        """Refuses folders, which have no whole files or none, and keys, which errors would show."""
        if url is not None and (
            not re.fullmatch(r"[a-z][a-z0-9+.-]*://[^\s@]+", url) or url.startswith("file:")
        ):
            raise ValueError(
                "an address such as s3://bucket/prefix is expected; a folder that all machines "
                "reach is named by PAGELENS_LIBRARY"
            )
        return url

    @field_validator("database_url")
    @classmethod
    def _check_database(cls, url: SecretStr | None) -> SecretStr | None:
        """Refuses what would be read otherwise than meant: part of a password as the host, say."""
        if url is None:
            return url
        from sqlalchemy import make_url
        from sqlalchemy.exc import ArgumentError

        try:
            parts = make_url(url.get_secret_value())
            is_address = parts.drivername == "postgresql" and bool(parts.database)
        except (ArgumentError, ValueError):
            is_address = False
        if not is_address or re.search(r"[@\s]", f"{parts.host}{parts.database}"):
            raise ValueError(
                "an address such as postgresql://user:password@db.example.org:5432/pagelens is "
                "expected, with @, : and / of a password written %40, %3A and %2F"
            )
        return url

    @field_validator("qdrant_url", "answer_url")
    @classmethod
    def _check_url(cls, url: str | None, info: ValidationInfo) -> str | None:
        """Refuses a password, too: it would stand in error messages, as the API key does not."""
        if url is None:
            return url
        try:
            parts = urlsplit(url)
            is_address = bool(parts.hostname) and (parts.port is None or parts.port > 0)
        except ValueError:
            is_address = False
        if not is_address or parts.scheme not in ("http", "https") or re.search(r"[\s@]", url):
            example = URL_EXAMPLES[info.field_name or ""]
            raise ValueError(f"an address such as {example} is expected")
        return url

    @field_validator("user")
    @classmethod
    def _check_user(cls, user: str | None) -> str | None:
        """A colon ends the name of a user where a browser sends it."""
        if user is not None and ":" in user:
            raise ValueError("a name without a colon is expected")
        return user

    @field_validator("qdrant_api_key", "api_key", "answer_api_key")
    @classmethod
    def _check_header(cls, key: SecretStr | None) -> SecretStr | None:
        """Clients print a header that they cannot send, and with it the key."""
        if key is not None and not re.fullmatch(r"[!-~]+", key.get_secret_value()):
            raise ValueError("a key of visible ASCII characters without spaces is expected")
        return key


def load_settings(**overrides: object) -> Settings:
    """Reads the environment; overrides that are not None win.

    Raises:
        InvalidSetting: a PAGELENS_ variable is unknown, or a value does not fit.
    """
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    for name in os.environ:
        if name.startswith(PREFIX) and name not in known:
            raise InvalidSetting(f"unknown setting {name}; known: {', '.join(sorted(known))}")
    try:
        settings = Settings(**{k: v for k, v in overrides.items() if v is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        name = PREFIX + str(first["loc"][0]).upper()
        raise InvalidSetting(f"{name}: {first['msg']}") from error
    return settings.model_copy(update={"library": settings.library.expanduser()})
