"""The panel by a loop over the files, as most scripts do it: read one, clean it, append it."""

from __future__ import annotations

import sys

import pandas as pd

from benchmarks.rivals.files import IN_TENTHS_UNTIL, check_panel, read_listing


def main() -> None:
    frames = []
    for path, expiry in read_listing(sys.argv[1]).items():
        with open(path, encoding="latin-1") as file:  # noqa: PTH123 - as such scripts do
            skipped = 0 if file.readline().startswith("Trade Date") else 1
        frame = pd.read_csv(path, skiprows=skipped, usecols=range(11), index_col=False)
        frame["trade_date"] = pd.to_datetime(frame["Trade Date"], format="mixed")
        frame["expiry_date"] = pd.Timestamp(expiry)
        frame["is_current"] = "/VX/" in path
        frame = frame[(frame["Settle"] > 0) & (frame["trade_date"] <= frame["expiry_date"])].copy()
        frame.loc[frame["trade_date"] <= IN_TENTHS_UNTIL, "Settle"] /= 10
        frames.append(frame[["trade_date", "expiry_date", "is_current", "Settle"]])
    panel = pd.concat(frames, ignore_index=True)
    panel = panel.sort_values("is_current", kind="stable").drop_duplicates(["trade_date", "expiry_date"], keep="last")
    panel = panel.sort_values(["trade_date", "expiry_date"], ignore_index=True)
    panel["days"] = (panel["expiry_date"] - panel["trade_date"]).dt.days
    panel["tenor_rank"] = panel.groupby("trade_date").cumcount() + 1
    panel[panel["tenor_rank"] <= 9].pivot(index="trade_date", columns="tenor_rank", values="Settle")
    check_panel(len(panel), panel["trade_date"].nunique())


if __name__ == "__main__":
    main()
