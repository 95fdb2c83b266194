"""How close to the limit of the machine Pagelens encodes pages.

Builds models of full size with random weights (their speed does not depend on training) and
measures three ways over the same generated pages, in turn, several times:

- bare forward passes over inputs prepared beforehand: the limit;
- the plain loop that byaldi and the model cards show;
- Pagelens end to end: rendering, previews, encoding, index.

Of the repeats the quickest counts, for each way: what else the machine does only slows down. On a
CPU all work shares the cores, so there a way also costs what it takes from the forward pass.

    python tests/benchmarks/encode.py --model colqwen2-2b --model colsmol-256m --pages 192
    python tests/benchmarks/encode.py --model tiny --model small --pages 16 --device cpu
    python tests/benchmarks/encode.py --growth 40     # does peak memory grow with the corpus?
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from functools import partial
from pathlib import Path

# As a script, it lies beside what it imports, not above it.
sys.path.insert(0, str(Path(__file__).parents[2]))

# The rendering processes of Pagelens import this file anew, as they do any main program. What is
# imported here is therefore light; torch and the models wait for `main`.
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

MODELS = ("colqwen2-2b", "colsmol-256m", "small", "tiny", "thin")
WAYS = {
    "bare_forward": "Bare forward passes",
    "plain_loop": "Plain loop",
    "pagelens": "Pagelens, end to end",
}


def read_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", action="append", choices=MODELS, help="may be given repeatedly")
    parser.add_argument("--pages", type=int, default=16, help="pages a run (default: 16)")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each way (default: 3)")
    parser.add_argument("--plain-batch", type=int, default=4, help="pages a batch, plain loop")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps")
    parser.add_argument(
        "--growth",
        type=int,
        metavar="PAGES",
        help="instead: peak memory of ingesting so many pages and four times as many",
    )
    parser.add_argument("--json", action="store_true", help="the last line on stdout is JSON")
    options = parser.parse_args(arguments)
    for name in ("pages", "repeats", "plain_batch", "growth"):
        value = getattr(options, name)
        if value is not None and value < 1:
            parser.error(f"--{name.replace('_', '-')} must be at least 1, not {value}")
    return options


def main(arguments: list[str] | None = None) -> None:
    options = read_arguments(arguments)
    machine = describe_machine(options.device)
    console = Console()
    if not options.json:
        console.print(", ".join(f"{name} {value}" for name, value in machine.items() if value))
    result: dict = {"machine": machine}
    with (
        tempfile.TemporaryDirectory(prefix="pagelens-benchmark-") as folder,
        Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
        ) as bars,
    ):
        if options.growth:
            result["growth"] = run_growth(options, Path(folder), bars)
        else:
            result["pages"], result["repeats"] = options.pages, options.repeats
            result["models"] = [
                run_model(name, options, Path(folder), bars) for name in options.model or ["tiny"]
            ]
    if options.json:
        print(json.dumps(result))
    elif options.growth:
        print_growth(result["growth"], console)
    else:
        for model in result["models"]:
            print_model(model, result, console)


def run_growth(options: argparse.Namespace, folder: Path, bars: Progress) -> dict:
    from retrieval.encoders.devices import place_model
    from tests.benchmarks.peak_memory import measure_growth
    from tests.benchmarks.random_checkpoints import write_random_checkpoint

    name = (options.model or ["thin"])[0]
    device = place_model(options.device).device
    checkpoint = write_random_checkpoint(name, folder / name, device)
    task = bars.add_task(f"{name}: ingest", total=3, unit="runs")
    runs = measure_growth(
        checkpoint, options.growth, folder, device, on_done=lambda: bars.advance(task)
    )
    return {"model": name, "runs": runs}


def run_model(name: str, options: argparse.Namespace, folder: Path, bars: Progress) -> dict:
    """Measures one model; see `describe_model` for what is returned."""
    from retrieval.encoders.devices import place_model
    from tests.benchmarks.benchmark_pages import write_pages
    from tests.benchmarks.encoding_ways import EncodingWays
    from tests.benchmarks.random_checkpoints import write_random_checkpoint

    setup = bars.add_task(f"{name}: weights, warm-up", total=3, unit="steps")
    device = place_model(options.device).device
    checkpoint = write_random_checkpoint(name, folder / name, device)
    document = write_pages(folder / "pages.pdf", options.pages)
    bars.advance(setup)
    with EncodingWays(
        checkpoint, document, options.pages, folder / f"library-{name}", device
    ) as ways:
        bars.advance(setup)
        ways.warm_up(options.plain_batch)
        bars.advance(setup)
        tasks = {
            way: bars.add_task(
                f"{name}: {WAYS[way].lower()}", total=options.pages * options.repeats, unit="pages"
            )
            for way in WAYS
        }
        runs: dict[str, list] = {way: [] for way in WAYS}
        for _ in range(options.repeats):
            # In turn, so that a slow minute of the machine slows all three.
            for way in WAYS:
                advance = partial(bars.advance, tasks[way])
                runs[way].append(ways.run(way, options.plain_batch, advance))
        return describe_model(name, options.pages, runs, ways)


def describe_model(name: str, n_pages: int, runs: dict[str, list], ways) -> dict:
    """Figures of one model: those of each way from its quickest run, memory from its largest."""
    best = {way: min(runs[way], key=lambda run: run.seconds) for way in WAYS}
    limit = best["bare_forward"]
    figures = {
        way: {
            "seconds": run.seconds,
            "pages_per_second": n_pages / run.seconds,
            "ratio_to_bare": limit.seconds / run.seconds,
            "startup_seconds": run.startup_seconds,
            "cpu_seconds_per_page": min(run.cpu_seconds for run in runs[way]) / n_pages,
            "peak_memory_bytes": max(run.peak_memory_bytes for run in runs[way]),
            "peak_gpu_bytes": max(run.peak_gpu_bytes or 0 for run in runs[way]) or None,
            "all_seconds": [run.seconds for run in runs[way]],
        }
        for way, run in best.items()
    }
    return {
        "model": name,
        "parameters": ways.n_parameters,
        "vectors_per_page": ways.count_vectors(),
        "device": ways.placement.device,
        "dtype": ways.placement.dtype,
        "attention": ways.placement.attention,
        "ways": figures,
        "overhead_percent": 100 * (best["pagelens"].seconds / limit.seconds - 1),
        # What a long corpus tends to, where the start no longer counts.
        "overhead_percent_once_started": 100
        * (min(run.seconds - run.startup_seconds for run in runs["pagelens"]) / limit.seconds - 1),
        # On a CPU the steadier figure: other work on the machine stretches the clock first.
        "cpu_overhead_percent": 100
        * (
            figures["pagelens"]["cpu_seconds_per_page"]
            / figures["bare_forward"]["cpu_seconds_per_page"]
            - 1
        ),
        "speed_up_over_plain_loop": best["plain_loop"].seconds / best["pagelens"].seconds,
    }


def describe_machine(device: str) -> dict:
    import torch

    from retrieval.encoders.devices import place_model

    chosen = place_model(device).device
    on_cuda = chosen.startswith("cuda")
    return {
        "cpu": read_cpu_name(),
        "cores": os.cpu_count(),
        "gpu": torch.cuda.get_device_name(chosen) if on_cuda else None,
        "torch": torch.__version__,
        "cuda": torch.version.cuda if on_cuda else None,
        "python": platform.python_version(),
        # Others' work on the machine; a load near the number of cores spoils what is measured.
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
    }


def read_cpu_name() -> str:
    """The model of the CPU; Linux tells it only here."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def print_model(model: dict, result: dict, console: Console) -> None:
    table = Table(
        title=f"{model['model']}: {model['parameters'] / 1e6:,.0f} million weights, "
        f"{model['vectors_per_page']} vectors a page, {model['device']}, {model['dtype']}, "
        f"{model['attention']}; {result['pages']} pages, best of {result['repeats']}",
        title_justify="left",
    )
    table.add_column("way")
    for heading in ("pages/s", "of the limit", "CPU s/page", "memory MB", "GPU memory MB"):
        table.add_column(heading, justify="right")
    for way, title in WAYS.items():
        figures = model["ways"][way]
        gpu_bytes = figures["peak_gpu_bytes"]
        table.add_row(
            title,
            f"{figures['pages_per_second']:.3g}",
            f"{100 * figures['ratio_to_bare']:.1f} %",
            f"{figures['cpu_seconds_per_page']:.2f}",
            f"{figures['peak_memory_bytes'] / 1e6:,.0f}",
            f"{gpu_bytes / 1e6:,.0f}" if gpu_bytes else "-",
        )
    console.print(table)
    console.print(
        f"Overhead of Pagelens over bare forward passes: {model['overhead_percent']:.1f} %; "
        f"{model['overhead_percent_once_started']:.1f} % without the "
        f"{model['ways']['pagelens']['startup_seconds']:.1f} s in which its rendering processes "
        f"start; {model['cpu_overhead_percent']:.1f} % in CPU time. "
        f"Speed over the plain loop: {model['speed_up_over_plain_loop']:.2f} times."
    )


def print_growth(growth: dict, console: Console) -> None:
    table = Table(title=f"Peak memory of ingesting, {growth['model']}", title_justify="left")
    for heading in ("pages", "memory MB"):
        table.add_column(heading, justify="right")
    for run in growth["runs"]:
        table.add_row(f"{run['pages']:,}", f"{run['peak_memory_bytes'] / 1e6:,.0f}")
    console.print(table)


if __name__ == "__main__":
    main()
