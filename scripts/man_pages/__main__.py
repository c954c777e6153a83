"""The command scripts/man."""

import argparse
import sys
from pathlib import Path

from man_pages.share import write

FOLDER = Path("build/share")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="scripts/man",
        description="Write the manual pages and completion scripts as share/ of an installation has them.",
        epilog=f"Read one with: man {FOLDER}/man/man1/ttweet.1",
    )
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER, help=f"default: {FOLDER}")
    folder = parser.parse_args().folder
    write(folder)
    print(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
