"""The data dictionary is generated, and the committed file is what the code generates."""

from __future__ import annotations

from pathlib import Path

import pytest

from warehouse.dictionary import render_dictionary
from warehouse.models import BUILD_ONLY_SCHEMA, load_columns, load_models

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def dictionary() -> str:
    return render_dictionary()


def test_dictionary_in_docs_is_up_to_date(dictionary: str) -> None:
    committed = (ROOT / "docs" / "data_dictionary.md").read_text(encoding="utf-8")
    assert committed == dictionary, "run `make docs`"


def test_dictionary_has_every_published_model(dictionary: str) -> None:
    published = {name for name, model in load_models().items() if model.schema != BUILD_ONLY_SCHEMA}
    assert published == {name for name in published if f"\n### {name}\n" in dictionary}


def test_dictionary_explains_every_column_of_core_and_mart(dictionary: str) -> None:
    published = dictionary[dictionary.index("## mart") : dictionary.index("## ops")]
    assert "see sql/" not in published


def test_dictionary_shows_meaning_unit_and_formula_of_a_column(dictionary: str) -> None:
    info = load_columns()["contango_frac"]
    line = next(line for line in dictionary.splitlines() if line.startswith("| `contango_frac` |"))
    assert info.unit in line
    assert info.meaning in line
    assert f"`{info.formula}`" in line
