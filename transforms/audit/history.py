"""One policy's history as the audit reads it: a row a session, a row a session and layer, and what is counted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from transforms.ledger.table import PORTFOLIO

Floats: TypeAlias = npt.NDArray[np.float64]
Bools: TypeAlias = npt.NDArray[np.bool_]
Ints: TypeAlias = npt.NDArray[np.int64]

SESSION_COLUMNS = ("trade_date", "nav_usd", "vix_close_pts", "contango_frac")
OPTIONAL_SESSION_COLUMNS = (
    *("roll_down_front_frac", "roll_down_second_frac", "condor_pnl_usd", "spx_pnl_usd"),
    *("gdp_cycle", "nber_phase", "is_pe_compressing", "is_fomc_window", "is_cpi_window", "is_ppi_window"),
)
LEDGER_NEEDS = (
    *("trade_date", "layer", "pnl_usd", "roll_usd", "interest_usd"),
    *("credit_received_usd", "credit_kept_usd", "protection_cost_usd", "margin_usd"),
)


class Window(Protocol):
    """Anything that says which dates it covers."""

    def covers(self, days: pd.DatetimeIndex) -> Bools:
        """Bool, shape (n,)."""
        ...


@dataclass(frozen=True, eq=False)
class PolicyHistory:
    """What one policy did, session by session.

    Parameters
    ----------
    policy
        Name of the policy, reading or trial.
    sessions
        One row a session, ascending: ``trade_date``; ``nav_usd`` account that the session's P&L is related to, as it
        stood at the close before; ``vix_close_pts`` and ``contango_frac`` at the session's own close, NaN unknown.
        Where there, `OPTIONAL_SESSION_COLUMNS`: what is missing is said by the measure that needs it.
    ledger
        One row a session and layer, as in ``mart.daily_hedge_ledger``, the portfolio among them; every layer on every
        session. Where there, ``notional_usd``: the absolute notional held at the close.
    is_counted
        bool, shape (n,): sessions that the audit counts; None: all. See :meth:`excluding`.

    Raises
    ------
    ValueError
        A column is missing; sessions are not ascending; an account is not positive; a layer lacks a session; an amount
        of the ledger is not finite (a position without a mark books nothing, so that none can be).
    """

    policy: str
    sessions: pd.DataFrame
    ledger: pd.DataFrame
    is_counted: Bools | None = None
    _layers: dict[str, pd.DataFrame] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check the frames and cut the ledger into layers."""
        _need(self.sessions, SESSION_COLUMNS, "sessions")
        _need(self.ledger, LEDGER_NEEDS, "ledger")
        days = self.days
        if not len(days):
            raise ValueError(f"{self.policy}: no session")
        if days.hasnans or not (days.is_monotonic_increasing and days.is_unique):
            raise ValueError(f"{self.policy}: trade_date of the sessions is not ascending, each once")
        nav = self.nav_usd
        if not (np.isfinite(nav) & (nav > 0)).all():
            raise ValueError(f"{self.policy}: nav_usd is not positive on every session")
        if self.is_counted is not None and self.is_counted.shape != (len(days),):
            raise ValueError(f"{self.policy}: is_counted has not one value a session")
        layers: dict[str, pd.DataFrame] = {}
        for name, rows in self.ledger.groupby("layer", sort=False):
            if not pd.DatetimeIndex(rows["trade_date"]).equals(days):
                raise ValueError(f"{self.policy}: layer {name} has not one row for each session, in order")
            amounts = rows[list(LEDGER_NEEDS[2:])].to_numpy(np.float64)
            if not np.isfinite(amounts).all():
                raise ValueError(f"{self.policy}: layer {name} has an amount that is not a number")
            layers[str(name)] = rows.reset_index(drop=True)
        object.__setattr__(self, "_layers", layers)

    @property
    def days(self) -> pd.DatetimeIndex:
        """Sessions."""
        return pd.DatetimeIndex(self.sessions["trade_date"])

    @property
    def nav_usd(self) -> Floats:
        """float64, shape (n,): account at the close before, dollars."""
        return self.sessions["nav_usd"].to_numpy(np.float64)

    @property
    def counted(self) -> Bools:
        """bool, shape (n,): sessions that are counted."""
        return np.ones(len(self.sessions), np.bool_) if self.is_counted is None else self.is_counted

    @property
    def layers(self) -> tuple[str, ...]:
        """Layers of the ledger, the portfolio among them."""
        return tuple(self._layers)

    def column(self, name: str) -> Floats | None:
        """float64, shape (n,): a number of the sessions; None where the column is not there."""
        if name not in self.sessions:
            return None
        return pd.to_numeric(self.sessions[name]).to_numpy(np.float64, na_value=np.nan)

    def layer(self, name: str) -> pd.DataFrame:
        """Ledger of one layer, one row a session.

        Raises
        ------
        KeyError
            The ledger has no such layer.
        """
        if name not in self._layers:
            raise KeyError(f"{self.policy}: no layer {name!r}; there are {', '.join(self._layers)}")
        return self._layers[name]

    def net_pnl_usd(self, layer: str) -> Floats:
        """float64, shape (n,): P&L of a layer after costs, without interest on collateral.

        The account would earn the interest without the hedge as well.
        """
        rows = self.layer(layer)
        return (rows["pnl_usd"] - rows["interest_usd"]).to_numpy(np.float64)

    def is_held(self, layer: str) -> Bools:
        """bool, shape (n,): sessions in which the layer was at risk.

        It held something that needs collateral at the close before, or booked an amount. Bought options need none, but
        they change in value.
        """
        margin = self.layer(layer)["margin_usd"].to_numpy(np.float64)
        held: Bools = (lag_values(margin, 0.0) > 0) | (self.net_pnl_usd(layer) != 0)
        return held

    def returns(self, layer: str = PORTFOLIO) -> pd.Series:
        """P&L after costs, without interest, as a fraction of the account; counted sessions, by ``trade_date``."""
        values = self.net_pnl_usd(layer) / self.nav_usd
        return pd.Series(values, self.days, name=self.policy)[self.counted]

    def excluding(self, windows: Iterable[Window]) -> PolicyHistory:
        """Return the same history with the sessions of some windows not counted.

        They stay in place, so that runs, spells and what was known at the close before are not joined across the gap.
        """
        counted = self.counted.copy()
        for window in windows:
            counted &= ~window.covers(self.days)
        return replace(self, is_counted=counted)


@dataclass(frozen=True, kw_only=True, eq=False)
class Trial:
    """One thing that was tried.

    Parameters
    ----------
    name
        Unique.
    group
        ``policy``, ``reading`` (of the temporal layer, at a threshold), ``preset`` or ``benchmark``.
    what
        In a sentence.
    label
        ``computed`` or ``model-priced``.
    history
        What it did; layers as booked, the portfolio among them.
    delayed
        Returns of the portfolio with every decision a session later, by ``trade_date``; None where nothing is decided
        on signals.
    """

    name: str
    group: str
    what: str
    label: str
    history: PolicyHistory
    delayed: pd.Series | None = None


def lag_values(values: Floats, first: float = np.nan) -> Floats:
    """Values as they were at the close before; the first session takes ``first``."""
    return np.concatenate([[first], values[:-1]])


def _need(frame: pd.DataFrame, columns: tuple[str, ...], what: str) -> None:
    missing = [name for name in columns if name not in frame]
    if missing:
        raise ValueError(f"the {what} have no {', '.join(missing)}")
