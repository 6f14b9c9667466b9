"""What the documentation says of the command line, the settings and the files must be true."""

from __future__ import annotations

import inspect
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from flows.cli import app
from flows.homes import DEFAULT_HOME, SAMPLE_HOME
from flows.settings import HttpSettings, NotifySettings, RetentionSettings, Settings
from tests.support.pages import PAGES, ROOT, anchors, console_lines, prose
from transforms import errors

README = ROOT / "README.md"
WITH_COMMANDS = (
    README,
    *(
        ROOT / "docs" / f"{page}.md"
        for page in (
            "tutorial",
            "runbook",
            "methodology",
            "simulated_market",
            "signals",
            "questions",
            "book",
            "notifications",
            "scheduling",
        )
    ),
)

_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_ASSIGNMENT = re.compile(r"[A-Z_]+=\S*")
_OPERATORS = {"|", ">", ">>", "&&", ";", "||"}

# Words that belong to somebody's machine or workshop, never to the documentation.
_FOREIGN = re.compile(r"(?<![\w.])/(?:root|tmp|opt|mnt|srv)/|site-packages|#\d{2,}", re.IGNORECASE)


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def _inline_commands(page: Path) -> Iterator[str]:
    text = prose(page)
    yield from (code.replace("\n", " ") for code in re.findall(r"`(alvh [^`]+)`", text))


def _arguments(line: str) -> list[str] | None:
    """Return what follows ``alvh`` up to the next operator, or None where the line calls something else."""
    words = list(shlex.shlex(line, posix=True, punctuation_chars=True))
    words = shlex.split(line) if not _OPERATORS & set(words) else words
    while words and _ASSIGNMENT.fullmatch(words[0]):
        words.pop(0)
    if not words or Path(words[0]).name != "alvh":
        return None
    end = next((place for place, word in enumerate(words) if word in _OPERATORS), len(words))
    return words[1:end]


def _shown_commands() -> list[tuple[str, str]]:
    return [
        (_name(page), line)
        for page in WITH_COMMANDS
        for line in [*console_lines(page), *_inline_commands(page)]
        if _arguments(line) is not None
    ]


def _commands() -> dict[str, Any]:
    group: Any = typer.main.get_command(app)
    return dict(group.commands)


@pytest.mark.parametrize(("page", "line"), _shown_commands())
def test_shown_command_is_one_that_alvh_takes(page: str, line: str) -> None:
    arguments = _arguments(line)
    assert arguments, f"{page}: {line}"
    name, *rest = arguments
    if name == "--help":
        return
    assert name in _commands(), f"{page}: {line}"
    if not rest:
        return  # named in a sentence, perhaps without its required options
    # Parses names, types and values of the options without running anything.
    _commands()[name].make_context(name, list(rest))


def test_readme_and_tutorial_show_every_command() -> None:
    shown = {arguments[0] for _, line in _shown_commands() if (arguments := _arguments(line))}
    assert shown >= set(_commands())


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=_name)
def test_shown_make_targets_exist(page: Path) -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", text, re.MULTILINE))
    shown = {match for line in console_lines(page) for match in re.findall(r"\bmake ([a-z-]+)", line)}
    shown |= set(re.findall(r"`make ([a-z-]+)`", page.read_text(encoding="utf-8")))
    assert shown <= targets


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_relative_links_lead_to_files_and_headings(page: Path) -> None:
    text = prose(page)
    for target in _LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{_name(page)}: {target}"
        if anchor:
            assert anchor in anchors(there), f"{_name(page)}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_files_named_in_the_text_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"`((?:flows|transforms|warehouse|sql|tests|docs)/[\w./]+\.\w+)`", text)
    # a how-to page has its reader write some: tests/docs/test_howto.py does it
    written = set(re.findall(r"New file `([\w./]+)`:", text))
    assert [name for name in named if name not in written and not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_page_names_no_machine_and_no_workshop(page: Path) -> None:
    assert _FOREIGN.findall(page.read_text(encoding="utf-8")) == []


def test_decisions_are_all_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = set(_LINK.findall((folder / "README.md").read_text(encoding="utf-8")))
    assert listed == {path.name for path in folder.glob("[0-9]*.md")}


def test_exit_codes_are_those_of_the_errors() -> None:
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.PipelineError)]
    # 0 published, 3 degraded: the two that are no error
    promised = {0, 3} | {kind.exit_code for kind in kinds}
    assert _exit_codes(README) == promised
    assert _exit_codes(ROOT / "docs" / "runbook.md") == promised


def test_settings_of_the_readme_have_the_defaults_it_says() -> None:
    table = dict(re.findall(r"^\| `(ALVH_\w+)` \|(.*?)\|", README.read_text(encoding="utf-8"), re.MULTILINE))
    defaults = {name: _as_text(default) for name, default in _settings().items()}
    assert len(table) > 5
    assert {name: shown.strip(" `") for name, shown in table.items()} == {name: defaults[name] for name in table}


@pytest.mark.parametrize(("market", "home"), [("the real market", DEFAULT_HOME), ("a simulated market", SAMPLE_HOME)])
def test_readme_names_the_default_homes(market: str, home: Path) -> None:
    line = rf"^- {market} \(.*\): `{home.relative_to(ROOT).as_posix()}`$"
    assert re.search(line, README.read_text(encoding="utf-8"), re.MULTILINE)


def test_tutorial_serves_an_archive_with_options_that_the_server_takes() -> None:
    served = (ROOT / "flows" / "sources" / "loopback.py").read_text(encoding="utf-8")
    text = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"`(--(?:slow|burst|cut)) [^`]+`", text))
    assert "python -m flows.sources.loopback " in text
    assert shown == {"--slow", "--burst", "--cut"}
    assert all(f'"{option}"' in served for option in shown)


def test_runbook_explains_every_sql_check_with_its_severity() -> None:
    text = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    explained = dict(re.findall(r"^\| `([\w.]+__\w+)` \| (error|warn) \|", text, re.MULTILINE))
    checks = {
        path.stem: re.findall(r"^-- severity: (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)[0]
        for path in (ROOT / "sql" / "checks").glob("*.sql")
    }
    assert explained == checks


def test_data_sources_name_every_reason_of_the_quarantine() -> None:
    pages = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "data_sources").glob("*.md"))
    reasons = {
        reason
        for path in (ROOT / "sql" / "stg").glob("*.sql")
        for reason in re.findall(r"\bthen '([a-z]+(?:_[a-z]+){1,})'", path.read_text(encoding="utf-8"))
    }
    reasons |= set(re.findall(r"^reason = \"(\w+)\"", (ROOT / "transforms/corrections.toml").read_text(), re.MULTILINE))
    assert {reason for reason in reasons if f"`{reason}`" not in pages} == set()


def _exit_codes(page: Path) -> set[int]:
    return {int(code) for code in re.findall(r"^\| (\d) \|", page.read_text(encoding="utf-8"), re.MULTILINE)}


def _settings() -> dict[str, object]:
    return {
        f"{kind.model_config['env_prefix']}{name}".upper(): field.default
        for kind in (Settings, RetentionSettings, NotifySettings, HttpSettings)
        for name, field in kind.model_fields.items()
        if name != "user_agent"
    }


def _as_text(default: object) -> str:
    if default is None:
        return ""
    return f"{default:g}" if isinstance(default, float) else str(default)
