"""The two renderings of an audit's record: a self-contained page, and Markdown for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from transforms.audit_report.cells import to_narrow
from transforms.audit_report.context import build_audit_context
from transforms.audit_report.drawing import draw_episodes, draw_forest, draw_paths
from transforms.page.markdown import format_table
from transforms.page.tables import Table
from transforms.page.templating import Draw, draw_twice, html_templates, markdown_templates, squeeze_blank_lines

_PACKAGE = "transforms.audit_report"
_DRAWINGS: dict[str, Draw] = {
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
    drawn = {name: draw_twice(draw, context["charts"][name], name) for name, draw in _DRAWINGS.items()}
    return html_templates(_PACKAGE).get_template("audit.html.j2").render(context, drawn=drawn)


def render_audit_markdown(record: Mapping[str, Any]) -> str:
    """Return the audit as Markdown that also reads well unrendered; wide tables keep the columns that decide.

    Parameters
    ----------
    record
        As of `render_audit_html`.
    """
    template = markdown_templates(_PACKAGE).get_template("audit.md.j2")
    text = template.render(build_audit_context(record), format_narrow=_format_narrow)
    return squeeze_blank_lines(text)


def _format_narrow(table: Table, *, notes: bool = True) -> Markup:
    return format_table(to_narrow(table), notes=notes)
