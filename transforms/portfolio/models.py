"""The model condor as models of the warehouse: one frame in, one table out.

The frame has the columns of `simulate_condor`'s market, and the parameters of `PARAMETER_OF` under their own names, the
same on every row (as `ref.parameters` joined to the sessions gives them).
"""

from __future__ import annotations

import pandas as pd

from transforms.portfolio.condor import CondorPath, simulate_condor
from transforms.portfolio.settings import PARAMETER_OF, condor_settings
from transforms.registry import parameters


def compute_condor_sessions(sessions: pd.DataFrame) -> pd.DataFrame:
    """Simulate the condor and give its sessions, grain trade_date: see `simulate_condor`."""
    return _simulate(sessions).sessions


def compute_condor_cycles(sessions: pd.DataFrame) -> pd.DataFrame:
    """Simulate the condor and give its months, grain expiry_date: see `simulate_condor`."""
    return _simulate(sessions).cycles


def _simulate(sessions: pd.DataFrame) -> CondorPath:
    if len(sessions):
        first = sessions.iloc[0]
        values = {name: float(first[name]) for name in PARAMETER_OF.values()}
    else:  # no row states them; nothing is computed with them either
        values = {name: float(parameters()[name].value) for name in PARAMETER_OF.values()}
    return simulate_condor(sessions, condor_settings(values))
