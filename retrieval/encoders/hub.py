"""Finds a checkpoint: a local folder, the Hugging Face cache, or the hub itself."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from retrieval.errors import HubUnreachable, UnknownEncoder, WeightsRefused
from retrieval.model_spec import names_folder

# How long the hub may take to answer before it counts as unreachable.
HUB_TIMEOUT_S = 5

# What a checkpoint is made of; training states, other formats and pictures are not fetched.
CHECKPOINT_FILES = (
    "*.json",
    "*.safetensors",
    "*.txt",
    "*.model",
    "*.jinja",
    # Of ColBERTv2 its lengths and markers, and the heads of BGE-M3.
    "artifact.metadata",
    "sparse_linear.pt",
    "colbert_linear.pt",
)
NOT_NEEDED = ("checkpoint-*", "checkpoint-*/*", "onnx/*", "openvino/*", "results*.json")

# Weights in Python's own format, of which torch reads nothing but tensors (`weights_only`).
PICKLED = "pytorch_model*.bin"

# As many characters of a commit or hash as tell versions apart.
REVISION_CHARACTERS = 12


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint on this machine.

    Attributes:
        name: as it was asked for: a hub id or a folder.
        folder: where its files lie.
        revision: its hub commit, or for a local folder the SHA-256 of its files; shortened.
        base: the checkpoint that a LoRA adapter stands on; None for a whole model.
    """

    name: str
    folder: Path
    revision: str
    base: Checkpoint | None = None

    @property
    def config(self) -> dict[str, Any]:
        """`config.json` of the model, or of the base below an adapter."""
        folder = self.base.folder if self.base else self.folder
        path = folder / "config.json"
        if not path.exists():
            path = folder / "open_clip_config.json"
        try:
            config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise WeightsRefused(f"{folder} holds no readable config.json") from error
        return config

    @property
    def label(self) -> str:
        """Name and revision, the base's included."""
        # A folder's place says nothing of its content, and differs from machine to machine.
        name = Path(self.name).name if names_folder(self.name) else self.name
        label = f"{name}@{self.revision}"
        return f"{label}+{self.base.label}" if self.base else label


def locate_checkpoint(
    name: str, revision: str = "main", *, may_be_pickled: bool = False
) -> Checkpoint:
    """Finds a folder or a hub id; what the cache lacks is downloaded, with progress bars.

    Args:
        name: a folder, or `owner/repository`; `@commit` behind it wins over `revision`.
        revision: branch, tag or commit on the hub.
        may_be_pickled: whether `pytorch_model.bin` will do where there are no safetensors, as in
            many older checkpoints of text encoders.

    Raises:
        UnknownEncoder: neither a folder nor a repository of the hub.
        HubUnreachable: it is not in the cache and the hub does not answer.
        WeightsRefused: the repository is closed to this account, or a download failed.
    """
    if names_folder(name):
        folder = Path(name)
        commit = _hash_folder(folder)
    else:
        name, _, at = name.partition("@")
        folder, commit = _locate_snapshot(name, at or revision, may_be_pickled)
    adapter = folder / "adapter_config.json"
    if not adapter.exists() or (folder / "config.json").exists():
        return Checkpoint(name, folder, commit)
    base_name = json.loads(adapter.read_text(encoding="utf-8")).get("base_model_name_or_path")
    if not base_name:
        raise WeightsRefused(f"the adapter {name} does not name its base model")
    return Checkpoint(name, folder, commit, locate_checkpoint(base_name))


def is_cached(name: str, revision: str = "main", *, may_be_pickled: bool = False) -> bool:
    """Whether a hub checkpoint, and the base below an adapter, can be loaded without the hub."""
    folder = _find_in_cache(name, revision, may_be_pickled)
    if folder is None:
        return False
    adapter = folder / "adapter_config.json"
    if not adapter.exists() or (folder / "config.json").exists():
        return True
    base = json.loads(adapter.read_text(encoding="utf-8")).get("base_model_name_or_path", "")
    return names_folder(base) or is_cached(base)


def hub_answers(name: str) -> bool:
    """Whether the hub answers within seconds, and has this repository."""
    try:
        _ask_hub(name, "main")
    except (HubUnreachable, UnknownEncoder, WeightsRefused):
        return False
    return True


