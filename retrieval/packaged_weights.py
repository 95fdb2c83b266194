"""Finds model files that installed packages carry, and makes sure that they are the expected ones.

A package is located, not imported: importing it would run code that is not needed.
"""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

from retrieval.errors import WeightsRefused


def locate_package(package: str, distribution: str) -> Path:
    """The folder of an installed package.

    Args:
        package: as it would be imported.
        distribution: as it is installed.

    Raises:
        WeightsRefused: it is not installed.
    """
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise WeightsRefused(f"the package {distribution} is not installed")
    return Path(found.submodule_search_locations[0])


def check_weights(weights: Path, sha256: str) -> None:
    """Refuses a weights file that is not byte for byte the published one.

    Args:
        weights: the file.
        sha256: of the published one, in hexadecimal.

    Raises:
        WeightsRefused: it is missing or differs.
    """
    if not weights.is_file():
        raise WeightsRefused(f"{weights} is missing")
    digest = hashlib.sha256()
    with weights.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    if digest.hexdigest() != sha256:
        raise WeightsRefused(
            f"{weights} has SHA-256 {digest.hexdigest()[:12]}..., expected {sha256[:12]}..."
        )
