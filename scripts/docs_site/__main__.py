"""The command scripts/docs."""

import argparse
import sys
from pathlib import Path

from docs_site import build, links

FOLDER = Path("build/site")


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/docs", description="Build the documentation site into a folder.")
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER, help=f"default: {FOLDER}; it is replaced")
    folder = parser.parse_args().folder
    if not build.build(folder):
        return 1
    faults = links.faults(folder)
    for fault in faults:
        print(f"docs: {fault}", file=sys.stderr)
    print(folder / "index.html")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
