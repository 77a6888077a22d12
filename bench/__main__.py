"""``python -m bench``: measure, and write docs/performance.md."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .effort import FULL, QUICK
from .measurements import MEASUREMENTS
from .report import document, write


def main(arguments: list[str]) -> None:
    """A whole run rewrites the document; part of one, or a quick one, is shown only."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds, for a minute; shown, not written")
    parser.add_argument("--only", nargs="+", choices=MEASUREMENTS, help="these; shown, not written")
    parser.add_argument("--output", type=Path, metavar="DIR", help="write there all the same  [whole run: docs]")
    options = parser.parse_args(arguments)
    sections = []
    for name in options.only or MEASUREMENTS:
        print(f"{name} ...", file=sys.stderr, flush=True)
        sections.append(MEASUREMENTS[name](QUICK if options.quick else FULL))
    how = "python -m bench" + (" --quick" if options.quick else "")
    whole = not options.quick and not options.only
    folder: Path | None = options.output or (Path("docs") if whole else None)
    if folder is None:
        print(document(sections, how))
    else:
        write(sections, folder, how)


if __name__ == "__main__":
    main(sys.argv[1:])
