"""The audit of the claims: episodes, intervals, hypotheses, trials, performance and slices.

Pure functions of one policy's history, `PolicyHistory`. The protocol, every formula and its source: docs/audit.md.
"""

from __future__ import annotations

from transforms.audit.bootstrap import (
    DEFAULT_RESAMPLING,
    Estimate,
    Resampling,
    bootstrap_mean,
    bootstrap_ratio,
    bootstrap_sessions,
    bootstrap_signed_ratio,
)
from transforms.audit.crises import Crisis, list_crises
from transforms.audit.episodes import EPISODE_COLUMNS, build_episodes
from transforms.audit.history import PolicyHistory
from transforms.audit.hypotheses import assess_hypotheses, list_calm_years
from transforms.audit.performance import Performance, compute_performance
from transforms.audit.rules import DEFAULT_RULES, AuditRules
from transforms.audit.slices import SLICE_COLUMNS, build_slices
from transforms.audit.trials import TRIAL_COLUMNS, FamilyTest, Trials, build_trials
from transforms.audit.verdicts import Hypothesis, Measure, Verdict, compute_smallest_effect

__all__ = [
    "DEFAULT_RESAMPLING",
    "DEFAULT_RULES",
    "EPISODE_COLUMNS",
    "SLICE_COLUMNS",
    "TRIAL_COLUMNS",
    "AuditRules",
    "Crisis",
    "Estimate",
    "FamilyTest",
    "Hypothesis",
    "Measure",
    "Performance",
    "PolicyHistory",
    "Resampling",
    "Trials",
    "Verdict",
    "assess_hypotheses",
    "bootstrap_mean",
    "bootstrap_ratio",
    "bootstrap_sessions",
    "bootstrap_signed_ratio",
    "build_episodes",
    "build_slices",
    "build_trials",
    "compute_performance",
    "compute_smallest_effect",
    "list_calm_years",
    "list_crises",
]
