"""The errors a user can meet, each with the exit code the command line promises for it.

Every error says what went wrong, where, what was found, what was expected, and what to do next.
"""

from __future__ import annotations

from transforms.wording import make_harmless


class PipelineError(Exception):
    """Base of every error the pipeline raises on purpose.

    Parameters
    ----------
    what
        One sentence: what went wrong.
    where
        The file, address, table or option concerned.
    found, expected
        What was there and what should have been there.
    next_step
        What the reader can do about it.
    """

    exit_code = 1
    outcome = "failed"

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        found: str | None = None,
        expected: str | None = None,
        next_step: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.found = found
        self.expected = expected
        self.next_step = next_step

    def lines(self) -> list[str]:
        """Return the error as lines for a terminal, the empty parts left out.

        They quote files, addresses and answers: what would act on the terminal is shown, not done.
        """
        parts = [
            ("where", self.where),
            ("found", self.found),
            ("expected", self.expected),
            ("next", self.next_step),
        ]
        lines = [self.what, *(f"  {label + ':':<10}{text}" for label, text in parts if text)]
        return [make_harmless(line) for line in lines]

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def __reduce__(self) -> tuple[object, ...]:
        # Prefect may pickle an exception between task and flow: keep the keyword arguments.
        return (_rebuild, (type(self), self.what, self.where, self.found, self.expected, self.next_step))


def _rebuild(kind: type[PipelineError], what: str, *rest: str | None) -> PipelineError:
    where, found, expected, next_step = rest
    return kind(what, where=where, found=found, expected=expected, next_step=next_step)


class UsageError(PipelineError):
    """The command, an option or a setting cannot be used as given."""

    exit_code = 2
    outcome = "refused"


class PolicyError(UsageError):
    """A policy file, or a rule in it, cannot be used as written."""


class BookError(UsageError):
    """A user's book cannot be used as written."""


class ChecksFailedError(PipelineError):
    """A check of severity ``error`` found offending rows: nothing is published."""

    exit_code = 4
    outcome = "checks_failed"


class SourceError(PipelineError):
    """A source could not deliver something the night cannot do without."""

    exit_code = 5
    outcome = "source_unavailable"


class TransientSourceError(SourceError):
    """A source failed in a way that may pass: timeouts, resets, 429, 5xx, a burst block."""

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        found: str | None = None,
        expected: str | None = None,
        next_step: str | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(what, where=where, found=found, expected=expected, next_step=next_step)
        self.retry_after_seconds = retry_after_seconds

    def __reduce__(self) -> tuple[object, ...]:
        return (*super().__reduce__(), {"retry_after_seconds": self.retry_after_seconds})


class LockHeldError(PipelineError):
    """Another run holds the home folder."""

    exit_code = 6
    outcome = "lock_held"
