"""The example book of the documentation, and the smallest one."""

from __future__ import annotations

import re
from pathlib import Path

DOC = (Path(__file__).resolve().parents[2] / "docs" / "book.md").read_text(encoding="utf-8")
EXAMPLE = re.findall(r"```toml\n(.*?)```", DOC, re.DOTALL)[0]
ACCOUNT = "[account]\nnav_usd = 100000\nas_of = 2026-01-07\n"
