"""The example book of the documentation, and the smallest one."""

from __future__ import annotations

import re
from pathlib import Path

DOC = (Path(__file__).resolve().parents[2] / "docs" / "book.md").read_text(encoding="utf-8")
EXAMPLE = re.findall(r"```toml\n(.*?)```", DOC, re.DOTALL)[0]
ACCOUNT = "[account]\nnav_usd = 100000\nas_of = 2026-01-07\n"

MARKET_BOOK = """
[account]
nav_usd = 2_000_000
as_of = 2025-08-29

[[condor.legs]]
expiry = 2025-09-19
right = "P"
strike = 5900
quantity = -2
price = 20.5

[[condor.legs]]
expiry = 2025-09-19
right = "P"
strike = 5700
quantity = 2

[[hedge.futures]]
contract = "VXM"
expiry = 2025-09-17
quantity = 3

[[hedge.futures]]
contract = "VX"
expiry = 2025-10-22
quantity = 1
cost = 20.25

[[hedge.options]]
expiry = 2025-10-22
right = "C"
strike = 25
quantity = 2
cost = 1.1

[returns]
wacc_frac = 0.09
"""
"""A book on the made-up market of `tests.support.market`, with a position of every kind."""
