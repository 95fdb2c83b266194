"""The examples of README and guides are run as they stand, and print what is shown.

What `<!-- run: terminal -->` stands before is run in a library of the sample documents, what
`<!-- run: server -->` stands before against a server at the address that it names. Of what is
printed all is compared but times, scores and what is drawn anew each time: ids and dates. Where
something is left out, `...` is shown.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents import draw_lines, write_text_pdf, write_tiff
from tests.guides import GUIDES, find_commands, find_fences
from tests.libraries import copy_library
from tests.terminal import ROOT, serve_pagelens

FENCES = [fence for guide in GUIDES for fence in find_fences(guide) if fence.mark]
ADDRESS = "http://127.0.0.1:7860"
TIMEOUT_S = 600

# Runs command lines in one process, which loads what they need but once; prints JSON: the exit code
# and the output of each.
RUNNER = """
import json, os, shlex, sys
from typer.testing import CliRunner
from app.cli import program

ended = []
for line in sys.stdin:
    name, *words = map(os.path.expanduser, shlex.split(line))
    assert name == "pagelens"
    ended.append(CliRunner().invoke(program, words))
print(json.dumps([(it.exit_code, it.stdout or it.stderr) for it in ended]))
"""

ID_OR_DATE = re.compile(r"[0-9a-f]{32}|[0-9a-f]{64}|\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)")
ELISION = "..."


def choose(mark):
    return [pytest.param(fence, id=fence.place) for fence in FENCES if fence.mark == mark]


@pytest.fixture(scope="module")
def home(sample_library, tmp_path_factory):
    """The home of somebody who has a library and some papers."""
    home = tmp_path_factory.mktemp("home")
    copy_library(sample_library, home / ".pagelens")
    write_papers(home)
    draw_lines(["net sales", "in 2021"]).save(home / "screenshot.png")
    questions = [("sales", "net sales in 2021"), ("part", "RX-480b")]
    lines = (json.dumps({"id": id_, "text": text}) for id_, text in questions)
    (home / "questions.jsonl").write_text("\n".join(lines))
    return home


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A folder with some files, and the address of a server that has none of them yet."""
    folder = tmp_path_factory.mktemp("served")
    write_papers(folder)
    shutil.copy(ROOT / "sample_docs/corpus/electricity-statement-2024.pdf", folder)
    with serve_pagelens(folder / "library") as server:
        yield folder, server.address


def write_papers(folder: Path) -> None:
    papers = folder / "papers"
    papers.mkdir()
    write_text_pdf(papers / "sales.pdf", "Net sales in 2021 were 51,761 million dollars.")
    write_text_pdf(papers / "parts.pdf", "The part RX-480b fits the pump.", "A page more.")
    write_tiff(
        folder / "scan.tiff",
        ["Card one: the moons of Jupiter", "four of them in one line"],
        ["Card two: potatoes and carrots", "grow well in the sandy soil"],
    )


