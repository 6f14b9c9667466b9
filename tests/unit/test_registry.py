"""The registries: every one loads, a typo is an error."""

from __future__ import annotations

from itertools import pairwise

import pytest

from transforms import registry
from transforms.errors import PipelineError
from warehouse.models import SCHEMAS, load_columns


def test_index_registry_loads_every_index_the_curve_needs() -> None:
    assert {"VIX", "VIX3M", "VVIX", "SPX", "SKEW"} <= registry.index_registry().keys()


@pytest.mark.parametrize("code", sorted(registry.index_registry()))
def test_index_entry_is_consistent(code: str) -> None:
    info = registry.index_registry()[code]
    assert info.index_code == code
    assert info.layout in ("ohlc", "close")
    assert info.requirement in ("required", "expected", "optional")
    assert 0 < info.lowest < info.highest
    assert 0 < info.largest_log_move <= 2


def test_parameters_load_with_a_known_provenance() -> None:
    found = registry.parameters()
    assert {entry.provenance for entry in found.values()} <= {"article", "canon", "literature", "ours"}
    assert all(name == entry.parameter for name, entry in found.items())


def test_parameters_of_the_curve_states_ascend() -> None:
    found = registry.parameters()
    edges = [found[f"curve_{name}_from_frac"].value for name in ("flat", "contango", "steep")]
    assert edges == sorted(set(edges))


def test_parameters_leave_room_for_the_band_between_edges() -> None:
    found = registry.parameters()
    edges = [found[f"curve_{name}_from_frac"].value for name in ("flat", "contango", "steep")]
    band = found["regime_band_frac"].value
    assert all(later - earlier > 2 * band for earlier, later in pairwise(edges))


def test_corrections_load_with_an_action_the_models_know() -> None:
    assert {entry.action for entry in registry.corrections()} <= {"reject", "flag"}


def test_corrections_concern_a_dataset_the_models_correct() -> None:
    assert {entry.dataset for entry in registry.corrections()} <= {"vx_contract", "vx_archive"}


def test_corrections_state_reason_evidence_and_rows() -> None:
    assert all(entry.reason and entry.evidence and entry.rows > 0 for entry in registry.corrections())


def test_column_registry_loads_with_known_types() -> None:
    types = {info.type for info in load_columns().values()}
    assert types <= {
        "DATE",
        "DOUBLE",
        "BIGINT",
        "INTEGER",
        "BOOLEAN",
        "VARCHAR",
        "JSON",
        "VARCHAR[]",
        "TIMESTAMP WITH TIME ZONE",
    }


def test_column_registry_units_agree_with_the_suffix() -> None:
    suffixes = {"_pts": "pts", "_frac": "frac", "_log": "log", "_pctile": "pctile", "_contracts": "contracts"}
    wrong = [
        (name, info.unit)
        for name, info in load_columns().items()
        for suffix, unit in suffixes.items()
        if name.endswith(suffix) and info.unit != unit
    ]
    assert wrong == []


def test_column_registry_lowest_is_below_highest() -> None:
    both = [i for i in load_columns().values() if i.lowest is not None and i.highest is not None]
    assert both
    assert all(info.lowest < info.highest for info in both)  # type: ignore[operator]


def test_column_entry_with_an_unknown_key_is_an_error() -> None:
    with pytest.raises(PipelineError, match="'a_pts' is not a valid ColumnInfo") as caught:
        registry.parse_columns('[a_pts]\ntype = "DOUBLE"\nunit = "pts"\nmeaning = "m"\nsource = "s"\nhihgest = 3\n')
    assert caught.value.found == "unknown keys ['hihgest']"


def test_column_entry_without_a_needed_key_is_an_error() -> None:
    with pytest.raises(PipelineError, match="not a valid ColumnInfo") as caught:
        registry.parse_columns('[a_pts]\ntype = "DOUBLE"\n')
    assert "unit" in str(caught.value.found)


def test_column_entry_takes_allowed_values_as_a_tuple() -> None:
    text = '[a]\ntype = "VARCHAR"\nunit = "text"\nmeaning = "m"\nsource = "s"\nallowed = ["x", "y"]\n'
    assert registry.parse_columns(text)["a"].allowed == ("x", "y")


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("index_registry", registry.index_registry),
        ("parameters", registry.parameters),
        ("corrections", registry.corrections),
    ],
)
def test_registry_entry_with_an_unknown_key_is_an_error(
    name: str, function: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = registry._load(name)
    spoiled = {key: {**body, "colour": "red"} for key, body in original.items()}
    monkeypatch.setattr(registry, "_load", lambda _: spoiled)
    with pytest.raises(PipelineError, match="is not a valid") as caught:
        function.__wrapped__()  # type: ignore[attr-defined]
    assert caught.value.found == "unknown keys ['colour']"


def test_schemas_are_built_in_the_order_of_the_house() -> None:
    assert SCHEMAS.index("raw") < SCHEMAS.index("stg") < SCHEMAS.index("core") < SCHEMAS.index("mart")
