"""The shape of the code: who may import whom, how long a module may be, what is described."""

import ast
from pathlib import Path

import pytest

from app.settings import Settings
from tests.terminal import ROOT, run_python

# From the lowest: each may import those before it.
LAYERS = ["retrieval", "ingest", "app", "ui"]
# The one module that hands a layer above it what it shows; and only when it is asked to.
LOADS_UI = Path("app/server.py")
MODULE_LINES = 500

MODULES = sorted(
    path.relative_to(ROOT) for layer in LAYERS for path in (ROOT / layer).rglob("*.py")
)


def parse(module):
    return ast.parse((ROOT / module).read_text(encoding="utf-8"))


def imported_packages(tree):
    """Yields (top-level package, whether it is imported with the module)."""
    loaded_with_module = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names = [node.module]
        else:
            continue
        for name in names:
            yield name.split(".")[0], id(node) in loaded_with_module


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_imports_go_one_way(module):
    own = LAYERS.index(module.parts[0])
    for package, with_module in imported_packages(parse(module)):
        if package in LAYERS and LAYERS.index(package) > own:
            assert module == LOADS_UI, f"{module} imports {package}"
            assert package == "ui"
            assert not with_module, f"{module} must load ui late"
        assert package not in ("tests", "sample_docs"), f"{module} imports {package}"


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_module_is_short_and_says_what_it_is(module):
    text = (ROOT / module).read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MODULE_LINES
    # A package's marker may be empty.
    assert not text or ast.get_docstring(ast.parse(text))


def test_settings_cannot_change_once_made():
    with pytest.raises(ValueError, match="frozen"):
        Settings().model = "another"


def test_the_top_level_holds_these_folders_and_no_other():
    known = {*LAYERS, "sample_docs", "tests", "docs"}
    packages = {path.parent.name for path in ROOT.glob("*/*.py") if path.parent.name[0] != "."}
    assert packages <= known


def test_rendering_processes_load_no_model():
    ended = run_python(
        "-c",
        "import sys, ingest.render_pool\n"
        "print({'torch', 'transformers', 'gradio', 'qdrant_edge'} & set(sys.modules))",
    )
    assert ended.stdout.strip() == "set()", ended.stderr
