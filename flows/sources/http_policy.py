"""Decisions about HTTP addresses and answers: pure functions, no network and no clock."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from flows.sources.base import Request
from transforms.errors import SourceError, UsageError

ALLOWED_HOSTS = frozenset(
    {
        "www-api.cboe.com",
        "cdn.cboe.com",
        "www.cboe.com",
        "fred.stlouisfed.org",
        "api.stlouisfed.org",
        "www.federalreserve.gov",
        "accounts.profunds.com",
        "raw.githubusercontent.com",
        "unicorn.us.com",
    }
)
PLAIN_HTTP_HOSTS = frozenset({"unicorn.us.com"})
"""Hosts asked over plain http, because they serve nothing else. Anyone on the way can change what
they send: their data are unauthenticated, and nothing that a night needs may come from them."""

CONTROL_URLS: Mapping[str, str] = {
    "cdn.cboe.com": "https://cdn.cboe.com/api/global/us_indices/daily_prices/VIX_History.csv",
    "www-api.cboe.com": ("https://www-api.cboe.com/us/futures/market_statistics/historical_data/product/list/VX/"),
    "fred.stlouisfed.org": "https://fred.stlouisfed.org/graph/fredgraph.csv?id=DTB3",
}
"""One address a host that is not blocking us certainly answers. A host without one (those of context
give us one to three files, none surer than the others) cannot tell absent from blocked: 403 is a block."""

KEPT_HEADERS = ("etag", "last-modified", "content-type", "content-length", "content-encoding", "date")
REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})
MAX_REDIRECTS = 3

_ACCEPTED_TYPES: Mapping[str, frozenset[str]] = {
    "csv": frozenset(
        {
            "text/csv",
            "text/plain",
            "application/octet-stream",
            "application/csv",
            "application/vnd.ms-excel",
        }
    ),
    "json": frozenset({"application/json", "text/plain", "application/octet-stream"}),
    "htm": frozenset({"text/html", "application/xhtml+xml"}),
}
_UNSAFE_CHARACTERS = re.compile(r"[\x00-\x20\x7f\\#]")

Verdict = Literal["ok", "not_modified", "absent", "forbidden", "transient", "redirect", "terminal"]


def classify_status(status: int) -> Verdict:
    """Say what a status means for a plain GET of one whole file.

    ``forbidden`` is undecided on purpose: 403 is "no such object" or "blocked", see
    :data:`CONTROL_URLS`. 408 is a timeout that the server noticed before we did.
    """
    if status == 200:
        return "ok"
    if status == 304:
        return "not_modified"
    if status in (404, 410):
        return "absent"
    if status == 403:
        return "forbidden"
    if status in (408, 429) or status >= 500:
        return "transient"
    if status in REDIRECT_STATUSES:
        return "redirect"
    return "terminal"


def _has_safe_path(parts: SplitResult) -> bool:
    # "%2e%2e" climbs as well as "..": look at the segments as a server or a file system would.
    segments = unquote(parts.path).split("/")
    return "\\" not in unquote(parts.path) and not any(part in (".", "..") for part in segments)


def check_address(url: str) -> SplitResult:
    """Return the parts of a publisher's address, or refuse one that may not be asked.

    Raises
    ------
    SourceError
        A host outside :data:`ALLOWED_HOSTS`, a scheme other than the host's (https, or http for
        :data:`PLAIN_HTTP_HOSTS`), a port or user name, or a path that climbs.
    """
    try:
        parts = urlsplit(url)
        plain = parts.port is None and parts.username is None and parts.password is None
    except ValueError:
        parts, plain = SplitResult("", "", "", "", ""), False
    scheme = "http" if parts.hostname in PLAIN_HTTP_HOSTS else "https"
    if (
        not plain
        or parts.scheme != scheme
        or parts.hostname not in ALLOWED_HOSTS
        or _UNSAFE_CHARACTERS.search(url)
        or not _has_safe_path(parts)
    ):
        raise SourceError(
            "This address may not be asked.",
            where=url,
            found=f"scheme {parts.scheme or 'none'}, host {parts.hostname or 'none'}",
            expected=f"a plain {scheme} address on one of " + ", ".join(sorted(ALLOWED_HOSTS)),
            next_step="Correct the source's address; a stand-in server is set with ALVH_HTTP_MIRROR_URL.",
        )
    return parts


def is_loopback(host: str | None) -> bool:
    """Say whether a host name or address is this machine."""
    if host is None:
        return False
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_mirror(mirror_url: str) -> str:
    """Return the mirror's base without a final slash, or refuse it.

    Raises
    ------
    UsageError
        Plain http beyond loopback, or an address that carries a user name, query or fragment.
    """
    parts = urlsplit(mirror_url)
    is_encrypted = parts.scheme == "https"
    is_local = parts.scheme == "http" and is_loopback(parts.hostname)
    if not (is_encrypted or is_local) or parts.username or parts.password or parts.query or parts.fragment:
        shown = f"{parts.scheme}://{parts.hostname}"  # never echo a password
        raise UsageError(
            "The mirror's address cannot be used.",
            where="ALVH_HTTP_MIRROR_URL",
            found=shown,
            expected="https://HOST/PATH, or http:// on this machine, without user name or query",
            next_step="Serve the mirror over https, or read the files from a folder with --source archive.",
        )
    return mirror_url.rstrip("/")


def asked_address(url: str, mirror: str | None) -> str:
    """Return the address to ask for a publisher's address: itself, or its place on the mirror."""
    parts = check_address(url)
    if mirror is None:
        return url
    query = f"?{parts.query}" if parts.query else ""
    return f"{mirror}/{parts.hostname}{parts.path or '/'}{query}"


