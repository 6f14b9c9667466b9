"""Data and scripts inside a page: neither can end its element, and no other script runs."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import Any

from markupsafe import Markup

_UNSAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}


def embed_json(value: Any) -> Markup:
    """Return a value as the JSON text of a ``<script type="application/json">``.

    Characters that mean something to an HTML parser are written as escapes, which JSON reads back as the
    same text: no label of a source can close the element.

    Raises
    ------
    ValueError
        For NaN and infinity, which are no JSON. Missing is None.
    """
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for character, escape in _UNSAFE.items():
        text = text.replace(character, escape)
    return Markup(text)  # noqa: S704  nothing of HTML is left in it


@cache
def read_script(name: str) -> Markup:
    """Return one of the package's own scripts."""
    text = files("transforms.site").joinpath("templates", name).read_text(encoding="utf-8")
    return Markup(text)  # noqa: S704  our own file


def hash_script(text: str) -> str:
    """Return the source expression by which a content security policy allows one inline script.

    Parameters
    ----------
    text
        All of what stands between ``<script>`` and ``</script>``.
    """
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
