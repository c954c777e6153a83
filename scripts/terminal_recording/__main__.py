"""The command scripts/recording."""

import argparse
from pathlib import Path

from terminal_recording.drawing import draw
from terminal_recording.session import record

PICTURE = Path(__file__).parents[2] / "docs" / "recording.svg"


def main() -> None:
    """Record the session again and write its picture."""
    argparse.ArgumentParser(
        prog="scripts/recording", description=f"Draw docs/{PICTURE.name}, the picture of README.md, from real runs."
    ).parse_args()
    PICTURE.write_text(draw(record()))


if __name__ == "__main__":
    main()
