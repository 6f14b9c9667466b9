"""Prefect's settings for this project. Import before Prefect, which reads them when it is imported.

Nothing leaves the machine unless the user asks for it, and the console shows the run's own lines; the
log in Prefect's own pages is complete.
"""

from __future__ import annotations

import os

os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
# Prefect gives its temporary server 20 seconds, which a busy machine does not: a night is worth a longer wait.
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "180")
if not os.environ.get("ALVH_VERBOSE"):
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