def run(line: list[str], folder: Path, **options: str) -> str:
    """What a program prints; it must succeed."""
    ended = subprocess.run(
        line,
        cwd=folder,
        env={**os.environ, "HOME": str(folder), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        **options,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.mark.parametrize("fence", choose("terminal"))
def test_commands_do_what_is_shown(fence, home):
    assert fence.language == "console"
    commands = list(find_commands(fence))
    told = run([sys.executable, "-c", RUNNER], home, input="\n".join(c.line for c in commands))
    for command, (exit_code, printed) in zip(commands, json.loads(told), strict=True):
        assert exit_code == 0, f"{command.line}\n{printed}"
        if command.shown:
            assert_shown(command.shown, printed, {})


@pytest.mark.parametrize("fence", choose("server"))
def test_a_server_is_asked_as_is_shown(fence, served):
    folder, address = served
    if fence.language == "python":
        printed = run([sys.executable, "-c", fence.text.replace(ADDRESS, address)], folder)
        assert printed
        return
    # What was shown as an id, and what it is now.
    names: dict[str, str] = {}
    for command in find_commands(fence):
        assert ADDRESS in command.line
        line = command.line.replace(ADDRESS, address)
        for shown, now in names.items():
            line = line.replace(shown, now)
        assert_shown(command.shown, run(["bash", "-c", line], folder), names)


def test_examples_of_every_kind_are_run():
    assert {(fence.mark, fence.language) for fence in FENCES} == {
        ("terminal", "console"),
        ("server", "console"),
        ("server", "python"),
    }


def assert_shown(shown: str, printed: str, names: dict[str, str]) -> None:
    """What is printed is what is shown, up to what differs each time."""
    if shown.startswith("{"):
        assert_alike(read_json(shown), json.loads(printed), names)
        return
    lines = [line for line in printed.splitlines() if line.strip()]
    pattern = "".join(map(build_pattern, filter(str.strip, shown.splitlines())))
    assert re.fullmatch(pattern, "\n".join(lines) + "\n"), f"{shown}\n--- but:\n{printed}"


def build_pattern(line: str) -> str:
    """A pattern of the lines that a shown line stands for."""
    if line.strip() == ELISION:
        return r"(?:.*\n)*?"
    pattern = ".*".join(map(re.escape, re.split(r"\s*\.\.\.\s*", line.rstrip())))
    pattern = re.sub(r"\d+\\\.\d+(?=\D|$)", r"\\d+\\.\\d+", pattern)
    return re.sub(r"\d+(?=\\ ms\b)", r"\\d+", pattern) + "\n"


def read_json(shown: str) -> object:
    """JSON in which `...` at the end of a list or an object stands for more of it."""
    text = re.sub(r",\s*\.\.\.\s*\}", f', "{ELISION}": 0}}', shown)
    return json.loads(re.sub(r"(?<=[\[,\s])\.\.\.\s*\]", f'"{ELISION}"]', text))


def assert_alike(shown: object, now: object, names: dict[str, str]) -> None:
    if isinstance(shown, dict):
        assert isinstance(now, dict)
        more = shown.pop(ELISION, None) is not None
        assert shown.keys() <= now.keys() if more else shown.keys() == now.keys()
        for key, value in shown.items():
            assert_alike(value, now[key], names)
    elif isinstance(shown, list):
        assert isinstance(now, list)
        if shown[-1:] == [ELISION]:
            shown, now = shown[:-1], now[: len(shown) - 1]
        assert len(shown) == len(now)
        for one, other in zip(shown, now, strict=True):
            assert_alike(one, other, names)
    elif isinstance(shown, str) and ID_OR_DATE.fullmatch(shown):
        assert ID_OR_DATE.fullmatch(now)
        names[shown] = now
    elif isinstance(shown, str) and shown.endswith(ELISION):
        assert now.startswith(shown.removesuffix(ELISION))
    elif isinstance(shown, float):
        assert isinstance(now, float)
    else:
        assert shown == now


def test_what_differs_from_what_is_shown_is_noticed():
    assert_shown("found 3 pages in 12 ms", "found 3 pages in 40 ms\n", {})
    assert_shown("a score of 0.5\n...\nend", "a score of 0.7\nmore\n\nend\n", {})
    for shown, printed in [
        ("found 3 pages in 12 ms", "found 4 pages in 12 ms"),
        ("first\n...\nend", "first\n"),
        ('{"pages": 3}', '{"pages": 4}'),
        ('{"pages": 3}', '{"pages": 3, "photos": 1}'),
        ('{"ids": ["ff45..."]}', '{"ids": ["ae45"]}'),
        ('{"boxes": [1, ...]}', '{"boxes": []}'),
    ]:
        with pytest.raises(AssertionError):
            assert_shown(shown, printed, {})
    names = {}
    assert_shown(f'{{"job_id": "{"1" * 32}", ...}}', f'{{"job_id": "{"2" * 32}", "a": 1}}', names)
    assert names == {"1" * 32: "2" * 32}
