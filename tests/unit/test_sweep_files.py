"""What a sweep keeps on disk: exact to the bit, and nothing that runs or points outside of its arrays."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.support.grids import SMALL, read_small
from tests.unit.test_sweep_run import ARTICLE, hedge_market, listing
from transforms.errors import PipelineError
from transforms.options.call_calendars import CallCalendarTargets
from transforms.policy.loader import PRESETS
from transforms.policy.writer import write_policy
from transforms.sweep import build_sweep_market
from transforms.sweep.arrays import Market
from warehouse.expressions import load_policy, preset, signal_columns
from warehouse.home import Home
from warehouse.sweep_market_file import LAID_OUT, PathMarket, read_market_file, write_market
from warehouse.sweep_plan import PLAN, read_plan, write_plan
from warehouse.sweep_store import list_unreadable_sweeps

GRID, EXPANSION = read_small(SMALL)


@pytest.fixture(scope="module")
def market() -> PathMarket:
    hedge = hedge_market()
    swept = build_sweep_market(hedge, listing(hedge), [ARTICLE.machine()])
    signals = pd.DataFrame(
        {
            "trade_date": pd.to_datetime(pd.Series(hedge.futures.days)).astype("datetime64[us]"),
            "vx1_settle_pts": [25.0, np.nan, -0.0, 1 / 3, 5e-324],
            "rv_excursions": np.arange(5, dtype=np.int32),
        }
    )
    return PathMarket(swept, signals, 25.0)


@pytest.fixture
def kept(market: PathMarket, tmp_path: Path) -> Path:
    write_market(tmp_path / LAID_OUT, market)
    return tmp_path / LAID_OUT


def change(path: Path, name: str, make: Callable[[np.ndarray[Any, Any]], Any], allow_pickle: bool = False) -> None:
    """Write a market with one array changed, as somebody who knows the format would."""
    with np.load(path) as kept:
        arrays = dict(kept)
    arrays[name] = make(arrays[name])
    np.savez(path, allow_pickle=allow_pickle, **arrays)


def same(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> bool:
    return (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())


def test_market_comes_back_to_the_bit(kept: Path, market: PathMarket) -> None:
    found = read_market_file(kept)
    for name in Market._fields:
        assert same(getattr(found.swept.arrays, name), getattr(market.swept.arrays, name)), name
    for field in fields(market.swept.futures):
        one, other = getattr(found.swept.futures, field.name), getattr(market.swept.futures, field.name)
        assert same(one, other) if isinstance(one, np.ndarray) else list(one) == list(other), field.name
    assert len(found.swept.arrays.option_ticks) > 0
    assert found.swept.calendar_sets == dict(market.swept.calendar_sets) != {}
    assert same(found.swept.fits, market.swept.fits)
    assert (found.swept.nav_usd, found.swept.costs) == (market.swept.nav_usd, market.swept.costs)
    assert dict(found.swept.parameters) == dict(market.swept.parameters)
    pd.testing.assert_frame_equal(found.signals, market.signals, check_exact=True)
    assert np.signbit(found.signals["vx1_settle_pts"].iloc[2])


def test_market_without_options_or_calendars_comes_back(tmp_path: Path, market: PathMarket) -> None:
    hedge = hedge_market()
    bare = PathMarket(build_sweep_market(hedge, listing(hedge), []), market.signals, 25.0)
    write_market(tmp_path / LAID_OUT, bare)
    found = read_market_file(tmp_path / LAID_OUT)
    assert found.swept.calendar_sets == {}
    assert found.swept.arrays.calendar_legs.shape == bare.swept.arrays.calendar_legs.shape


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("arrays.calendar_legs", lambda array: np.where(array >= 0, 10_000, array)),
        ("arrays.ranked", lambda array: np.full_like(array, 99)),
        ("arrays.option_offset", lambda array: array + 1),
        ("arrays.option_first", lambda array: np.full_like(array, 4)),
        ("arrays.ticks", lambda array: array[:, :-1]),
        ("arrays.ticks", lambda array: array.astype(np.float64)),
        ("arrays.day", lambda array: array[:-1]),
        ("futures.settle_pts", lambda array: -array),
        ("futures.days", lambda array: array[::-1]),
        ("futures.days", lambda array: array * 10_000),
        ("signals.trade_date", lambda array: array[:-1]),
        ("fits", lambda array: array[:, :-1]),
        ("nav_usd", lambda array: np.array(np.nan)),
        ("schema_version", lambda array: np.array(1)),
    ],
)
def test_array_that_would_lead_the_walk_astray_is_refused(
    kept: Path, name: str, make: Callable[[np.ndarray[Any, Any]], Any]
) -> None:
    change(kept, name, make)
    with pytest.raises(PipelineError, match="cannot be read back"):
        read_market_file(kept)


class Bomb:
    """Leaves a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.target),)


