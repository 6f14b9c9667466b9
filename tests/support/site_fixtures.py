"""Reading the site's pages, and made-up sessions for them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from transforms.site.inputs import LAYERS, MONTHS, Holding, SiteHistory

HOSTILE = "</script><script>alert(1)</script><!--"


@dataclass
class Parsed(HTMLParser):
    """Identifiers, links, elements and embedded data of a page."""

    text: str
    ids: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)
    handlers: list[str] = field(default_factory=list)
    policy: str = ""

    def __post_init__(self) -> None:
        super().__init__()
        self._script: dict[str, str | None] | None = None
        self._words: list[str] = []
        self.feed(self.text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if found.get("id"):
            self.ids.append(str(found["id"]))
        if tag == "a" and found.get("href"):
            self.links.append(str(found["href"]))
        self.loads += [str(found[name]) for name in ("src", "srcset", "data", "background") if found.get(name)]
        if tag in ("link", "iframe", "object", "embed", "form", "img"):
            self.loads.append(tag)
        self.handlers += [name for name in found if name.startswith("on")]
        if tag == "meta" and found.get("http-equiv") == "Content-Security-Policy":
            self.policy = str(found["content"])
        if tag == "script":
            self._script, self._words = found, []

    def handle_data(self, data: str) -> None:
        if self._script is not None:
            self._words.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag != "script" or self._script is None:
            return
        text = "".join(self._words)
        if self._script.get("type") == "application/json":
            self.data[str(self._script["id"])] = json.loads(text)
        else:
            self.scripts.append(text)
        self._script = None


def parse_page(path: Path) -> Parsed:
    """Read a page."""
    return Parsed(path.read_text(encoding="utf-8"))


def broken_links(pages: dict[Path, Parsed]) -> Iterator[str]:
    """Yield the relative links that lead to no file, or to no element of a page that was read.

    Parameters
    ----------
    pages
        By resolved path.
    """
    for path, parsed in pages.items():
        for link in sorted(set(parsed.links)):
            if link.startswith(("http://", "https://")):
                continue
            file, _, anchor = link.partition("#")
            target = (path.parent / unquote(file)).resolve() if file else path
            if not target.is_file():
                yield f"{path.name}: {link} leads to no file"
            elif anchor and target in pages and anchor not in pages[target].ids:
                yield f"{path.name}: {link} leads to no element"


def make_history(count: int = 12, first: date = date(2024, 1, 2), **columns: list[Any]) -> SiteHistory:
    """Some weekdays of a made-up market; columns may be given."""
    days = [day for day in (first + timedelta(days=n) for n in range(3 * count)) if day.weekday() < 5][:count]
    made: dict[str, list[Any]] = {"vix_close_pts": [15.0 + place for place in range(count)]}
    made |= {f"vx{month}_settle_pts": [16.0 + month + place / 10 for place in range(count)] for month in MONTHS}
    made |= {"contango_frac": [0.05] * count, "curve_regime": ["contango"] * count}
    made |= {"days_in_regime": list(range(1, count + 1)), "governor_mode": ["promoter"] * count}
    for layer in LAYERS:
        made |= {f"{layer}.state": ["idle"] * count, f"{layer}.step_count": [0] * count}
        made[f"{layer}.target_vega_usd"] = [None] * count
    made |= {"self_funding_ratio_12m": [None] * count, "pnl_12m_usd": [None] * count, "pnl_cum_usd": [0] * count}
    holdings = [Holding(day, "base", "VXM 2024-02-14", 5, -5 if day == days[-1] else 0) for day in days[1::2]]
    return SiteHistory(days, made | columns, holdings, is_simulated=False)
