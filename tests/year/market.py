"""The true market of the year: a simulated one, as its publishers have it on each evening.

It is simulated once; an evening has its rows up to that session. Monthly contracts, indices, settlement values, the
same-evening tables and the bill rate are served; weeklies and the context are left out, so that a night is cheap.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from itertools import takewhile
from pathlib import Path

import pandas as pd

from transforms import calendar
from transforms.contracts import current_file_name
from transforms.simulate import Market, render_archive, simulate_market
from transforms.simulate.archive import QUOTE_FOLDER, SERIES_FOLDER

Key = tuple[str, date, str]
"""What (``settle`` or ``level``), which session, and the expiry date or index code."""

BILLS = f"{SERIES_FOLDER}/id=DTB3"


@dataclass
class TrueMarket:
    """The market without faults.

    Attributes
    ----------
    restated
        Settlements that the publisher has restated for good, by session and expiry date.
    """

    whole: Market
    restated: dict[tuple[date, date], float] = field(default_factory=dict)

    @classmethod
    def simulate(cls, first: date, last: date, seed: int) -> TrueMarket:
        whole = simulate_market(first, last, seed)
        return cls(
            replace(
                whole,
                contracts=tuple(contract for contract in whole.contracts if contract.is_monthly),
                futures=whole.futures[whole.futures["is_monthly"]],
            )
        )

    @property
    def sessions(self) -> list[date]:
        """Every session of futures, oldest first."""
        return [stamp.date() for stamp in self.whole.sessions["trade_date"]]

    def monthlies_after(self, day: date) -> list[date]:
        """Expiries of the contracts listed on a session and not expired, nearest first."""
        return [
            contract.expiry_date
            for contract in self.whole.contracts
            if contract.expiry_date > day >= contract.listed_on
        ]

    def restate(self, day: date, expiry: date, factor: float) -> None:
        """Have the publisher correct a settlement for good: from now on this is the truth."""
        self.restated[day, expiry] = round(self.settlements[day, expiry] * factor, 4)

    @cached_property
    def settlements(self) -> dict[tuple[date, date], float]:
        """Settlements as first published, by session and expiry date."""
        rows = self.whole.futures
        return {
            (day.date(), expiry.date()): value
            for day, expiry, value in zip(rows["trade_date"], rows["expiry_date"], rows["settle_pts"], strict=True)
        }

    @cached_property
    def levels(self) -> dict[tuple[date, str], float]:
        """Index closes, by session and code."""
        return {
            (day.date(), code): value
            for code, frame in self.whole.indices.items()
            for day, value in zip(frame["trade_date"], frame["close_pts"], strict=True)
        }

    def values_to(self, day: date) -> dict[Key, float]:
        """Every settlement and close up to a session, as the publishers have them by now."""
        settled = {**self.settlements, **self.restated}
        return {
            **{("settle", at, expiry.isoformat()): value for (at, expiry), value in settled.items() if at <= day},
            **{("level", at, code): value for (at, code), value in self.levels.items() if at <= day},
        }

    def files_of(self, day: date) -> Iterator[tuple[str, bytes]]:
        """Every file as it is on the evening of a session: (path, bytes)."""
        end = pd.Timestamp(day)
        whole = self.whole
        futures = whole.futures[whole.futures["trade_date"] <= end].copy()
        for (at, expiry), value in self.restated.items():
            row = (futures["trade_date"] == pd.Timestamp(at)) & (futures["expiry_date"] == pd.Timestamp(expiry))
            futures.loc[row, "settle_pts"] = value
        known = replace(
            whole,
            last_session=day,
            sessions=whole.sessions[whole.sessions["trade_date"] <= end],
            contracts=tuple(contract for contract in whole.contracts if contract.listed_on <= day),
            indices={code: frame[frame["trade_date"] <= end] for code, frame in whole.indices.items()},
            futures=futures,
        )
        # what comes behind the first quote is context, rendered only if asked for
        yield from takewhile(lambda file: not file[0].startswith(QUOTE_FOLDER), render_archive(known))
        rates = whole.context.series["DTB3"]
        rates = rates[rates["observation_date"] <= end]
        days = rates["observation_date"].dt.strftime("%Y-%m-%d")
        lines = [f"{at},{value:.2f}" for at, value in zip(days, rates["value"], strict=True) if value == value]
        yield BILLS, ("\n".join(["observation_date,DTB3", *lines]) + "\n").encode()

    def write(self, folder: Path, day: date, keep_old: str | None = None) -> None:
        """Bring a folder to the evening of a session; files whose path has ``keep_old`` in it stay as they are."""
        for name, body in self.files_of(day):
            path = folder / name
            if path.exists() and (path.read_bytes() == body or (keep_old is not None and keep_old in name)):
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)


def contract_pattern(expiry: date) -> str:
    """The address of a contract's file, as the loopback server's plan takes it."""
    return current_file_name(expiry).removesuffix(".csv")


def closed_weekday_before(day: date) -> date:
    """The last weekday without a session, up to 300 days before."""
    days = [stamp.date() for stamp in pd.bdate_range(end=pd.Timestamp(day), periods=210)]
    open_days = set(calendar.sessions("XCBF", days[0], day))
    return [one for one in days if one not in open_days][-1]