def _locate_snapshot(name: str, revision: str, may_be_pickled: bool) -> tuple[Path, str]:
    cached = _find_in_cache(name, revision, may_be_pickled)
    if cached is not None:
        # What is complete is not asked for again: works offline, and does not change by itself.
        return cached, cached.name[:REVISION_CHARACTERS]
    commit, files = _ask_hub(name, revision)
    from huggingface_hub import snapshot_download

    try:
        folder = snapshot_download(
            name,
            revision=commit,
            allow_patterns=choose_patterns(files, may_be_pickled),
            ignore_patterns=list(NOT_NEEDED),
        )
    except Exception as error:  # the hub's client raises its own, httpx's and the system's
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise WeightsRefused(f"{name} could not be downloaded: {reason}") from error
    return Path(folder), commit[:REVISION_CHARACTERS]


def choose_patterns(files: Iterable[str], may_be_pickled: bool) -> list[str]:
    """What is fetched of a repository, or read of a folder, that holds these files.

    Its safetensors; the pickled weights, which are as large again, only where there are none.
    """
    has_safetensors = any(file.endswith(".safetensors") for file in files)
    return [*CHECKPOINT_FILES, *([PICKLED] if may_be_pickled and not has_safetensors else [])]


def _find_in_cache(name: str, revision: str, may_be_pickled: bool = False) -> Path | None:
    """The snapshot in the cache; None unless its weights are complete."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(name, revision=revision, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        return None
    index = folder / "model.safetensors.index.json"
    if index.exists():
        shards = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        return folder if all((folder / shard).exists() for shard in shards) else None
    weights = [*folder.rglob("*.safetensors"), *(folder.glob(PICKLED) if may_be_pickled else ())]
    return folder if weights else None


def _ask_hub(name: str, revision: str) -> tuple[str, list[str]]:
    """The commit that a revision stands for, and the files of its repository.

    Raises:
        UnknownEncoder, HubUnreachable, WeightsRefused: see `locate_checkpoint`.
    """
    from huggingface_hub import HfApi, constants
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    if constants.HF_HUB_OFFLINE:
        raise HubUnreachable(f"{name} is not in the cache, and HF_HUB_OFFLINE is set")
    # The client's own warnings about retries would stand before our one line.
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    try:
        found = HfApi().model_info(name, revision=revision, timeout=HUB_TIMEOUT_S)
    except GatedRepoError as error:
        raise WeightsRefused(
            f"{name} is open only to those who accepted its terms; log in with `hf auth login`"
        ) from error
    except RevisionNotFoundError as error:
        raise UnknownEncoder(f"the hub has no revision {revision!r} of {name}") from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise UnknownEncoder(f"the hub has no repository {name!r}, and no such folder") from error
    except Exception as error:  # httpx's, the system's, and the hub's own HTTP errors
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise HubUnreachable(
            f"{name} is not in the cache, and the model hub does not answer ({reason})"
        ) from error
    return found.sha or revision, [file.rfilename for file in found.siblings or ()]


def _hash_folder(folder: Path) -> str:
    """SHA-256 over the names and bytes of a local checkpoint's files."""
    digest = hashlib.sha256()
    # Modules of sentence-transformers lie in folders of their own.
    paths = [*folder.glob("*"), *folder.glob("*/*")]
    files = {path.relative_to(folder).as_posix(): path for path in paths if path.is_file()}
    patterns = choose_patterns(files, may_be_pickled=True)
    names = sorted(name for name in files if _is_part(name, patterns))
    if not any("/" not in name for name in names):
        raise UnknownEncoder(f"the folder {folder} holds no checkpoint")
    for name in names:
        digest.update(name.encode())
        with files[name].open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()[:REVISION_CHARACTERS]


def _is_part(name: str, patterns: Sequence[str]) -> bool:
    """Whether a file, by its path in a checkpoint's folder, is part of the checkpoint."""
    wanted = any(fnmatch(name, pattern) for pattern in patterns)
    return wanted and not any(fnmatch(name, pattern) for pattern in NOT_NEEDED)
