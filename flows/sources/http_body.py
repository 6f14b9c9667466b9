"""Reading one HTTP body within bounds of size and time.

The body is taken undecoded and gunzipped here: urllib3 takes a gzip stream that was cut off for a
complete one when no Content-Length came with it, and its older releases inflate without a bound.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

import requests

from flows.sources.http_policy import printable
from transforms.errors import SourceError, TransientSourceError

CHUNK_BYTES = 64 * 1024
PEEK_BYTES = 2048


class _Plain:
    is_complete = True

    def decode(self, data: bytes, _limit: int) -> bytes:
        return data


class _Gunzip:
    """Gzip of one or more members; never gives more than asked for, so a bomb ends early."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(16 + zlib.MAX_WBITS)

    @property
    def is_complete(self) -> bool:
        return self._member.eof

    def decode(self, data: bytes, limit: int) -> bytes:
        out = b""
        while data and len(out) < limit:
            if self._member.eof:
                self._member = zlib.decompressobj(16 + zlib.MAX_WBITS)
            out += self._member.decompress(data, limit - len(out))
            data = self._member.unused_data if self._member.eof else b""
        return out


def _decoder(response: requests.Response, where: str) -> _Plain | _Gunzip:
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return _Plain()
    if encoding in ("gzip", "x-gzip"):
        return _Gunzip()
    raise SourceError(
        "The answer is compressed in a way that was not asked for.",
        where=where,
        found=f"Content-Encoding: {printable(encoding.encode('utf-8', 'replace'))}",
        expected="gzip or none",
        next_step="If this persists the publisher or a proxy has changed: try again from another network.",
    )


def read_body(response: requests.Response, *, max_bytes: int, where: str, is_overdue: Callable[[], bool]) -> bytes:
    """Return the decoded body.

    Parameters
    ----------
    response
        A streamed response, not yet read.
    max_bytes
        Bound on the decoded bytes; a larger body is given up as soon as that is known.
    where
        The address, for errors.
    is_overdue
        Asked after every arrival: True once the body has taken too long, however steadily it drips.

    Raises
    ------
    SourceError
        Larger than ``max_bytes``, empty, or in an unknown encoding.
    TransientSourceError
        Cut off, damaged, or too slow.
    """
    declared = _declared_length(response)
    if declared is not None and declared > max_bytes:
        raise _too_large(where, f"Content-Length {declared}", max_bytes)
    decoder = _decoder(response, where)
    parts: list[bytes] = []
    size = arrived = 0
    # read1 comes back with what one receive gave, so that a slow drip meets the time limit.
    while data := response.raw.read1(CHUNK_BYTES, decode_content=False):
        arrived += len(data)
        try:
            part = decoder.decode(data, max_bytes + 1 - size)
        except zlib.error as error:
            raise _broken(where, "The compressed body is damaged.", str(error)) from error
        parts.append(part)
        size += len(part)
        if size > max_bytes:
            raise _too_large(where, f"more than {max_bytes} bytes once decoded", max_bytes)
        if is_overdue():
            raise TransientSourceError(
                "The body took too long to arrive.",
                where=where,
                found=f"{arrived} bytes so far",
                expected="the whole body within ALVH_HTTP_TOTAL_TIMEOUT_SECONDS",
                next_step="Run again later; nothing of this file was stored.",
            )
    if declared is not None and arrived < declared:
        raise _broken(where, "The body was truncated.", f"{arrived} of {declared} bytes")
    if arrived and not decoder.is_complete:
        raise _broken(where, "The body was truncated.", f"{arrived} bytes of an unfinished gzip stream")
    if size == 0:
        raise SourceError(
            "The publisher sent an empty file.",
            where=where,
            found="status 200 with no bytes",
            expected="a file with content",
            next_step="Open the address in a browser; the versions already stored stay in use.",
        )
    return b"".join(parts)


def peek_body(response: requests.Response) -> bytes:
    """Return up to about two kilobytes of the body, decoded if possible, and never fail.

    Reading a short body to its end also gives the connection back for the next request.
    """
    raw = b""
    try:
        for _ in range(16):  # enough for any real error page, and bounded for a dripping one
            data = response.raw.read1(PEEK_BYTES, decode_content=False)
            raw += data
            if not data or len(raw) >= PEEK_BYTES:
                break
        return _decoder(response, "").decode(raw, PEEK_BYTES)
    except Exception:  # the status already decides what happens: this only illustrates it
        return raw


def _declared_length(response: requests.Response) -> int | None:
    text = response.headers.get("Content-Length", "").strip()
    # Under chunked transfer a Content-Length is meaningless (RFC 9112, section 6.3).
    is_usable = text.isascii() and text.isdigit() and "Transfer-Encoding" not in response.headers
    return int(text) if is_usable else None


def _too_large(where: str, found: str, max_bytes: int) -> SourceError:
    return SourceError(
        "The file is larger than it can reasonably be.",
        where=where,
        found=found,
        expected=f"at most {max_bytes} bytes",
        next_step="Look at the address in a browser; if the file has grown, raise this source's max_bytes.",
    )


def _broken(where: str, what: str, found: str) -> TransientSourceError:
    return TransientSourceError(
        what,
        where=where,
        found=found,
        expected="the whole body",
        next_step="Run again later; nothing of this file was stored.",
    )
