"""The panel of the package vix_utils, from files that lie where its download would have put them.

Run by an interpreter of its own, which has that package: see requirements-vix-utils.txt.
"""

from __future__ import annotations

import sys
from pathlib import Path

from vix_utils.download_vix_futures import pivot_futures_on_monthly_tenor, read_csv_future_files


def main() -> None:
    records = read_csv_future_files(Path(sys.argv[1]))
    print(len(records), pivot_futures_on_monthly_tenor(records).shape)


if __name__ == "__main__":
    main()
