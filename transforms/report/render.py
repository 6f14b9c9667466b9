"""The three renderings of one context: HTML page, Markdown text, JSON document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import best_match

from transforms.errors import PipelineError
from transforms.page.templating import draw_twice, html_templates, markdown_templates, squeeze_blank_lines
from transforms.report.chart_set import DRAWINGS

_PACKAGE = "transforms.report"
SCHEMA_NAME = "hedge-state.schema.json"


def render_html(context: Mapping[str, Any]) -> str:
    """Return the report as one self-contained page: no script, no network, light, dark and print.

    Each chart is drawn twice, for a wide window and for a phone; the page shows the one that fits.
    """
    charts = {
        name: draw_twice(draw, context["charts"][name], name)
        for name, draw in DRAWINGS.items()
        if name in context["charts"]
    }
    return html_templates(_PACKAGE).get_template("hedge-state.html.j2").render(context, drawn=charts)


def render_markdown(context: Mapping[str, Any]) -> str:
    """Return the report as Markdown that also reads well unrendered, in a terminal or a mail."""
    text = markdown_templates(_PACKAGE).get_template("hedge-state.md.j2").render(context)
    return squeeze_blank_lines(text)


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
    schema: dict[str, Any] = json.loads(files(_PACKAGE).joinpath(SCHEMA_NAME).read_text(encoding="utf-8"))
    return schema
