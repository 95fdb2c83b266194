"""README and guides say what is so: links, settings, routes, commands, messages."""

import ast
import inspect
import re
import shlex
from functools import cache

import pytest
import typer

from app.api import (
    ask,
    backup,
    comparisons,
    documents,
    jobs,
    migrations,
    overview,
    questions,
    search,
)
from app.cli import program
from app.settings import PREFIX, Settings
from retrieval import errors, service_errors
from tests.guides import (
    GUIDES,
    PAGES,
    README,
    find_anchors,
    find_commands,
    find_fences,
    find_links,
    find_rows,
    read,
    read_all,
)
from tests.terminal import ROOT

COMMANDS = typer.main.get_command(program).commands
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
# A README is read in minutes; what is longer is a guide.
README_LINES = 560
PICTURE_BYTES = 200_000


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_what_is_there(page):
    for link in find_links(page):
        if re.match(r"https?:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), link
        assert ROOT in target.parents, link
        assert not anchor or anchor in find_anchors(target), link


def test_every_guide_and_picture_is_linked_to_from_the_readme():
    linked = {link.partition("#")[0] for link in find_links(README)}
    files = {
        str(file.relative_to(ROOT))
        for file in (ROOT / "docs").iterdir()
        if file.suffix in (".md", ".png")
    }
    assert files <= linked


def test_pictures_are_small_and_say_what_they_show():
    for picture in (ROOT / "docs").glob("*.png"):
        assert picture.stat().st_size < PICTURE_BYTES
    for tag in re.findall(r"<img [^>]*>", read(README)):
        assert re.search(r'alt="[^"]{20,}"', tag), tag


def test_the_readme_is_no_longer_than_a_reader_can_use():
    assert len(read(README).splitlines()) <= README_LINES


def test_the_readme_begins_with_its_two_commands():
    first = next(find_fences(README))
    assert [command.line for command in find_commands(first)] == ["make demo", "make test"]
    targets = re.findall(r"^([a-z-]+):", read(ROOT / "Makefile"), re.MULTILINE)
    assert set(re.findall(r"(?:`|\$ )make ([a-z-]+)", read_all())) <= set(targets)


@pytest.fixture(scope="module")
def setting_rows():
    return {
        row[0].strip("`"): row
        for row in find_rows(read(README), "variable", "option", "default", "what it sets")
    }


def test_the_settings_table_has_every_setting_once_in_the_order_of_the_code(setting_rows):
    rows = find_rows(read(README), "variable", "option", "default", "what it sets")
    assert [row[0] for row in rows] == [
        f"`{PREFIX}{name.upper()}`" for name in Settings.model_fields
    ]


@pytest.mark.parametrize("name", Settings.model_fields)
def test_the_settings_table_tells_the_default(name, setting_rows):
    default = Settings.model_fields[name].default
    told = setting_rows[PREFIX + name.upper()][2]
    if default is None:
        # What that comes to may stand behind it, in words.
        assert re.fullmatch(r"none(: [a-zA-Z' ]+)?", told)
    elif isinstance(default, bool):
        assert told == f"`{str(default).lower()}`"
    else:
        assert told == (f"`{default:g}`" if isinstance(default, float) else f"`{default}`")


@pytest.mark.parametrize("name", Settings.model_fields)
def test_the_settings_table_tells_the_options_of_the_command_line(name, setting_rows):
    options = {
        option
        for command in COMMANDS.values()
        for parameter in command.params
        if parameter.name == name
        for option in parameter.opts
    }
    told = setting_rows[PREFIX + name.upper()][1]
    assert set(re.findall(r"`([^`]+)`", told)) == options


def test_no_setting_is_named_that_is_not_there():
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    # What developers tell the tests; Pagelens itself would refuse it.
    known.add("PAGELENS_TEST_QDRANT_URL")
    assert set(re.findall(rf"\b{PREFIX}[A-Z][A-Z_]+\b", read_all())) <= known


def test_the_route_table_has_every_route():
    told = set()
    for cell, _ in find_rows(read(README), "route", "what it does"):
        method = ""
        for route in re.findall(r"`([^`]+)`", cell):
            method, path = route.split(" ") if " " in route else (method, route)
            told.add(f"{method} {path}")
    assert told == {
        f"{method} {re.sub('{[a-z]+_id}', 'ID', route.path).replace('{page_number}', 'N')}"
        for module in (
            ask,
            backup,
            comparisons,
            documents,
            jobs,
            migrations,
            overview,
            questions,
            search,
        )
        for route in module.router.routes
        for method in route.methods
    }


def find_pagelens_commands():
    found = []
    for page in GUIDES:
        for fence in find_fences(page):
            for command in find_commands(fence):
                words = shlex.split(command.line)
                while words and re.match(r"[A-Z_]+=", words[0]):
                    words.pop(0)
                if words and words[0] == "pagelens":
                    found.append(pytest.param(words[1:], id=f"{fence.place} {command.line}"))
    return found


@pytest.mark.parametrize("words", find_pagelens_commands())
def test_commands_that_are_shown_are_understood(words):
    name, *arguments = words
    command = COMMANDS[name]
    if isinstance(command, typer.core.TyperGroup):
        name, *arguments = arguments
        command = command.commands[name]
    # Its options and arguments are understood; nothing is run.
    command.make_context(name, arguments)


def test_every_command_is_shown():
    shown = {parameter.values[0][0] for parameter in find_pagelens_commands()}
    assert shown == COMMANDS.keys()


def test_the_exit_codes_are_those_of_the_errors():
    told = {int(code) for code, _ in find_rows(read(README), "exit code", "meaning")}
    raised = {kind.exit_code for kind in find_errors().values()} - {1}
    assert told == {0, *raised}


@cache
def find_errors():
    """Every class of error that Pagelens names, by its name."""
    return {
        name: kind
        for module in (errors, service_errors)
        for name, kind in vars(module).items()
        if isinstance(kind, type) and issubclass(kind, errors.PagelensError)
    }


def read_message(node):
    """A pattern of what a string of the code comes to; None where it is no string."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.escape(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(read_message(part) or ".+" for part in node.values)
    return None


@cache
def find_messages():
    """(name of the error, pattern of its message) of every message that the code raises."""
    found = []
    for layer in ("retrieval", "ingest", "app", "ui"):
        for module in (ROOT / layer).rglob("*.py"):
            for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                    continue
                if node.func.id in find_errors() and node.args:
                    found.append((node.func.id, read_message(node.args[0])))
    for name, kind in find_errors().items():
        parameter = inspect.signature(kind.__init__).parameters.get("message")
        if parameter is not None and parameter.default is not parameter.empty:
            found.append((name, re.escape(parameter.default)))
    # What is made of others' words alone can be anything.
    return [(name, pattern) for name, pattern in found if re.search("[a-z]{3}", pattern or "")]


def is_raised(name, told):
    """Whether the code raises an error with this message, `...` standing for what changes."""
    return any(name == raised and is_message(told, pattern) for raised, pattern in find_messages())


def is_message(told, pattern):
    as_told = ".+".join(map(re.escape, told.split("...")))
    example = re.sub(r"\\(.)", r"\1", pattern.replace(".+", "it"))
    return bool(
        re.fullmatch(pattern, told.replace("...", "it"), re.DOTALL)
        or re.fullmatch(as_told, example, re.DOTALL)
    )


TROUBLES = [
    row
    for guide in (README, ROOT / "docs" / "hosted.md")
    for row in find_rows(read(guide), "message", "error", "cause", "what to do")
]


@pytest.mark.parametrize("row", TROUBLES, ids=lambda row: f"{row[1]}: {row[0]}")
def test_a_message_of_the_troubleshooting_table_is_raised_and_its_remedy_agrees(row):
    message, name = (cell.strip("`") for cell in row[:2])
    assert name in find_errors()
    assert is_raised(name, message)
    cause, remedy = row[2:]
    assert cause and remedy
    # What the error itself tells to set or to run is told here, too.
    told_by_error = find_errors()[name].remedy
    for word in [
        *re.findall(rf"{PREFIX}\w+", told_by_error),
        *OPTION.findall(told_by_error),
        *re.findall(r"`([^`]+)`", told_by_error),
        *re.findall(r"WATCHFILES_\w+=1|fs\.[\w.]+", told_by_error),
    ]:
        assert word in remedy or word == "pagelens models", f"the remedy of {name} says {word}"


def test_the_troubleshooting_table_names_no_option_that_is_not_there():
    known = {option for c in COMMANDS.values() for p in c.params for option in p.opts}
    assert set(OPTION.findall(" ".join(cell for row in TROUBLES for cell in row))) <= known


def test_a_message_that_nothing_raises_is_noticed():
    assert is_raised("LibraryBusy", "the library ... is in use by ...")
    assert not is_raised("LibraryBusy", "the library ... is haunted by ...")
    assert not is_raised("LibraryMismatch", "the library ... is in use by ...")
