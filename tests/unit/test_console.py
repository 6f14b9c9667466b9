"""What a run says: plain lines where nobody watches, one moving line on a terminal that is gone in the end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import StringIO

import pytest
from rich.console import Console

from flows import console


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    """What is written to a terminal of 100 columns."""
    written = StringIO()
    watched = Console(file=written, force_terminal=True, width=100)
    monkeypatch.setattr(console, "_open_console", lambda: watched)
    return written


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(console, "_last_shown", [0.0])
    yield
    assert console._shown == []


def test_pipe_gets_a_line_a_step_and_nothing_that_moves(capsys: pytest.CaptureFixture[str]) -> None:
    with console.working("build"):
        console.say_part("build", "settlements")
    console.say_step("build", "12 rows", 1.25)
    said = capsys.readouterr()
    assert said.err == "build    settlements\nbuild    12 rows (1.2 s)\n"
    assert said.out == ""


def test_pipe_gets_a_count_once_in_a_while(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([100.0, 101.0, 140.0, 141.0, 180.0])
    monkeypatch.setattr(console.time, "monotonic", lambda: next(now))
    for done in range(5):
        console.say_progress(done, 400, f"file {done}")
    console.say_progress(1, 12, "few")
    assert capsys.readouterr().err == "fetch    2 of 400 asked, file 2\nfetch    4 of 400 asked, file 4\n"


def test_terminal_shows_what_is_being_done_and_how_far(terminal: StringIO) -> None:
    with console.working("reports"):
        assert console.is_moving()
        console.say_progress(3, 10, "2026-01-07", step="reports", unit="written")
        console._shown[-1][0].refresh()
    assert not console.is_moving()
    said = terminal.getvalue()
    assert "reports  3 of 10 written, 2026-01-07" in said
    # the moving line is erased
    assert re.search(r"\x1b\[2K[^\n]*$", said)


def test_terminal_keeps_the_lines_that_are_said_meanwhile(
    terminal: StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    with console.working("sweep"):
        with console.working("night"):
            console.say_part("night", "within")
        console.say("warning: [bold]this stays as it is[/bold]")
        print("a result")
    assert "warning: [bold]this stays as it is[/bold]\n" in terminal.getvalue()
    # results go where they belong, whoever watches
    assert capsys.readouterr().out == "a result\n"


def test_moving_line_ends_with_the_error(terminal: StringIO) -> None:
    with pytest.raises(RuntimeError, match="boom"), console.working("check"):
        raise RuntimeError("boom")
    assert not console.is_moving()


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_nothing_moves_where_that_is_not_wanted(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert console._open_console() is not None
    monkeypatch.setenv(name, value)
    assert console._open_console() is None
