"""The compiled walk on random markets and random policies: every amount of every session and layer is the plain one.

Prices, VIX closes, rates, sensitivities and option quotes are missing here and there; states do what the state machine
never would. That everything that can differ happens is asserted.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.examples import examples
from tests.support.sweep import draw_case, draw_policy, stack_daily, walk_plainly
from transforms.sweep import AMOUNT_NAMES
from transforms.sweep.deciding import round_nine
from transforms.sweep.run import walk_policies

pytestmark = pytest.mark.usefixtures("compiled_walk")

THOROUGH = examples(40)
QUICK = examples(15)
SEEDS = st.integers(0, 2**32 - 1)
FIRST_DATES = st.sampled_from([date(2020, 6, 1), date(2008, 1, 2), date(2023, 1, 3)])


@THOROUGH
@given(seed=SEEDS, first=FIRST_DATES)
def test_compiled_walk_equals_the_plain_one_to_the_cent(seed: int, first: date) -> None:
    case = draw_case(seed, first=first)
    result = walk_policies(case.lay_out(), [case.policy], case.nav_usd, keep=AMOUNT_NAMES)
    np.testing.assert_array_equal(stack_daily(result.daily_cents), walk_plainly(case))


def test_random_markets_reach_what_can_differ() -> None:
    seen = np.zeros((3, len(AMOUNT_NAMES)), int)
    for seed in range(12):
        case = draw_case(seed)
        result = walk_policies(case.lay_out(), [case.policy], case.nav_usd, keep=AMOUNT_NAMES)
        seen += (stack_daily(result.daily_cents)[:, :3] != 0).sum(axis=0)
    in_futures = ("roll", "curve", "cost", "interest", "unsplit", "protection_cost", "margin", "unmarked")
    for name in (*in_futures, "interest_unknown"):
        assert (seen[:2, AMOUNT_NAMES.index(name)] > 0).all(), name
    for name in ("gains_rolled", "short_open", "credit_kept"):
        assert seen[1, AMOUNT_NAMES.index(name)] > 0, name
    for name in ("theta", "option_move", "cost", "credit_received", "credit_kept", "short_open", "margin", "unmarked"):
        assert seen[2, AMOUNT_NAMES.index(name)] > 0, name


@QUICK
@given(seed=SEEDS, chunk=st.integers(1, 7), threads=st.integers(1, 3))
def test_chunks_and_threads_change_nothing(seed: int, chunk: int, threads: int) -> None:
    case = draw_case(seed, sessions=50)
    policies = [case.policy, *(draw_policy(case.scene, np.random.default_rng([seed, k])) for k in range(5))]
    market = case.lay_out()
    together = walk_policies(market, policies, case.nav_usd, keep=["pnl", "margin"], chunk=chunk, threads=threads)
    assert len(together) == len(policies)
    for number, policy in enumerate(policies):
        alone = walk_policies(market, [policy], case.nav_usd, keep=["pnl", "margin"], threads=1)
        assert (
            alone.to_frame()
            .drop(columns="policy")
            .equals(together.to_frame().query("policy == @number").drop(columns="policy").reset_index(drop=True))
        )
        for name in ("pnl", "margin"):
            np.testing.assert_array_equal(alone.daily_cents[name][0], together.daily_cents[name][number])


@QUICK
@given(seed=SEEDS)
def test_sums_and_measures_are_those_of_the_daily_amounts(seed: int) -> None:
    case = draw_case(seed)
    result = walk_policies(case.lay_out(), [case.policy], case.nav_usd, keep=AMOUNT_NAMES)
    for name in AMOUNT_NAMES:
        daily = result.daily_cents[name][0]
        told = daily[-1] if name == "short_open" else daily.sum(axis=0)
        np.testing.assert_array_equal(result.totals_cents[name][0], told)
    pnl = result.daily_cents["pnl"][0] / 100
    grown = np.vstack([np.zeros(4), np.cumsum(pnl, axis=0)])
    np.testing.assert_allclose(result.pnl_sd_usd[0], pnl.std(axis=0, ddof=1), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(result.worst_day_usd[0], np.minimum(pnl.min(axis=0), 0))
    fallen = (np.maximum.accumulate(grown) - grown).max(axis=0)
    np.testing.assert_allclose(result.max_drawdown_usd[0], fallen, rtol=1e-12, atol=0.001)
    np.testing.assert_allclose(result.highest_margin_usd[0], result.daily_cents["margin"][0].max(axis=0) / 100)


@examples(400)
@given(
    number=st.one_of(
        st.floats(-1e6, 1e6),
        st.integers(-(2**40), 2**40).map(lambda whole: whole / 2**21),
        st.integers(-(10**13), 10**13).map(lambda whole: whole / 2e9),
        st.integers(-(2**30), 2**30).map(lambda whole: whole * 0.1 / 0.3),
    )
)
def test_rounding_to_nine_decimals_is_that_of_python(number: float) -> None:
    assert round_nine(number) == round(number, 9)
