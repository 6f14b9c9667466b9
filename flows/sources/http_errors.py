"""What a failed request means: the HTTP libraries' exceptions as the project's own errors."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import requests
import urllib3

from flows.sources.http_policy import printable
from transforms.errors import SourceError, TransientSourceError

_TIMEOUTS = (requests.Timeout, urllib3.exceptions.TimeoutError)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    # urllib3 and requests hand the real cause on as an argument, as `reason`, or as the context.
    for _ in range(10):  # a chain that bites its tail must not hold us
        if error is None:
            return
        yield error
        inner = [getattr(error, "reason", None), *error.args]
        error = next((item for item in inner if isinstance(item, BaseException)), None)


def network_error(error: Exception, asked: str) -> SourceError:
    """Return the error to raise for an exception of a request to an address.

    Transient, except for a certificate that cannot be trusted and a request that cannot be sent.
    """
    causes = list(_causes(error))
    found = printable(f"{type(causes[-1]).__name__}: {causes[-1]}".encode("utf-8", "replace"))
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return SourceError(
            "The server's certificate cannot be trusted.",
            where=asked,
            found=found,
            expected="a certificate for the host from a known authority",
            next_step="Check the machine's clock, and whether a proxy needs its authority in REQUESTS_CA_BUNDLE.",
        )
    if isinstance(error, requests.RequestException) and isinstance(error, ValueError):
        return SourceError(  # a malformed address, header or proxy: asking again cannot mend it
            "This request cannot be sent.",
            where=asked,
            found=found,
            expected="a well-formed address, header values and proxy settings",
            next_step="Check the source's address, the stored ETag, and the proxy variables.",
        )
    if any(isinstance(cause, urllib3.exceptions.IncompleteRead) for cause in causes):
        what = "The body was truncated."
    elif any(isinstance(cause, _TIMEOUTS) for cause in causes) and not any(
        isinstance(cause, urllib3.exceptions.NewConnectionError) for cause in causes
    ):  # a refused connection is a kind of connect timeout to urllib3, not to a reader
        what = "The server did not answer in time."
    else:
        what = "The connection failed."
    return TransientSourceError(
        what,
        where=asked,
        found=found,
        expected="a complete answer",
        next_step="Check the network, then run again; what has already arrived is kept.",
    )


def redirected_with_key(asked: str, location: str | None) -> SourceError:
    """Return the error for a redirect of a request with a key: nobody else is to be handed it."""
    return SourceError(
        "The publisher redirects a request that carries a key, which is not sent on.",
        where=asked,
        found=printable((location or "no Location header").encode("utf-8", "replace")),
        expected="the file itself",
        next_step="If the address has moved, correct the source's address.",
    )


def key_refused(asked: str, status: int, seen: bytes) -> SourceError:
    """Return the error for a publisher that does not take the key."""
    return SourceError(
        "FRED does not accept the request or its API key.",
        where=asked,
        found=f"status {status} {printable(seen)}".strip(),
        expected="status 200",
        next_step="Check ALVH_FRED_API_KEY, or leave it unset: vintages are then not asked for.",
    )
