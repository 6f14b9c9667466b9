"""Walk-forward and maps on results made up so that the answer is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from transforms.sweep.maps import build_map, build_spread
from transforms.sweep.objectives import Sums, compute_mean_year, compute_sharpe_year, compute_volatility
from transforms.sweep.walk_forward import FEWEST_YEARS, compute_rank_correlation, walk_forward

YEARS = list(range(2010, 2016))


def made(returns: Any, path: int = 0) -> pd.DataFrame:
    """Policies by year: each year has 252 sessions."""
    table = np.asarray(returns, float)
    return pd.DataFrame(
        {
            "policy_id": [f"p{number}" for number in range(len(table))],
            "path": path,
            "years": [YEARS] * len(table),
            "year_sessions": [[252] * len(YEARS)] * len(table),
            "year_returns": table.tolist(),
            "year_squares": (table**2 / 252 + 0.001).tolist(),
        }
    )


def test_order_that_lasts_is_seen_as_one_that_lasts() -> None:
    lasting = np.outer([0.01, 0.02, 0.03], np.ones(len(YEARS)))
    walk = walk_forward(made(lasting), "mean_year_frac")
    assert [cut["chosen_to"] for cut in walk["cuts"]] == YEARS[FEWEST_YEARS - 1 : -1]
    assert {cut["best_id"] for cut in walk["cuts"]} == {"p2"}
    assert [cut["rank_correlation"] for cut in walk["cuts"]] == pytest.approx([1.0] * 3)
    assert [cut["best_outside"] for cut in walk["cuts"]] == pytest.approx([0.03] * 3)
    assert [cut["median_outside"] for cut in walk["cuts"]] == pytest.approx([0.02] * 3)
    assert [cut["below_frac"] for cut in walk["cuts"]] == pytest.approx([2 / 3] * 3)
    assert (walk["choices"], walk["next_years_above_median"]) == (3, 3)
    assert walk["next_year_chosen_frac"] == pytest.approx(0.03)


def test_order_that_turns_round_is_seen_as_that() -> None:
    turning = [[0.01] * 3 + [0.03] * 3, [0.02] * 6, [0.03] * 3 + [0.01] * 3]
    cut = walk_forward(made(turning), "mean_year_frac")["cuts"][0]
    assert (cut["best_id"], cut["judged_from"], cut["judged_to"]) == ("p2", 2013, 2015)
    assert cut["rank_correlation"] == pytest.approx(-1.0)
    assert (cut["best_inside"], cut["best_outside"]) == pytest.approx((0.03, 0.01))
    assert cut["below_frac"] == 0.0


def test_choice_knows_nothing_of_the_years_after() -> None:
    rng = np.random.default_rng(3)
    drawn = rng.normal(0, 0.02, (40, len(YEARS)))
    walk = walk_forward(made(drawn), "mean_year_frac")
    for cut in walk["cuts"]:
        known = YEARS.index(cut["chosen_to"]) + 1
        other = drawn.copy()
        other[:, known:] = rng.normal(0, 0.02, (40, len(YEARS) - known))
        again = walk_forward(made(other), "mean_year_frac")["cuts"][known - FEWEST_YEARS]
        assert (again["best_id"], again["best_inside"]) == (cut["best_id"], cut["best_inside"])
        assert again["best_outside"] != cut["best_outside"]


def test_policies_that_the_past_cannot_tell_apart_count_as_one() -> None:
    tied = [[0.03] * 3 + [0.05] * 3, [0.03] * 3 + [-0.05] * 3, [0.03] * 3 + [0.01] * 3, [0.0] * 6]
    cut = walk_forward(made(tied), "mean_year_frac")["cuts"][0]
    assert (cut["best_id"], cut["tied"]) == ("p0", 3)
    # neither the lucky nor the unlucky one
    assert cut["best_outside"] == pytest.approx(0.01)


def test_too_short_a_history_says_so() -> None:
    rows = made(np.ones((3, len(YEARS))))
    rows["year_sessions"] = [[252] * 5 + [59]] * 3
    rows["years"] = [YEARS] * 3
    assert [cut["chosen_to"] for cut in walk_forward(rows, "mean_year_frac")["cuts"]] == [2012, 2013]
    short = rows.assign(
        **{name: [values[:3] for values in rows[name]] for name in ("years", "year_sessions", "year_returns")},
        year_squares=[values[:3] for values in rows["year_squares"]],
    )
    walk = walk_forward(short, "mean_year_frac")
    assert walk["cuts"] == []
    assert "3 calendar years" in walk["note"]
    assert walk["next_year_chosen_frac"] is None


def test_without_differences_there_is_no_order() -> None:
    walk = walk_forward(made(np.ones((4, len(YEARS)))), "mean_year_frac")
    assert {cut["rank_correlation"] for cut in walk["cuts"]} == {None}
    assert walk["rank_correlation_median"] is None
    assert walk["next_years_above_median"] == 0


def test_paths_are_not_walked_together() -> None:
    with pytest.raises(ValueError, match="more than one path"):
        walk_forward(pd.concat([made([[0.0] * 6]), made([[0.0] * 6], path=1)]), "mean_year_frac")


def test_rank_correlation_shares_tied_ranks() -> None:
    # Spearman with ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4
    assert compute_rank_correlation(np.array([1.0, 2.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0, 4.0])) == pytest.approx(
        0.9486832980505138
    )


def test_objectives_are_those_of_the_daily_returns() -> None:
    returns = np.random.default_rng(0).normal(0.0002, 0.01, 500)
    sums = Sums(np.array([500.0]), np.array([returns.sum()]), np.array([(returns**2).sum()]))
    assert compute_mean_year(sums)[0] == pytest.approx(returns.mean() * 252)
    assert compute_volatility(sums)[0] == pytest.approx(returns.std(ddof=1) * np.sqrt(252))
    assert compute_sharpe_year(sums)[0] == pytest.approx(returns.mean() / returns.std(ddof=1) * np.sqrt(252))
    few = Sums(np.array([59.0]), np.array([1.0]), np.array([1.0]))
    still = Sums(np.array([500.0]), np.array([0.0]), np.array([0.0]))
    assert np.isnan([compute_mean_year(few)[0], compute_volatility(few)[0], compute_sharpe_year(still)[0]]).all()


def grid_rows() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "is_simulated": False,
            "param_a": [1.0, 1.0, 1.0, 2.0, 2.0, 2.0],
            "param_b": ["x", "x", "y", "x", "x", "x"],
            "score": [0.1, 0.3, np.nan, -0.1, 0.0, 0.4],
        }
    )


def test_map_holds_the_middle_of_everything_else() -> None:
    found = build_map(grid_rows(), {"a": (1.0, 2.0), "b": ("x", "y")}, map_rows="a", map_columns="b", measure="score")
    (first, nothing), (second, empty) = found["cells"]
    assert (first["median"], first["lowest"], first["highest"], first["results"]) == (0.2, 0.1, 0.3, 2)
    assert (second["median"], second["results"], second["above_zero_frac"]) == (0.0, 3, pytest.approx(1 / 3))
    # one is undefined, the other was no policy
    assert nothing == empty == dict.fromkeys(first, None) | {"results": 0}


def test_map_never_pools_real_and_simulated() -> None:
    rows = grid_rows()
    rows.loc[0, "is_simulated"] = True
    with pytest.raises(ValueError, match="real and simulated"):
        build_map(rows, {"a": (1.0,), "b": ("x",)}, map_rows="a", map_columns="b", measure="score")


def test_spread_leaves_the_undefined_out() -> None:
    spread = build_spread(grid_rows(), ["score"])["score"]
    assert (spread["lowest"], spread["median"], spread["highest"], spread["results"]) == (-0.1, 0.1, 0.4, 5)
    nothing = build_spread(grid_rows().assign(score=np.nan), ["score"])["score"]
    assert (nothing["median"], nothing["results"]) == (None, 0)
