"""A made-up audit record that has every part, in a second instead of the minutes of a real one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from tests.support.audit_history import NAV_USD, Floats, draw_vix, make_history
from transforms.audit.bootstrap import Resampling
from transforms.audit.history import PolicyHistory, Trial
from transforms.audit.record import build_audit_record
from transforms.audit.rules import AuditRules

SESSIONS = 1_400


def make_policy(name: str, mean_usd: float, seed: int, sessions: Mapping[str, object]) -> PolicyHistory:
    draws = np.random.default_rng(seed).normal(mean_usd, 800.0, SESSIONS)
    base: dict[str, Floats | float] = {"pnl_usd": draws, "protection_cost_usd": -draws, "roll_usd": -20.0}
    shorts: dict[str, Floats | float] = {
        "pnl_usd": draws / 4,
        "credit_kept_usd": draws / 4,
        "credit_received_usd": 60.0,
        "roll_usd": 5.0,
    }
    return make_history(
        draw_vix(7, SESSIONS),
        {"base": base, "temporal_vega": shorts},
        sessions=sessions,
        policy=name,
        first="2018-01-02",
    )


def make_record(*, is_simulated: bool = False) -> dict[str, Any]:
    rng = np.random.default_rng(3)
    condor, spx = (rng.normal(0.0003, size, SESSIONS) for size in (0.006, 0.011))
    sessions = {
        "condor_pnl_usd": NAV_USD * condor,
        "spx_pnl_usd": NAV_USD * spx,
        "vx1_held_change_pts": rng.normal(-0.02, 0.6, SESSIONS),
        "vx2_held_change_pts": rng.normal(-0.02, 0.4, SESSIONS),
        "vx1_beta_ratio": 0.6,
        "vx2_beta_ratio": 0.4,
    }
    trials = []
    for place, (name, mean, group) in enumerate(
        (
            ("own", -40.0, "policy"),
            ("own, free", -50.0, "policy"),
            ("still", -20.0, "preset"),
            ("seller", 90.0, "benchmark"),
        )
    ):
        history = make_policy(name, mean, place, sessions)
        trials.append(
            Trial(
                name=name,
                group=group,
                what=f"made up, {name}",
                label="computed" if place % 2 else "model-priced",
                history=history,
                delayed=history.returns().shift(1, fill_value=0.0) if place < 2 else None,
            )
        )
    days = trials[0].history.days
    return build_audit_record(
        trials,
        trials[0].history.sessions,
        nav_usd=NAV_USD,
        spx_returns=pd.Series(spx, days),
        condor_returns=pd.Series(condor, days),
        is_simulated=is_simulated,
        provenance={"command": "alvh audit --home made/up", "inputs_sha256": None, "seed": 1, "note_of_test": "x"},
        main="own",
        static="still",
        unfenced="own, free",
        rules=AuditRules(resampling=Resampling(reps=200)),
    )