def redirect_target(asked: str, location: str | None) -> str:
    """Return where a redirect leads if that is on the same scheme, host and port.

    Raises
    ------
    SourceError
        The redirect leads elsewhere, or nowhere.
    """
    here = urlsplit(asked)
    try:
        target = urljoin(asked, location or "")
        there = urlsplit(target)
    except ValueError:
        target, there = "", urlsplit("")
    is_same = (here.scheme, here.netloc) == (there.scheme, there.netloc.lower())
    if not location or not is_same or _UNSAFE_CHARACTERS.search(target) or not _has_safe_path(there):
        raise SourceError(
            "The publisher redirects to another place.",
            where=asked,
            found=printable(location.encode("utf-8", "replace")) if location else "no Location header",
            expected=f"a file on {here.scheme}://{here.netloc}",
            next_step="Open the address in a browser; if the file has moved, correct the source's address.",
        )
    return target


def retry_after_seconds(value: str | None, now: datetime) -> float | None:
    """Return the wait a Retry-After header asks for: seconds or an HTTP date; None if unreadable."""
    if value is None:
        return None
    text = value.strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # a day or a year of a dozen digits
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


def expected_kind(request: Request) -> str | None:
    """Return ``csv``, ``json`` or ``htm`` from the file's name, data set or address; None where none says so."""
    for text in (request.name, request.dataset, urlsplit(request.url).path):
        for kind in _ACCEPTED_TYPES:
            if text.lower().endswith(f".{kind}"):
                return kind
    return None


def is_expected_type(kind: str | None, content_type: str | None) -> bool:
    """Say whether a Content-Type can carry a file of this kind.

    Publishers label CSV in many ways, so the lists are generous; what they must catch is an
    error page that arrives with status 200. A page is right only where a page was asked for; whether
    it is the right page is for :func:`transforms.formats.inspect_file` to say.
    """
    if not content_type or not content_type.strip():
        return True
    media = content_type.split(";")[0].strip().lower()
    if kind != "htm" and media.endswith(("/html", "/xml", "+xml")):
        return False
    return kind is None or media in _ACCEPTED_TYPES[kind]


def looks_like_missing_object(body: bytes) -> bool:
    """Say whether the start of a 403's body is the object store's own "access denied"."""
    return b"<Code>AccessDenied</Code>" in body


def printable(body: bytes, limit: int = 120) -> str:
    """Return the first printable characters of a body, for an error message."""
    text = body[: limit * 4].decode("utf-8", "replace")
    seen = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(seen.split())[:limit]
