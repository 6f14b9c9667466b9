"""The example notebook runs from its first cell to its last, and is committed without outputs.

Its cells run here as a kernel runs them, in one namespace and in order. A kernel of its own would bring 25 packages
for the sake of one file.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

import matplotlib
import pytest

from tests.support.pages import DOCS, read
from warehouse.home import Home

PAGE = DOCS / "examples" / "alvh.ipynb"
NOTEBOOK: dict[str, Any] = json.loads(read(PAGE))
CODE = {cell["id"]: "".join(cell["source"]) for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"}


def run_cell(name: str, source: str, namespace: dict[str, Any]) -> Any:
    """Run a cell; its last expression is what it shows."""
    tree = ast.parse(source, name)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, name, "exec"), namespace)  # noqa: S102 - the notebook's own code
    return eval(compile(ast.Expression(last.value), name, "eval"), namespace) if last else None  # noqa: S307


@pytest.fixture(scope="module")
def shown(home: Home) -> Iterator[dict[str, Any]]:
    """What each cell shows on the market of the pages, and ``names``: what there is at the end."""
    matplotlib.use("Agg")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALVH_HOME", str(home.path))
        patch.chdir(PAGE.parent)
        names: dict[str, Any] = {}
        found = {name: run_cell(name, source, names) for name, source in CODE.items()}
        yield {**found, "names": names}
    names["plt"].close("all")


def test_notebook_is_committed_without_outputs() -> None:
    assert NOTEBOOK["nbformat"] == 4
    for cell in NOTEBOOK["cells"]:
        if cell["cell_type"] == "code":
            assert (cell["outputs"], cell["execution_count"]) == ([], None)


def test_notebook_says_that_the_market_is_simulated(shown: dict[str, Any]) -> None:
    assert bool(shown["open"]["is_simulated"].item())
    assert "SIMULATED" in shown["names"]["axes"].get_title()


def test_curve_chart_has_two_curves_with_their_vix(shown: dict[str, Any]) -> None:
    plt = shown["names"]["plt"]
    axes = plt.figure(1).axes[0]
    assert [len(line.get_xdata()) >= 7 for line in axes.lines] == [True, False, True, False]
    assert [text.get_text() for text in axes.get_legend().get_texts()][1] == "2026-01-16"


def test_regime_table_counts_the_sessions(shown: dict[str, Any]) -> None:
    table = shown["regimes"]
    assert list(table.columns) == ["backwardation", "flat", "contango", "steep"]
    assert len(table) == 5
    assert table.to_numpy().sum() > 1200


def test_ledger_by_year_adds_up(shown: dict[str, Any]) -> None:
    table = shown["ledger"]
    assert list(table.index) == [2021, 2022, 2023, 2024, 2025, 2026]
    assert (table.drop(columns="result").sum(axis=1) - table["result"]).abs().max() <= 5


def test_own_question_has_an_answer_in_each_group(shown: dict[str, Any]) -> None:
    table = shown["own"]
    assert len(table) == 4
    assert table["sessions"].sum() > 900
    assert table["mean"].between(-1, 3).all()


def test_links_of_the_notebook_lead_to_pages() -> None:
    text = "".join("".join(cell["source"]) for cell in NOTEBOOK["cells"])
    links = re.findall(r"\]\(([^)#]+)\)", text)
    assert links != []
    assert [link for link in links if not (PAGE.parent / link).exists()] == []
