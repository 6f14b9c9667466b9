"""A home with nights and the commands of ``alvh policy`` on it, both on one made-up clock."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from flows.cli import app
from flows.run import Steps
from tests.support.market import LAST, Market, write_market
from tests.support.nights import QUICK, Trader, evening_of
from warehouse.governance.log import PolicyFolder
from warehouse.home import Home

ARM = "[parameters.arm_vix_pts]\nvalue = 25"


@dataclass
class PolicyDesk:
    """A trader's home, and whoever types commands beside it."""

    trader: Trader
    market: Market
    patch: pytest.MonkeyPatch

    @property
    def home(self) -> Home:
        return self.trader.home

    @property
    def folder(self) -> PolicyFolder:
        return PolicyFolder.of(self.home)

    @property
    def outside(self) -> Path:
        """A folder beside the home, for drafts and keys."""
        return self.home.path.parent

    def alvh(self, *words: str) -> Result:
        """Run a command at the trader's instant."""
        self.patch.setattr("flows.policy_cli.utc_now", lambda: self.trader.now)
        home = [] if words[1:2] in (("presets",), ("keygen",)) else ["--home", str(self.home.path)]
        return CliRunner().invoke(app, [*words, *home])

    def says(self, *words: str) -> str:
        """Run a command that has to succeed; return what it prints."""
        result = self.alvh(*words)
        assert result.exit_code == 0, result.output + str(result.exception)
        return result.stdout

    def draft(self, name: str = "draft.toml", old: str = ARM, new: str = ARM.replace("25", "28")) -> Path:
        """A copy of the home's policy with one piece of text replaced; the piece must be there."""
        text = self.folder.policy.read_text(encoding="utf-8")
        assert old in text
        path = self.outside / name
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return path

    def edit_policy(self, old: str = ARM, new: str = ARM.replace("25", "28")) -> None:
        """Change the home's own ``policy.toml``."""
        self.folder.policy.write_bytes(self.draft("edited.toml", old, new).read_bytes())

    def propose(self, path: Path) -> str:
        """Propose a policy; return the proposal's name."""
        return self.says("policy", "propose", str(path), "--by", "Ada").split()[1].rstrip(":")

    def change_to(self, path: Path) -> None:
        """Propose, sign and adopt a policy with the home's own key."""
        name = self.propose(path)
        self.says("policy", "sign", name, "--key", str(self.folder.local_key))
        self.says("policy", "adopt", name)

    def go_on_to(self, day: date) -> None:
        """Let the market and the clock go on to a later session's evening."""
        self.market.extend_to(day)
        self.trader.now = evening_of(day)

    def records(self) -> list[dict[str, Any]]:
        """Every run record, oldest first."""
        return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(self.home.runs.glob("*.json"))]

    def hash_of(self, path: Path) -> str:
        """Hash of a policy file, as the command says it."""
        return str(json.loads(self.says("policy", "validate", str(path), "--json"))["policy_hash"])


def begin(root: Path) -> None:
    """Write a market and run the first night of a home, to be copied by :func:`desk_from`."""
    market = write_market(root / "archive")
    Trader(Home(root / "home"), market.root, evening_of(LAST)).run()


def desk_from(begun: Path, root: Path, patch: pytest.MonkeyPatch, do: Steps = QUICK) -> PolicyDesk:
    """A desk on a copy of a home that had its first night."""
    shutil.copytree(begun, root, dirs_exist_ok=True)
    market = write_market(root / "archive")
    return PolicyDesk(Trader(Home(root / "home"), market.root, evening_of(LAST), nights=1, do=do), market, patch)
