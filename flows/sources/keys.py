"""A user's own key for a publisher: added when asking, and kept out of everything that is written down."""

from __future__ import annotations

import logging
from urllib.parse import quote

from pydantic import SecretStr

from flows.sources.base import Fetched
from transforms.errors import SourceError, TransientSourceError

MASK = "***"
# urllib3 logs the address of every request when somebody turns debugging on.
_LOGGERS = ("urllib3.connectionpool", "urllib3.util.retry")


class ApiKey(logging.Filter):
    """One key; as a logging filter it masks itself in the HTTP library's messages.

    Parameters
    ----------
    secret
        The key as the user set it; spaces around it are dropped.
    """

    def __init__(self, secret: SecretStr) -> None:
        super().__init__()
        self._key = secret.get_secret_value().strip()
        # In an address it may be escaped, and it is masked in both spellings.
        self._spellings = tuple(dict.fromkeys((self._key, quote(self._key, safe=""))))

    def __repr__(self) -> str:
        return f"ApiKey({MASK})"

    def add_to(self, address: str) -> str:
        """Return an address that has a query with the key at its end: only for the request itself."""
        return f"{address}&api_key={quote(self._key, safe='')}"

    def mask(self, text: str) -> str:
        """Return a text with the key replaced by :data:`MASK`."""
        for spelling in self._spellings:
            text = text.replace(spelling, MASK)
        return text

    def mask_error(self, error: SourceError) -> SourceError:
        """Return a new error without the key: of the same kind, and without cause or traceback.

        The libraries' own exceptions hold the address that was asked, so none may stay attached.
        """
        parts = {name: getattr(error, name) for name in ("where", "found", "expected", "next_step")}
        masked: dict[str, str | None] = {name: text and self.mask(text) for name, text in parts.items()}
        if isinstance(error, TransientSourceError):
            wait = error.retry_after_seconds
            return TransientSourceError(self.mask(error.what), retry_after_seconds=wait, **masked)
        return SourceError(self.mask(error.what), **masked)

    def is_in(self, fetched: Fetched) -> bool:
        """Say whether an answer repeats the key, in its body or in what is kept beside it."""
        kept = "\n".join([fetched.via, *fetched.headers.values()])
        return any(spelling.encode() in fetched.body or spelling in kept for spelling in self._spellings)

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask the key in a log record; the record itself is let through."""
        message = record.getMessage()
        masked = self.mask(message)
        if masked != message:
            record.msg, record.args = masked, ()
        return True

    def guard_logs(self) -> None:
        """Begin to mask the HTTP library's messages."""
        for name in _LOGGERS:
            logging.getLogger(name).addFilter(self)

    def leave_logs(self) -> None:
        """Leave the HTTP library's messages alone again."""
        for name in _LOGGERS:
            logging.getLogger(name).removeFilter(self)


def api_key(secret: SecretStr | None) -> ApiKey | None:
    """Return a user's key, or None where none is set (an empty variable sets none)."""
    return ApiKey(secret) if secret is not None and secret.get_secret_value().strip() else None
