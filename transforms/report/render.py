"""The three renderings of one context: HTML page, Markdown text, JSON document."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import best_match
from markupsafe import Markup

from transforms.errors import PipelineError
from transforms.report.charts import draw_curve_chart, draw_history_chart, draw_layers_chart
from transforms.report.ledger_chart import draw_ledger_chart
from transforms.report.markdown import escape_markdown, format_table

SCHEMA_NAME = "hedge-state.schema.json"
_DRAWINGS = {
    "layers": draw_layers_chart,
    "ledger": draw_ledger_chart,
    "curve": draw_curve_chart,
    "history": draw_history_chart,
}


def render_html(context: Mapping[str, Any]) -> str:
    """Return the report as one self-contained page: no script, no network, light, dark and print.

    Each chart is drawn twice, for a wide window and for a phone; the page shows the one that fits.
    """
    charts = {
        name: {
            "title": context["charts"][name]["title"],
            "wide": Markup(draw(context["charts"][name], chart_id=f"{name}-wide")),  # noqa: S704
            "compact": Markup(  # noqa: S704  our own drawing, its texts escaped by the drawing code
                draw(context["charts"][name], chart_id=f"{name}-compact", is_compact=True)
            ),
        }
        for name, draw in _DRAWINGS.items()
        if name in context["charts"]
    }
    return _html_templates().get_template("hedge-state.html.j2").render(context, drawn=charts)


def render_markdown(context: Mapping[str, Any]) -> str:
    """Return the report as Markdown that also reads well unrendered, in a terminal or a mail."""
    text = _markdown_templates().get_template("hedge-state.md.j2").render(context)
    return re.sub(r"\n{3,}", "\n\n", text)


def render_json(context: Mapping[str, Any]) -> str:
    """Return ``hedge-state.json``, after holding it against the published schema.

    Raises
    ------
    PipelineError
        When the document is not what ``hedge-state.schema.json`` promises to its readers.
    """
    document = context["state"]
    validator = Draft202012Validator(load_schema(), format_checker=FormatChecker())
    error = best_match(validator.iter_errors(document))
    if error is not None:
        raise PipelineError(
            "The hedge state does not have the shape that its schema promises.",
            where=f"hedge-state.json, {error.json_path}",
            found=error.message[:300],
            expected=str(error.schema.get("description", "")) if isinstance(error.schema, dict) else None,
            next_step="Mend the report's context, or publish a new schema version.",
        )
    return json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


@cache
def load_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of ``hedge-state.json``."""
    schema: dict[str, Any] = json.loads(files("transforms.report").joinpath(SCHEMA_NAME).read_text(encoding="utf-8"))
    return schema


@cache
def _html_templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("transforms.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # a line is never broken between a minus sign and its number
    environment.filters["tie"] = lambda text: text.replace("\N{MINUS SIGN}", "\N{MINUS SIGN}\N{WORD JOINER}")
    return environment


@cache
def _markdown_templates() -> Environment:
    # Markdown is no HTML: its own escape runs on every printed value that is not marked as safe.
    environment = Environment(
        loader=PackageLoader("transforms.report", "templates"),
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
