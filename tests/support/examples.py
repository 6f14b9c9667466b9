"""How many examples a property is tried on: the usual number in every run, ten times as many when asked for.

The usual run draws the same examples every time, so that a change is judged by what it changed. A run with
``ALVH_HYPOTHESIS_PROFILE=thorough`` draws new ones.
"""

from __future__ import annotations

import os

from hypothesis import settings

PROFILE = "ALVH_HYPOTHESIS_PROFILE"
FACTORS = {"usual": 1, "thorough": 10}


def examples(usual: int) -> settings:
    """Settings of a property that is tried on this many examples in a usual run.

    Raises
    ------
    ValueError
        If the environment names a profile that there is not.
    """
    profile = os.environ.get(PROFILE, "usual")
    if profile not in FACTORS:
        raise ValueError(f"{PROFILE} is {profile!r}, not one of {', '.join(FACTORS)}")
    return settings(max_examples=usual * FACTORS[profile], derandomize=profile == "usual", deadline=None)
