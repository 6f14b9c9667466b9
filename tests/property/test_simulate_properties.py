"""Whatever the seed and the days, a simulated market is one that the checks of a night accept."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.support.examples import examples
from transforms.registry import index_registry
from transforms.simulate import plant_defects, render_archive, simulate_market
from transforms.simulate.model import States, convexity, forward_volatility, simulate_states

days = st.dates(date(2005, 1, 3), date(2025, 6, 30))
seeds = st.integers(0, 2**40)


@examples(8)
@given(first=days, length=st.integers(60, 500), seed=seeds, shock=st.none() | st.integers(0, 40))
def test_a_market_stays_inside_its_bounds(first: date, length: int, seed: int, shock: int | None) -> None:
    last = max(first + timedelta(days=length), date(2013, 1, 2))
    crisis = None if shock is None else first + timedelta(days=shock)
    market = simulate_market(first, last, seed, crisis)
    for code, frame in market.indices.items():
        info = index_registry()[code]
        assert frame["close_pts"].between(info.lowest, info.highest).all(), code
        assert np.abs(np.diff(np.log(frame["close_pts"])), dtype=float).max(initial=0) < info.largest_log_move, code
    live = market.futures[market.futures["is_monthly"] & (market.futures["expiry_date"] > market.futures["trade_date"])]
    middle = live.groupby("trade_date")["settle_pts"].median()
    vix = market.indices["VIX"].set_index("trade_date")["close_pts"]
    ratio = (middle / vix).dropna()
    assert ratio.between(0.38, 2.2).all()
    assert (live["settle_pts"] / live["trade_date"].map(middle)).between(0.42, 2.4).all()


@examples(25)
@given(seed=seeds, steps=st.integers(2, 300), more=st.integers(1, 100), at=st.none() | st.integers(0, 200))
def test_a_longer_path_begins_with_the_shorter_one(seed: int, steps: int, more: int, at: int | None) -> None:
    short, long = simulate_states(steps, seed, at), simulate_states(steps + more, seed, at)
    for name in States.__dataclass_fields__:
        assert (getattr(long, name)[:steps] == getattr(short, name)).all()


@examples(25)
@given(seed=seeds)
def test_forward_variance_adds_up(seed: int) -> None:
    """Variance over 60 days is the mean of its two halves; an expectation lies below the root of variance."""
    states = simulate_states(30, seed)
    zero = np.array(0.0)
    whole = forward_volatility(states, zero, 60.0) ** 2
    halves = (forward_volatility(states, zero, 30.0) ** 2 + forward_volatility(states, np.array(30.0), 30.0) ** 2) / 2
    assert np.allclose(whole, halves, rtol=1e-3)
    assert (convexity(states, np.full(30, 45.0)) < 0).all()
    assert (convexity(states, np.zeros(30)) == 0).all()


@examples(3)
@given(seed=st.integers(0, 2**31))
def test_planting_is_repeatable_and_touches_only_what_it_names(seed: int) -> None:
    rendered = dict(render_archive(simulate_market(date(2024, 6, 3), date(2025, 6, 30), seed % 50)))
    spoilt, manifest = plant_defects(rendered.items(), seed)
    again, same_manifest = plant_defects(rendered.items(), seed)
    assert spoilt == again
    assert manifest == same_manifest
    named = {entry["file"] for entry in manifest["defects"]}
    assert {path for path in rendered if rendered[path] != spoilt[path]} <= named
