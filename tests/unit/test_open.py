"""Opening a page: the newest of its kind, its path on standard output, and what makes it where it is not there."""

from __future__ import annotations

import os
import webbrowser
from pathlib import Path

import pytest

from tests.support.commands import Commands


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Addresses that a browser was asked to show."""
    asked: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: asked.append(url) or True)
    return asked


@pytest.fixture
def commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    for number, name in enumerate(
        (
            "reports/latest/hedge-state.html",
            "reports/2026-01-06/hedge-state.html",
            "reports/index.html",
            "audit/2026-01-05/audit.html",
            "audit/2026-01-07/audit.html",
            "sweeps/2026-01-07-aaaa/sweep.html",
            "sweeps/2026-01-05-bbbb/sweep.html",
        )
    ):
        path = tmp_path / "home" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("page", encoding="utf-8")
        os.utime(path, (number, number))
    (tmp_path / "home" / "audit" / "2026-01-08").mkdir()
    return Commands(tmp_path / "home", capsys)


@pytest.mark.parametrize(
    ("arguments", "page"),
    [
        ((), "reports/latest/hedge-state.html"),
        (("report", "--as-of", "2026-01-06"), "reports/2026-01-06/hedge-state.html"),
        (("site",), "reports/index.html"),
        # a folder without a page is one of an audit that was broken off
        (("audit",), "audit/2026-01-07/audit.html"),
        (("audit", "--as-of", "2026-01-05"), "audit/2026-01-05/audit.html"),
        # of sweeps the one made last, whatever session it is of
        (("sweep",), "sweeps/2026-01-05-bbbb/sweep.html"),
        (("sweep", "--as-of", "2026-01-07"), "sweeps/2026-01-07-aaaa/sweep.html"),
    ],
)
def test_newest_page_is_opened_and_named(
    commands: Commands, opened: list[str], arguments: tuple[str, ...], page: str
) -> None:
    said = commands.run("open", *arguments)
    assert said.out == f"{commands.home / page}\n"
    assert opened == [(commands.home / page).as_uri()]


def test_page_is_only_named_where_that_is_asked(commands: Commands, opened: list[str]) -> None:
    assert commands.run("open", "audit", "--print").out.endswith("audit.html\n")
    assert opened == []


def test_page_is_named_where_there_is_no_browser(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda url: False)
    said = commands.run("open")
    assert said.out.endswith("hedge-state.html\n")
    assert "no browser" in said.err


@pytest.mark.parametrize(
    ("arguments", "made_by"),
    [
        (("report",), "`alvh report` writes it"),
        (("report", "--as-of", "2026-01-02"), "`alvh report --as-of 2026-01-02` writes it"),
        (("audit",), "`alvh audit` makes one"),
        (("sweep",), "`alvh sweep --grid FILE` makes one"),
        (("ledger",), "report, site, audit, sweep"),
    ],
)
def test_page_that_is_not_there_says_what_makes_it(
    empty_home: Commands, opened: list[str], arguments: tuple[str, ...], made_by: str
) -> None:
    assert made_by in empty_home.run("open", *arguments, code=2).err
    assert opened == []


@pytest.fixture
def empty_home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(tmp_path / "empty", capsys)
