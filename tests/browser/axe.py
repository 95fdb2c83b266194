"""The accessibility checks of axe-core, run in a page of the browser."""

from __future__ import annotations

from pathlib import Path

from tests.terminal import ROOT

# Where `make test-programs` puts it.
AXE = ROOT / ".venv" / "npm" / "node_modules" / "axe-core" / "axe.min.js"
MISSING = "no axe-core here: `make test-programs` installs it where npm can"

BAD = ("serious", "critical")

# Faults inside Gradio's own markup that this page cannot mend, as (rule, selector, reason). None is
# known: an entry is as narrow as it can be, and says why.
GRADIO_FAULTS: tuple[tuple[str, str, str], ...] = ()

# Colours that change by and by have changed.
SETTLED = """() => Promise.all(
    document.getAnimations()
        .filter((animation) => animation instanceof CSSTransition)
        .map(({ finished }) => finished.catch(() => {})))"""


def find_faults(page) -> list[str]:
    """What axe-core calls serious or critical on the page as it stands, a line each."""
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(Path(AXE).read_text(encoding="utf-8"))
    page.evaluate(SETTLED)
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    assert found["passes"], "nothing was checked"
    return [
        f"{fault['id']} ({fault['impact']}): {node['target']}: {node['failureSummary']}"
        for fault in found["violations"]
        if fault["impact"] in BAD
        for node in fault["nodes"]
        if not any(
            fault["id"] == rule and node["target"] == [selector]
            for rule, selector, _ in GRADIO_FAULTS
        )
    ]
