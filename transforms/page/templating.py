"""The two kinds of templates: HTML pages that escape by themselves, and Markdown with an escape of its own.

Templates of a package find the shared ones beside theirs: ``macros.html.j2``, ``page.css``. A page is
self-contained: its style sheet stands in it, it has no script and asks no network.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from transforms.page.markdown import escape_markdown, format_table

Draw = Callable[..., str]
"""A drawing: takes a chart, ``chart_id`` and ``is_compact``; returns one ``<svg>`` element."""


@cache
def html_templates(package: str) -> Environment:
    """Return the HTML templates of a package, for example ``transforms.report``, with the shared ones.

    Every printed value is escaped; a name that a template uses and nobody gives is an error.
    The filter ``tie`` keeps a minus sign on the line of its number.
    """
    environment = Environment(
        loader=_loader(package), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["tie"] = tie
    return environment


@cache
def markdown_templates(package: str) -> Environment:
    """Return the Markdown templates of a package, with ``format_table`` and the filter ``mark_safe``."""
    # Markdown is no HTML: its own escape runs on every printed value that is not marked as safe.
    environment = Environment(
        loader=_loader(package),
        autoescape=False,  # noqa: S701
        finalize=escape_markdown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals["format_table"] = format_table
    environment.filters["mark_safe"] = Markup  # for what a macro has escaped already
    return environment


def tie(text: str) -> str:
    """Return a text in which no line is broken between a minus sign and its number."""
    return text.replace("\N{MINUS SIGN}", "\N{MINUS SIGN}\N{WORD JOINER}")


def squeeze_blank_lines(text: str) -> str:
    """Return Markdown with at most one blank line between two others: parts that are absent leave holes."""
    return re.sub(r"\n{3,}", "\n\n", text)


def draw_twice(draw: Draw, chart: Mapping[str, Any], name: str, **options: Any) -> dict[str, Any]:
    """Return a chart as the macro ``figure_of`` takes it: drawn for a wide window and for a phone.

    Parameters
    ----------
    draw
        The drawing.
    chart
        At least ``title``, which says the finding; ``note``, where something has to be explained below.
    name
        Name of the chart on its page, the beginning of every identifier in the drawing.
    **options
        Passed on to the drawing.
    """
    with _collecting_later():
        wide = draw(chart, chart_id=f"{name}-wide", **options)
        compact = draw(chart, chart_id=f"{name}-compact", is_compact=True, **options)
    # our own drawings: their texts are escaped where they are made
    return {
        "title": chart["title"],
        "note": chart.get("note", ""),
        "wide": Markup(wide),  # noqa: S704
        "compact": Markup(compact),  # noqa: S704
    }


@contextmanager
def _collecting_later() -> Iterator[None]:
    """Look for no garbage meanwhile: a drawing makes thousands of objects, and all of them are needed to its end."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _loader(package: str) -> ChoiceLoader:
    return ChoiceLoader([PackageLoader(name, "templates") for name in (package, "transforms.page")])
