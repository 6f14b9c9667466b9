"""How many examples a property is tried on: half of a thorough number in every run, ten times it when asked for.

The usual run draws the same examples every time, so that a change is judged by what it changed. A run with
``ALVH_HYPOTHESIS_PROFILE=thorough`` draws new ones.
"""

from __future__ import annotations

import os

from hypothesis import settings

PROFILE = "ALVH_HYPOTHESIS_PROFILE"
FACTORS = {"usual": 0.5, "thorough": 10}


def examples(enough: int) -> settings:
    """Settings of a property for which this many examples are thorough; a usual run tries half of them.

    Raises
    ------
    ValueError
        If the environment names a profile that there is not.
    """
    profile = os.environ.get(PROFILE, "usual")
    if profile not in FACTORS:
        raise ValueError(f"{PROFILE} is {profile!r}, not one of {', '.join(FACTORS)}")
    return settings(
        max_examples=max(min(enough, 3), round(enough * FACTORS[profile])),
        derandomize=profile == "usual",
        deadline=None,
    )
