"""Help that teaches: every command has its place, one line, and examples that can be run as they stand."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from flows import completion
from flows.cli import app, build_app, choose_command
from flows.help_texts import PANELS, START_HERE, examples_of, first_sentence, run_app
from transforms.policy.loader import PRESETS
from transforms.policy.model import LAYERS

GROUP: Any = typer.main.get_command(app)


def leaves(group: Any = GROUP, path: tuple[str, ...] = ("alvh",)) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from leaves(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


COMMANDS = dict(leaves())
EXAMPLES = [(path, line) for path, command in COMMANDS.items() for line in examples_of(command)]


def parse(line: str) -> str:
    """Parse a command without running it. Return the path of the command it is."""
    words = shlex.split(re.split(r" [>|] ", line)[0])
    assert words.pop(0) == "alvh"
    group, path = GROUP, ["alvh"]
    while hasattr(group, "commands"):
        path.append(words.pop(0))
        group = group.commands[path[-1]]
    group.make_context(path[-1], words)
    return " ".join(path)


@pytest.mark.parametrize("path", COMMANDS)
def test_command_begins_its_examples_with_itself(path: str) -> None:
    lines = list(examples_of(COMMANDS[path]))
    assert lines, f"{path} has no example"
    assert lines[0].startswith(path)


@pytest.mark.parametrize(("path", "line"), EXAMPLES)
def test_example_is_a_command_that_alvh_takes(path: str, line: str) -> None:
    assert parse(line) in COMMANDS


def test_page_begins_with_commands_that_alvh_takes() -> None:
    lines = [line.strip().partition("  ")[0] for line in START_HERE.splitlines() if line.startswith("  alvh ")]
    assert lines[0] == "alvh nightly"
    assert {parse(line) for line in lines} <= set(COMMANDS)


def test_command_of_the_first_level_has_a_panel() -> None:
    assert {command.rich_help_panel for command in GROUP.commands.values()} <= set(PANELS)


def test_panels_are_shown_in_their_order_and_a_command_in_one_line() -> None:
    text = GROUP.get_help(typer.Context(GROUP, info_name="alvh", terminal_width=80, max_content_width=80))
    assert re.findall(r"^(.+) \(.*\):$", text, re.MULTILINE) == list(PANELS)
    for name, command in GROUP.commands.items():
        assert f"\n  {name} " in text
        assert f" {first_sentence(command)}\n" in text


def test_help_is_plain_text() -> None:
    text = GROUP.get_help(typer.Context(GROUP, info_name="alvh"))
    assert not re.search(r"[\x1b\u2500-\u257f]", text)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("staus", "found:    staus\n  expected: status\n"),
        ("policy shw", "where:    alvh policy\n  found:    shw\n  expected: show\n"),
        ("ledger --mont 2020-03", "found:    --mont\n  expected: --json or --month\n"),
        ("ledger --month 2020-13", "found:    2020-13\n  expected: a date that exists, as YYYY-MM\n"),
        ("report --as-of yesterday", "found:    yesterday\n  expected: a date that exists, as YYYY-MM-DD\n"),
        ("sweep", "missing option '--grid'"),
        ("simulate market --years 99", "expected: 1<=x<=22\n"),
        ("query one two", "got unexpected extra argument"),
    ],
)
def test_what_cannot_be_used_says_what_to_do(
    arguments: str, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["alvh", *arguments.split()])
    with pytest.raises(SystemExit) as ended:
        run_app(app)
    error = capsys.readouterr().err
    assert ended.value.code == 2
    assert error.startswith("alvh: ")
    assert said in error
    assert "--help` " in error


def test_no_command_at_all_shows_the_help(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["alvh"])
    with pytest.raises(SystemExit) as ended:
        run_app(app)
    assert ended.value.code == 2
    assert "Start here:" in capsys.readouterr().err


def test_completion_offers_what_there_is() -> None:
    assert completion.LAYER_NAMES == LAYERS
    assert set(completion.complete_presets("")) == set(PRESETS)
    assert completion.complete_presets("ar") == ["article"]
    assert completion.complete_policies("ad") == ["adopted"]
    assert completion.complete_tables("mart.daily_term") == ["mart.daily_term_structure"]
    assert completion.complete_tables("daily_term") == ["daily_term_structure"]
    assert "contango_frac" in completion.complete_tables("contango_")
    assert set(completion.complete_schemas("")) == {"mart", "core", "ops", "ref", "stg"}


def test_completion_offers_the_sessions_that_have_a_report(tmp_path: Path) -> None:
    for name in ("2026-01-06", "2026-01-07", "2025-12-31", "latest", "notes"):
        (tmp_path / "reports" / name).mkdir(parents=True)
    ctx = typer.Context(COMMANDS["alvh report"], info_name="report")
    ctx.params["home"] = tmp_path
    assert completion.complete_sessions(ctx, "2026") == ["2026-01-07", "2026-01-06"]


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("alvh led", ["ledger"]),
        ("alvh tables mart.daily_term", ["mart.daily_term_structure"]),
        ("alvh explain --layer go", ["governor"]),
        ("alvh policy show --preset ca", ["canon"]),
        ("alvh report --as-of 2026", ["2026-01-07"]),
        ("alvh query --format j", ["json"]),
    ],
)
def test_shell_is_offered_names_without_loading_anything_heavy(tmp_path: Path, typed: str, offered: list[str]) -> None:
    (tmp_path / "reports" / "2026-01-07").mkdir(parents=True)
    code = (
        "import sys\nfrom flows.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'duckdb', 'pandas', 'numpy', 'prefect', 'rich', 'exchange_calendars'}\n"
        "print('loaded:', *sorted(heavy & set(sys.modules)))"
    )
    asked = {"_ALVH_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=completion.ROOT,
        env={**os.environ, **asked, "ALVH_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [*offered, "loaded:"]


@pytest.mark.parametrize("path", COMMANDS)
def test_command_built_alone_has_the_help_it_has_among_all(path: str) -> None:
    """A command line that names its command builds no other: what it says must not depend on that."""
    _, *names = path.split()
    alone: Any = typer.main.get_group(build_app(names[0]))
    assert list(alone.commands) == names[:1]
    for name in names:
        alone = alone.commands[name]
    whole = COMMANDS[path]
    assert alone.rich_help_panel == whole.rich_help_panel
    assert alone.get_help(typer.Context(alone, info_name=path)) == whole.get_help(typer.Context(whole, info_name=path))


@pytest.mark.parametrize(
    ("arguments", "chosen"),
    [
        (["query", "select 1"], "query"),
        (["policy", "show"], "policy"),
        (["open", "report"], "open"),
        ([], None),
        (["--help"], None),
        (["staus"], None),
        (["open_"], None),
    ],
)
def test_command_line_builds_the_command_it_names(arguments: list[str], chosen: str | None) -> None:
    assert choose_command(arguments) == chosen


def test_command_line_loads_the_module_of_its_command_alone() -> None:
    code = (
        "import sys\nfrom flows.cli import main\nsys.argv = ['alvh', 'query', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print('loaded:', *sorted(name for name in sys.modules if name.endswith('_cli')))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=completion.ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "loaded: flows.look_cli"
