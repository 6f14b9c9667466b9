"""The shape of ``audit.json``, as a JSON Schema that its readers can hold it against."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

AUDIT_SCHEMA_NAME = "audit.schema.json"


@cache
def load_audit_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of ``audit.json``: what `build_audit_record` makes."""
    schema: dict[str, Any] = json.loads(files("transforms.audit").joinpath(AUDIT_SCHEMA_NAME).read_text("utf-8"))
    return schema
