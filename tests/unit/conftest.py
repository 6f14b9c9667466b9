"""What the unit tests share: the charts of a page are drawn once for each set of points."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from transforms.page.templating import Draw, draw_twice


@pytest.fixture(scope="session", autouse=True)
def draw_each_chart_once() -> Iterator[None]:
    """Drawing takes most of a page's time, and most tests of a page leave its charts as they are.

    That the same points give the same bytes is tested on the drawings themselves.
    """
    import transforms.report.render as render

    drawn: dict[tuple[Any, str, str], dict[str, Any]] = {}

    def draw_once(draw: Draw, chart: Mapping[str, Any], name: str) -> dict[str, Any]:
        key = (draw, name, json.dumps(chart, default=str))
        if key not in drawn:
            drawn[key] = draw_twice(draw, chart, name)
        return drawn[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(render, "draw_twice", draw_once)
        yield
