"""The data dictionary is generated, and the committed file is what the code generates."""

from __future__ import annotations

from pathlib import Path

import pytest

from warehouse.dictionary import render_dictionary
from warehouse.macros import load_macros
from warehouse.models import BUILD_ONLY_SCHEMA, VIEW_SCHEMA, load_columns, load_models

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def dictionary() -> str:
    return render_dictionary()


def test_dictionary_in_docs_is_up_to_date(dictionary: str) -> None:
    committed = (ROOT / "docs" / "data_dictionary.md").read_text(encoding="utf-8")
    assert committed == dictionary, "run `make docs`"


def test_dictionary_has_every_published_model(dictionary: str) -> None:
    published = {name for name, model in load_models().items() if model.schema not in (BUILD_ONLY_SCHEMA, VIEW_SCHEMA)}
    assert published == {name for name in published if f"\n### {name}\n" in dictionary}


def test_dictionary_has_every_view_and_macro(dictionary: str) -> None:
    views = [model for model in load_models().values() if model.schema == VIEW_SCHEMA]
    for view in views:
        (table,) = view.reads
        assert (
            f"| [{view.path.stem}](../sql/main/{view.path.name}) | [{table}](#{table.replace('.', '')}) |" in dictionary
        )
    for macro in load_macros().values():
        assert f"\n### {macro.signature}\n" in dictionary
        assert f"- example: `{macro.header['example']}`" in dictionary


def test_dictionary_explains_every_column_of_core_and_mart(dictionary: str) -> None:
    published = dictionary[dictionary.index("## mart") : dictionary.index("## ops")]
    assert "see sql/" not in published


def test_dictionary_shows_meaning_unit_and_formula_of_a_column(dictionary: str) -> None:
    info = load_columns()["contango_frac"]
    line = next(line for line in dictionary.splitlines() if line.startswith("| `contango_frac` |"))
    assert info.unit in line
    assert info.meaning in line
    assert f"`{info.formula}`" in line
