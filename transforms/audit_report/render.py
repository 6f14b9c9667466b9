"""The two renderings of an audit's record: a self-contained page, and Markdown for a terminal."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from transforms.audit_report.cells import to_narrow
from transforms.audit_report.context import build_audit_context
from transforms.audit_report.drawing import draw_episodes, draw_forest, draw_paths
from transforms.report.markdown import escape_markdown, format_table
from transforms.report.tables import Table

_DRAWINGS: dict[str, Callable[..., str]] = {
    "equity": draw_paths,
    "drawdown": draw_paths,
    "funding": draw_paths,
    "episodes": draw_episodes,
    "static": draw_forest,
    "points": draw_forest,
    "comparators": draw_forest,
}


def render_audit_html(record: Mapping[str, Any]) -> str:
    """Return the audit as one page: no script, no network, light, dark and print.

    Parameters
    ----------
    record
        As `transforms.audit.record.build_audit_record` makes it; any number may be None.

    Returns
    -------
    str
        Each chart is drawn twice, for a wide window and for a phone; the page shows the one that fits.
    """
    context = build_audit_context(record)
    drawn = {
        name: {
            "title": context["charts"][name]["title"],
            "wide": Markup(draw(context["charts"][name], chart_id=f"{name}-wide")),  # noqa: S704
            "compact": Markup(  # noqa: S704  our own drawing, its texts escaped by the drawing code
                draw(context["charts"][name], chart_id=f"{name}-compact", is_compact=True)
            ),
        }
        for name, draw in _DRAWINGS.items()
    }
    return _html_templates().get_template("audit.html.j2").render(context, drawn=drawn)


def render_audit_markdown(record: Mapping[str, Any]) -> str:
    """Return the audit as Markdown that also reads well unrendered; wide tables keep the columns that decide.

    Parameters
    ----------
    record
        As of `render_audit_html`.
    """
    text = _markdown_templates().get_template("audit.md.j2").render(build_audit_context(record))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(map(_show_ampersands, text.split("\n"))))


def _show_ampersands(line: str) -> str:
    """Return a line whose ampersands stand as they are where they begin no entity; cells keep their width."""
    if "&amp;" not in line:
        return line
    parts = re.split(r"(?<!\\)(\|)", line) if line.startswith("| ") else [line]
    shown = [re.sub(r"&amp;(?![#\w]+;)", "&", part) for part in parts]
    if len(parts) > 1:
        # numbers stand to the right: what begins with two blanks is filled in front
        shown = [
            now.rjust(len(was)) if was.startswith("  ") else now.ljust(len(was))
            for now, was in zip(shown, parts, strict=True)
        ]
    return "".join(shown)


def _format_narrow(table: Table, *, notes: bool = True) -> Markup:
    return format_table(to_narrow(table), notes=notes)


def _loader() -> ChoiceLoader:
    # the style sheet is the nightly page's
    return ChoiceLoader(
        [PackageLoader(package, "templates") for package in ("transforms.audit_report", "transforms.report")]
    )


@cache
def _html_templates() -> Environment:
    environment = Environment(
        loader=_loader(), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    # a line is never broken between a minus sign and its number
    environment.filters["tie"] = lambda text: text.replace("\N{MINUS SIGN}", "\N{MINUS SIGN}\N{WORD JOINER}")
    return environment


@cache
def _markdown_templates() -> Environment:
    # Markdown is no HTML: its own escape runs on every printed value that is not marked as safe.
    environment = Environment(
        loader=_loader(),
        autoescape=False,  # noqa: S701
        finalize=escape_markdown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals["format_narrow"] = _format_narrow
    environment.filters["mark_safe"] = Markup  # for what a macro has escaped already
    return environment
