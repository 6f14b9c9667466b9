from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from transforms.registry import parameters
from transforms.valuation.rules import ValuationRules, read_valuation_rules

DOC = Path(__file__).parents[2] / "docs" / "valuation.md"


def test_defaults_are_those_of_the_parameters() -> None:
    values = {name: float(entry.value) for name, entry in parameters().items()}
    assert read_valuation_rules(values) == ValuationRules()


def test_every_valuation_parameter_is_read() -> None:
    stated = {name for name in parameters() if name.startswith("valuation_")}
    assert stated == {f"valuation_{field.name}" for field in fields(ValuationRules)}


def test_the_doc_states_every_parameter_with_its_value_and_provenance() -> None:
    rows = re.findall(r"^\| (`.*) \| (.*) \| (\w+) \|$", DOC.read_text(encoding="utf-8"), re.MULTILINE)
    stated = {}
    for names, values, provenance in rows:
        numbers = re.findall(r"[\d.]+", values)
        for name, number in zip(re.findall(r"`(\w+)`", names), numbers, strict=True):
            stated[f"valuation_{name}"] = (float(number), provenance)
    known = {n: (float(p.value), p.provenance) for n, p in parameters().items() if n.startswith("valuation_")}
    assert stated == known


@pytest.mark.parametrize(
    "wrong",
    [
        {"horizon_days": 0},
        {"horizon_days": 1.5},
        {"vix_step_pts": float("nan")},
        {"vix_lowest_pts": 200.0},
        {"beta_least_sessions": 300},
        {"budget_lowest_frac": 0.03},
    ],
)
def test_rules_refuse_what_means_nothing(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ValuationRules(**wrong)


def test_a_missing_parameter_is_named() -> None:
    with pytest.raises(KeyError, match="valuation_horizon_days"):
        read_valuation_rules({})
