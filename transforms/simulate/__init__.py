"""A simulated market in the sources' own formats: the embedded default, and the tests' and audits' what-if.

Pure functions: no clock, no network, no disk. The same arguments give the same bytes, and a later
last session appends to what an earlier one gave. No number in it is market data.
"""

from transforms.simulate.archive import MARKER_FILE, marker, render_archive
from transforms.simulate.defects import Planted, plant_defects
from transforms.simulate.market import DEFAULT_SEED, Market, simulate_market

__all__ = [
    "DEFAULT_SEED",
    "MARKER_FILE",
    "Market",
    "Planted",
    "marker",
    "plant_defects",
    "render_archive",
    "simulate_market",
]
