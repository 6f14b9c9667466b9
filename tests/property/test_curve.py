"""The curve's SQL on random curves: the regime's state machine, and interpolation between neighbours."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.bench import ModelBench
from tests.support.examples import examples
from tests.support.regime import contangos, expected_regimes, run_regimes

QUICK = examples(25)
DAY = date(2025, 1, 6)

# close to the edges and their bands, where the decisions are
STEPS = st.one_of(
    st.none(),
    st.sampled_from(
        [-0.006, -0.005, -0.004, 0.0, 0.005, 0.006, 0.02, 0.025, 0.03, 0.035, 0.036, 0.075, 0.08, 0.085, 0.09]
    ),
    st.floats(-0.3, 0.3, allow_nan=False),
)


@pytest.fixture(scope="module")
def shared() -> Iterator[ModelBench]:
    bench = ModelBench()
    yield bench
    bench.close()


@QUICK
@given(path=st.lists(STEPS, min_size=1, max_size=40))
def test_regime_equals_the_state_machine(shared: ModelBench, path: list[float | None]) -> None:
    shared.set_parameter("regime_confirm_days", 2)
    found = run_regimes(shared, path)
    assert found == expected_regimes(contangos(shared))


@examples(10)
@given(path=st.lists(STEPS, min_size=1, max_size=40), confirm=st.sampled_from([1, 3, 5]))
def test_regime_equals_the_state_machine_with_other_confirmations(
    shared: ModelBench, path: list[float | None], confirm: int
) -> None:
    shared.set_parameter("regime_confirm_days", confirm)
    found = run_regimes(shared, path)
    assert found == expected_regimes(contangos(shared), confirm=confirm)


@QUICK
@given(
    days=st.lists(st.integers(1, 250), min_size=1, max_size=9, unique=True).map(sorted),
    settles=st.lists(st.floats(5, 150), min_size=9, max_size=9),
)
def test_constant_maturity_lies_between_its_neighbours(
    shared: ModelBench, days: list[int], settles: list[float]
) -> None:
    points = dict(zip(days, settles, strict=False))
    shared.curve({DAY: {DAY + timedelta(days=number): value for number, value in points.items()}})
    ((_, *found),) = shared.run("mart.daily_term_structure", "trade_date, cm30_pts, cm60_pts, cm90_pts")
    for target, value in zip((30, 60, 90), found, strict=True):
        nearer = [number for number in days if number <= target]
        later = [number for number in days if number >= target]
        if not nearer or not later:
            assert value is None
        else:
            low, high = sorted((points[nearer[-1]], points[later[0]]))
            assert low - 1e-9 <= value <= high + 1e-9
