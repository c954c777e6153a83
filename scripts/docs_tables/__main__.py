"""The command scripts/docs-tables."""

import argparse
import sys

from docs_tables import pages


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="scripts/docs-tables",
        description="Write the generated tables of README.md and docs/, and the ready help pages, from the code again.",
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 when a table is out of date")
    check = parser.parse_args().check
    outdated = pages.outdated()
    for path, text in outdated.items():
        if not check:
            path.write_text(text)
        print(f"{path.relative_to(pages.ROOT)}: {'out of date' if check else 'written'}", file=sys.stderr)
    return int(check and bool(outdated))


if __name__ == "__main__":
    sys.exit(main())
