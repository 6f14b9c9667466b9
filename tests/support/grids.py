"""Grids and sweeps of the tests: small, on the made-up market with a crisis."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.support.crisis import crisis_warehouse
from tests.support.shared import SharedFolders
from transforms.sweep.grid import Expansion, Grid, expand_grid, read_grid
from warehouse.expressions import preset
from warehouse.home import Home

SMALL = """\
schema_version = 1
name = "small"
base = "article"
readings = ["equal_vega", "short_front"]
constraints = ["leave_vix_pts <= arm_vix_pts - 3"]

[parameters]
arm_vix_pts = [22, 25, 28]
leave_vix_pts = { from = 19, to = 23, step = 2 }
base_notional_frac = [0.01, 0.015]
"""


def read_small(text: str = SMALL) -> tuple[Grid, Expansion]:
    grid = read_grid(text, where="grid.toml", load_base=preset)
    return grid, expand_grid(grid)


def crisis_home(shared: SharedFolders, folder: Path) -> Home:
    """A home of its own with the crisis published."""
    folder.mkdir(parents=True)
    shutil.copyfile(crisis_warehouse(shared), Home(folder).published)
    return Home(folder)
