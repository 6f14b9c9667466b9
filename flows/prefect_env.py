"""Prefect's settings for this project. Import before Prefect, which reads them when it is imported.

Nothing leaves the machine unless the user asks for it, and the console shows the run's own lines; the
log in Prefect's own pages is complete.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
# Prefect gives its temporary server 20 seconds, which a busy machine does not: a night is worth a longer wait.
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "180")
if not os.environ.get("ALVH_VERBOSE"):
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")

API_URL = "PREFECT_API_URL"


def find_api_url() -> tuple[str | None, str]:
    """Return the address of the Prefect server that the user has, and what names it; (None, "") where there is none.

    Looked up where Prefect looks, in its order: environment, ``.env``, ``prefect.toml``, ``pyproject.toml``, the active
    profile. Prefect itself takes two seconds to say it.
    """
    if url := os.environ.get(API_URL):
        return url, API_URL
    if (path := Path(".env")).is_file():
        from dotenv import dotenv_values

        if url := dotenv_values(path).get(API_URL):
            return url, ".env"
    settings = {
        "prefect.toml": _parse(Path("prefect.toml")),
        "pyproject.toml": _parse(Path("pyproject.toml")).get("tool", {}).get("prefect", {}),
    }
    for name, found in settings.items():
        if url := found.get("api", {}).get("url"):
            return str(url), name
    home = Path(os.environ.get("PREFECT_HOME") or Path.home() / ".prefect")
    profiles = _parse(Path(os.environ.get("PREFECT_PROFILES_PATH") or home / "profiles.toml"))
    active = os.environ.get("PREFECT_PROFILE") or profiles.get("active")
    url = profiles.get("profiles", {}).get(active, {}).get(API_URL)
    return (str(url), f"Prefect's profile {active}") if url else (None, "")


def _parse(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # Prefect says what it cannot read
