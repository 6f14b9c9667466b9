"""Addresses that messages go to, taken apart and shown without what is secret in them."""

from __future__ import annotations

import re
from datetime import date

_BETWEEN = re.compile(r"[\s,;]+(?=[A-Za-z][A-Za-z0-9+.-]*://)")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{1,15}(?=://)", re.IGNORECASE)
_STATUS = re.compile(r"\berror=(\d{3})\b")
HIDDEN = "***"


def split_addresses(text: str) -> tuple[str, ...]:
    """Return the addresses of a setting, separated by white space or commas.

    A comma inside an address (several receivers of a mail) is left alone: only one before ``scheme://`` separates.
    """
    return tuple(one for one in (part.strip(" \t\r\n,;") for part in _BETWEEN.split(text)) if one)


def redact_address(address: str) -> str:
    """Return an address fit to print: its scheme and nothing else, ``ntfy://***``.

    Services put their tokens into host, user, path or query; so no other part is ever shown. A text without a
    scheme may be a bare token and is hidden whole.
    """
    found = _SCHEME.match(address)
    return f"{found[0].lower()}://{HIDDEN}" if found else HIDDEN


def explain_refusal(lines: list[str]) -> str:
    """Say why a message was not taken, from the log lines of the library that sent it.

    The lines name hosts and topics, which may be secret. Nothing of them is repeated but the number of a status.
    """
    for line in lines:
        status = _STATUS.search(line)
        if status:
            return f"refused with status {status[1]}"
    words = " ".join(lines).lower()
    if "connection error" in words or "i/o error" in words or "socket" in words:
        return "no connection"
    return "not taken"


def link_report(base: str, session: date) -> str:
    """Return the address of a session's report page under the address where ``reports/`` is served.

    A user and password in it are left out: links are told to others and kept in records.
    """
    scheme, _, rest = base.strip().partition("://")
    host, slash, path = rest.partition("/")
    folder = f"{host.rpartition('@')[2]}{slash}{path}".rstrip("/")
    return f"{scheme}://{folder}/{session.isoformat()}/hedge-state.html"
