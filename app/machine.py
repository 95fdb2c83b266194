"""The machine that something is measured on, for whoever compares the figures with their own."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

from retrieval.encoders.devices import find_accelerator

CPU_FACTS = Path("/proc/cpuinfo")


def describe_machine() -> str:
    """Processor, cores, memory, GPU, system and Python, on one line."""
    gpu = find_accelerator()
    return ", ".join(
        (
            _name_processor(),
            f"{os.cpu_count()} cores",
            *_measure_memory(),
            gpu[1] if gpu else "no GPU",
            f"{platform.system()} {platform.release()}",
            f"Python {platform.python_version()}",
        )
    )


def _name_processor() -> str:
    # Elsewhere than on Linux the system says it by itself.
    told = CPU_FACTS.read_text(errors="replace") if CPU_FACTS.exists() else ""
    named = re.search(r"^model name\s*: (.+)$", told, re.MULTILINE)
    return named[1] if named else platform.processor() or platform.machine()


def _measure_memory() -> list[str]:
    try:
        n_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return []
    return [f"{n_bytes / 1e9:.0f} GB"]
