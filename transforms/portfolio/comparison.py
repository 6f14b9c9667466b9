"""How far the simulated condor is from Cboe's CNDR, month by month."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

INDEX_CODE = "CNDR"
_SHARE_AT_RISK = 0.1
_LEAST_MONTHS = 12


@dataclass(frozen=True, eq=False)
class IndexComparison:
    """Simulated monthly returns beside those of the index.

    Attributes
    ----------
    months
        Grain ``expiry_date``: ``roll_date``, ``simulated_return_frac``, ``index_return_frac``, ``difference_frac``
        (simulated minus index).
    correlation, mean_difference_frac, difference_sd_frac
        Over the months; None with fewer than 12, the correlation also where one side does not move.
    """

    months: pd.DataFrame
    correlation: float | None
    mean_difference_frac: float | None
    difference_sd_frac: float | None


def compute_condor_returns(cycles: pd.DataFrame) -> pd.DataFrame:
    """Turn the simulated condors into monthly returns of an account built like the index.

    The bills cover ten times the largest loss: ``bill_return + cycle_pnl / (10 x largest loss)``. It does not depend on
    the number of contracts, so whole contracts leave no mark on it.

    Parameters
    ----------
    cycles
        As `simulate_condor` gives them.

    Returns
    -------
    ``roll_date``, ``expiry_date``, ``simulated_return_frac`` of the condors that were opened on their roll session and
    settled; one opened later spans another time than the index.
    """
    is_whole = (cycles["cycle_status"] == "settled") & (cycles["opened_date"] == cycles["roll_date"])
    found = cycles.loc[is_whole, ["roll_date", "expiry_date"]].reset_index(drop=True)
    whole = cycles[is_whole].reset_index(drop=True)
    return found.assign(
        simulated_return_frac=whole["bill_return_frac"] + _SHARE_AT_RISK * whole["return_on_largest_loss_frac"]
    )


def compare_with_index(cycles: pd.DataFrame, index_levels: pd.DataFrame) -> IndexComparison:
    """Compare the simulated condors with the index, from the close of one roll session to that of the next.

    Parameters
    ----------
    cycles
        As `simulate_condor` gives them.
    index_levels
        ``trade_date``, ``close_pts`` of CNDR (``core.daily_index_levels``), unique by date. A month without a level on
        either roll session is left out.

    Raises
    ------
    ValueError
        If a date has two levels.
    """
    levels = index_levels.astype({"trade_date": "datetime64[s]", "close_pts": "float64"}).set_index("trade_date")
    if levels.index.duplicated().any():
        raise ValueError("the index needs one level for each trade_date")
    close = levels["close_pts"].where(levels["close_pts"] > 0)
    months = compute_condor_returns(cycles)
    first, last = (
        close.reindex(months[name].astype("datetime64[s]")).to_numpy() for name in ("roll_date", "expiry_date")
    )
    months["index_return_frac"] = last / first - 1
    months = months.dropna().reset_index(drop=True)
    months["difference_frac"] = months["simulated_return_frac"] - months["index_return_frac"]
    if len(months) < _LEAST_MONTHS:
        return IndexComparison(months, None, None, None)
    simulated, index, difference = (
        months[name].to_numpy(dtype=np.float64)
        for name in ("simulated_return_frac", "index_return_frac", "difference_frac")
    )
    moves = min(simulated.std(), index.std()) > 1e-12
    return IndexComparison(
        months,
        float(np.corrcoef(simulated, index)[0, 1]) if moves else None,
        float(difference.mean()),
        float(difference.std(ddof=1)),
    )
