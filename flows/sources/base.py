"""What a source is: a request in, bytes and provenance out. Nothing here parses.

Everything downstream works on :data:`Outcome` and cannot tell HTTP from a folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from transforms.registry import Requirement


@dataclass(frozen=True)
class Request:
    """One file to ask a publisher for.

    Attributes
    ----------
    publisher
        Whose file it is (``cboe``, ``fred``): the first folder of the raw store.
    dataset
        The format family, which decides how the file is inspected and parsed.
    name
        File name in the raw store, unique within the publisher.
    url
        The publisher's own address. A mirror, a folder or a loopback server stands in by
        configuration; the address recorded as provenance stays this one.
    requirement
        What its absence means.
    may_be_absent
        True where the publisher is known not to have every file that the plan asks for.
    max_bytes
        Bound on the body: several times what the file has ever been.
    is_context
        True where nothing waits for the file: it is asked for last, and with little patience.
    needs_key
        True where the address is answered only with the user's own key. ``url`` never holds it.
    """

    publisher: str
    dataset: str
    name: str
    url: str
    requirement: Requirement
    may_be_absent: bool = False
    max_bytes: int = 32 * 1024 * 1024
    is_context: bool = False
    needs_key: bool = False


@dataclass(frozen=True)
class Known:
    """What the raw store knows about a file it already has, for a conditional request."""

    sha256: str
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True)
class Fetched:
    """A body and where it came from; ``headers`` holds only what later runs or readers need."""

    request: Request
    body: bytes
    status: int
    fetched_at_utc: datetime
    headers: Mapping[str, str] = field(default_factory=dict)
    via: str = ""


@dataclass(frozen=True)
class NotModified:
    """The publisher says that the version we know is still the current one."""

    request: Request
    checked_at_utc: datetime


@dataclass(frozen=True)
class Absent:
    """The publisher does not have the file (and answers otherwise, so this is no outage)."""

    request: Request
    checked_at_utc: datetime
    reason: str


Outcome = Fetched | NotModified | Absent


class Source(Protocol):
    """Anything that can answer a :class:`Request`."""

    name: str

    def fetch(self, request: Request, known: Known | None = None) -> Outcome:
        """Answer one request.

        Raises
        ------
        TransientSourceError
            After the retries of one request are used up; a later run may succeed.
        SourceError
            The answer can never be right: wrong content type, too large, redirected elsewhere.
        """
        ...
