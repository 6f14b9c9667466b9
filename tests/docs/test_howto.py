"""The how-to pages are followed: what they say is done to a copy of the code or in a home, and it works."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from flows.cli import app
from tests.support.followed import apply_change, copy_code, follow, run_tests
from tests.support.pages import DOCS, blocks, console_lines, read
from warehouse.home import Home

HOWTO = DOCS / "howto"

# What the page promises beside its own test, asked of the same empty warehouse.
PROMISED = """

def test_followed_signal_is_published_explained_and_open_to_rules(empty: Path) -> None:
    import duckdb
    from warehouse.expressions import load_policy, signal_columns
    from transforms.policy.loader import preset_text

    with duckdb.connect(str(empty), read_only=True) as connection:
        columns = {
            table: [row[0] for row in connection.execute(f"describe {table}").fetchall()]
            for table in ("signals", "mart.daily_signals")
        }
        assert columns["signals"] == columns["mart.daily_signals"]
        assert "curve_bend_pts" in columns["signals"]
        (comment,) = connection.execute(
            "select comment from duckdb_columns() where schema_name = 'mart' and column_name = 'curve_bend_pts'"
        ).fetchone()
        assert comment.startswith("[pts] bend of the curve")
        query = "select known, status_column from ref.signals where signal = 'curve_bend_pts'"
        assert connection.execute(query).fetchall() == [("evening", "curve_status")]
    armed = '"vix_close_pts >= $arm_vix_pts"'
    ruled = preset_text("article").replace(armed, armed[:-1] + ' and curve_bend_pts < 1"')
    policy = load_policy(ruled, columns=signal_columns(), where="page")
    assert "curve_bend_pts" in policy.rule("temporal_vega", "arm").expression
"""


def test_signal_page_is_followed(tmp_path: Path) -> None:
    tree = copy_code(tmp_path / "code", "tests/sql/conftest.py", "tests/sql/test_daily_signals.py")
    touched = follow(HOWTO / "add_a_signal.md", tree)
    assert touched == [
        "sql/mart/daily_signals.sql",
        "sql/main/signals.sql",
        "sql/columns.toml",
        "tests/sql/test_daily_signals.py",
    ]
    test = tree / "tests/sql/test_daily_signals.py"
    test.write_text(test.read_text(encoding="utf-8") + PROMISED, encoding="utf-8")
    said = run_tests(tree, str(test), "-k", "bend or followed")
    assert "2 passed" in said


def test_source_page_is_followed(tmp_path: Path) -> None:
    tree = copy_code(tmp_path / "code", "tests/sql/conftest.py")
    touched = follow(HOWTO / "add_a_source.md", tree)
    assert len(touched) == 12
    # its request is in the plan, its body is told from another, and the models say what they read
    (tree / "tests/sql/test_followed.py").write_text(
        "from flows.sources.plan import plan_context\n"
        "from tests.support.bench import Bench\n"
        "from transforms.formats import inspect_file\n"
        "from warehouse.models import load_models\n\n\n"
        "def test_followed(bench: Bench) -> None:\n"
        "    plan = plan_context(bench.store, ask_everything=True, with_vintages=False)\n"
        "    assert [one.name for one in plan.requests if one.publisher == 'stress'] == ['stress.csv']\n"
        "    assert inspect_file('stress_index', 'stress.csv', b'Date,Stress\\n2025-09-05,1\\n') is None\n"
        "    assert inspect_file('stress_index', 'stress.csv', b'<html>') is not None\n"
        "    for name, model in load_models().items():\n"
        "        if 'stress' in name or name == 'ops.quarantined_rows':\n"
        "            stated = {one.strip() for one in model.header['reads'].split(',')}\n"
        "            assert model.reads - stated == set()\n",
        encoding="utf-8",
    )
    said = run_tests(tree, "tests/sql/test_stress.py", "tests/sql/test_followed.py")
    assert "3 passed" in said


def test_rule_page_is_followed(tmp_path: Path, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its commands run in a copy of the home, one after the other."""
    mine = Home(tmp_path / "home")
    shutil.copytree(home.path, mine.path)
    monkeypatch.chdir(tmp_path)
    page = HOWTO / "add_a_rule.md"
    said = {}
    for line in console_lines(page):
        command, _, target = line.partition(" > ")
        if proposed := re.search(r"policy sign (\w+) --key (\S+)", "".join(said.values())):
            command = command.replace(" ID", f" {proposed[1]}").replace(" KEY", f" {mine.path}/policy/keys/local.pem")
        done = CliRunner().invoke(app, [*shlex.split(command)[1:], "--home", str(mine.path)])
        assert done.exit_code == 0, f"{line}\n{done.output}"
        said[line] = done.stdout
        if target:
            (tmp_path / target).write_text(done.stdout, encoding="utf-8")
            assert follow(page, tmp_path) == [target]
    shown = re.search(r"^\$ alvh policy diff adopted draft.toml\n(.*?)^```", read(page), re.MULTILINE | re.DOTALL)
    assert shown is not None
    for line in shown[1].splitlines():
        assert line in said["alvh policy diff adopted draft.toml"]
    assert "middle_inverted" in (mine.path / "policy" / "policy.toml").read_text(encoding="utf-8")


def test_guard_of_the_page_is_counted_on_the_warehouse(home: Home) -> None:
    with duckdb.connect(str(home.published), read_only=True) as connection:
        query = "select count_if(contango_4_7_frac < 0), count(contango_4_7_frac) from signals"
        held, evaluable = connection.execute(query).fetchone() or (0, 0)
    assert evaluable > 1000
    assert 0 <= held < evaluable


@pytest.mark.parametrize("change", [" a\n+b\n c\n", "-x\n+y\n"])
def test_change_that_does_not_fit_the_file_is_stale(change: str) -> None:
    with pytest.raises(AssertionError, match="found 0 times"):
        apply_change("a\nz\n", change)


def test_change_that_fits_twice_is_not_taken() -> None:
    with pytest.raises(AssertionError, match="found 2 times"):
        apply_change("a\nb\na\n", " a\n+c\n")


def test_change_adds_and_replaces_lines_where_they_stand() -> None:
    assert apply_change("a\nc\nd\n", " a\n+b\n-c\n d\n") == "a\nb\nd\n"


@pytest.mark.parametrize("page", sorted(HOWTO.glob("*.md")), ids=lambda page: page.stem)
def test_every_howto_page_has_something_to_follow(page: Path) -> None:
    assert blocks(page, "toml") != []
    assert list(console_lines(page)) != []