def test_object_in_an_array_is_not_unpickled(kept: Path, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    change(kept, "nav_usd", lambda array: np.array([Bomb(mark)], dtype=object), allow_pickle=True)
    with pytest.raises(PipelineError, match="not an array of numbers"):
        read_market_file(kept)
    assert not mark.exists()


def test_header_larger_than_its_bytes_is_refused_before_room_is_made(kept: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (2**50,)})
    with zipfile.ZipFile(kept, "w") as archive:
        archive.writestr("nav_usd.npy", header.getvalue())
    with pytest.raises(PipelineError, match="bytes for a shape"):
        read_market_file(kept)


def test_compressed_or_cut_market_is_refused(kept: Path) -> None:
    whole = kept.read_bytes()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("nav_usd.npy", b"0" * 10_000)
    with pytest.raises(PipelineError, match="compressed"):
        read_market_file(kept)
    kept.write_bytes(whole[:-200])
    with pytest.raises(PipelineError, match="cannot be read back"):
        read_market_file(kept)


@pytest.mark.parametrize("name", PRESETS)
def test_policy_written_reads_back_as_itself(name: str) -> None:
    policy = preset(name)
    values = {"hedge_ratio": 1 / 3} if "hedge_ratio" in policy.values else {}
    policy = policy.with_values(values)
    assert load_policy(write_policy(policy), columns=signal_columns(), where=name) == policy


def test_plan_comes_back_as_it_was_expanded(tmp_path: Path) -> None:
    write_plan(tmp_path / PLAN, GRID, EXPANSION)
    assert read_plan(tmp_path / PLAN, EXPANSION.grid_hash) == list(EXPANSION.policies)
    assert read_plan(tmp_path / PLAN, EXPANSION.grid_hash, slice(3, 5)) == list(EXPANSION.policies[3:5])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda kept: kept.update(base=kept["base"].replace("$arm_vix_pts", "1 or 1 = 1; drop table x; --")),
        lambda kept: kept.update(base=kept["base"].replace("value = 0.5", "value = 0.25")),
        lambda kept: kept["policies"][4][1].update(arm_vix_pts=22.5),
        lambda kept: kept["policies"].pop(),
        lambda kept: kept["policies"][4].pop(),
        lambda kept: kept["policies"][4][1].update(arm_vix_pts=[22.5]),
        lambda kept: kept.update(schema_version=1),
        lambda kept: kept.update(policies={}),
    ],
)
def test_plan_that_somebody_changed_is_refused(tmp_path: Path, spoil: Callable[[dict[str, Any]], Any]) -> None:
    plan = tmp_path / PLAN
    write_plan(plan, GRID, EXPANSION)
    kept = json.loads(plan.read_text())
    before = json.dumps(kept)
    spoil(kept)
    assert json.dumps(kept) != before
    plan.write_text(json.dumps(kept))
    with pytest.raises(PipelineError, match="cannot be read back"):
        read_plan(plan, EXPANSION.grid_hash)


def test_sweep_of_an_earlier_version_is_named_and_never_loaded(tmp_path: Path) -> None:
    left = tmp_path / "sweeps" / "2020-01-02-0123456789ab"
    left.mkdir(parents=True)
    (left / "policies.pickle").write_bytes(pickle.dumps(Bomb(tmp_path / "ran")))
    assert list_unreadable_sweeps(Home(tmp_path)) == [left]
    assert list_unreadable_sweeps(Home(tmp_path / "elsewhere")) == []
    assert not (tmp_path / "ran").exists()


def test_targets_of_calendars_keep_their_order() -> None:
    """They stand in the file as a row of numbers."""
    assert [field.name for field in fields(CallCalendarTargets)] == [
        "short_call_delta",
        "short_wing_delta",
        "long_call_delta",
        "long_call_least_days",
        "long_call_highest_days",
    ]
