"""The panel in vectorised pandas: all files joined to one text, parsed once."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.rivals.files import IN_TENTHS_UNTIL, check_panel, read_listing


def main() -> None:
    listing = read_listing(sys.argv[1])
    lines: list[str] = []
    owners: list[int] = []
    for number, path in enumerate(listing):
        found = [line for line in Path(path).read_text(encoding="latin-1").splitlines() if line[:1].isdigit()]
        lines += [line.rstrip(",") for line in found]
        owners += [number] * len(found)
    names = ["day", "label", "open", "high", "low", "close", "settle", "change", "volume", "efp", "interest"]
    frame = pd.read_csv(io.StringIO("\n".join(lines)), names=names, usecols=["day", "settle"])
    is_iso = frame["day"].str[4] == "-"
    days = np.empty(len(frame), dtype="datetime64[s]")
    days[is_iso] = pd.to_datetime(frame.loc[is_iso, "day"], format="%Y-%m-%d").to_numpy()
    days[~is_iso] = pd.to_datetime(frame.loc[~is_iso, "day"], format="%m/%d/%Y").to_numpy()
    expiries = pd.to_datetime(pd.Series(list(listing.values()))).to_numpy()[owners]
    panel = pd.DataFrame({"trade_date": days, "expiry_date": expiries, "settle": frame["settle"]})
    panel["is_current"] = np.array(["/VX/" in path for path in listing])[owners]
    panel = panel[(panel["settle"] > 0) & (panel["trade_date"] <= panel["expiry_date"])]
    panel["settle"] = panel["settle"].where(panel["trade_date"] > IN_TENTHS_UNTIL, panel["settle"] / 10)
    panel = panel.sort_values("is_current", kind="stable").drop_duplicates(["trade_date", "expiry_date"], keep="last")
    panel = panel.sort_values(["trade_date", "expiry_date"], ignore_index=True)
    panel["days"] = (panel["expiry_date"] - panel["trade_date"]).dt.days
    panel["tenor_rank"] = panel.groupby("trade_date").cumcount() + 1
    panel[panel["tenor_rank"] <= 9].pivot(index="trade_date", columns="tenor_rank", values="settle")
    check_panel(len(panel), panel["trade_date"].nunique())


if __name__ == "__main__":
    main()
