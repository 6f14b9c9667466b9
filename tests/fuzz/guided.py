"""One target under libFuzzer: `python -m tests.fuzz.guided TARGET FOLDER SECONDS`. Finds are left in the folder."""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

from tests.fuzz.engine import LONGEST_SECONDS

with atheris.instrument_imports(
    include=["transforms", "flows.sources.http_policy", "warehouse.governance", "warehouse.raw_store"]
):
    from tests.fuzz.engine import find_target

    TARGET = find_target(sys.argv[1])


def main() -> None:
    """Fuzz until the time is over or something is found."""
    _, _, folder, seconds = sys.argv
    corpus = Path(folder) / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(TARGET.seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    # The format of libFuzzer: a text in quotes a line, bytes beyond ASCII as \xAB.
    words = Path(folder) / "words.dict"
    words.write_text(
        "".join('"' + "".join(f"\\x{byte:02x}" for byte in word[:64]) + '"\n' for word in TARGET.words if word)
    )
    atheris.Setup(
        [
            sys.argv[0],
            str(corpus),
            *([f"-dict={words}"] if TARGET.words else []),
            f"-max_total_time={seconds}",
            f"-timeout={LONGEST_SECONDS}",
            "-max_len=32768",
            "-rss_limit_mb=3000",
            "-print_final_stats=1",
            f"-artifact_prefix={folder}/find-",
        ],
        TARGET.run,
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
