"""The short help pages as files, with colours: `ttweet --help` shows them without the parser."""

import io
import os
from contextlib import redirect_stdout
from pathlib import Path
from unittest.mock import patch

from ttweet.cli import ready_pages
from ttweet.cli.main import COMMANDS, make_app

TERMINAL = {"COLUMNS": str(ready_pages.COLUMNS), "FORCE_COLOR": "1", "TERM": "xterm"}


def texts() -> dict[Path, str]:
    """Return the file of each page, with its text."""
    folder = Path(ready_pages.FOLDER)
    app_page = {folder / f"{ready_pages.PROGRAM}.txt": _made()}
    return app_page | {folder / f"{name}.txt": _made(name) for name in COMMANDS}


def _made(*command: str) -> str:
    with patch.dict(os.environ, TERMINAL), redirect_stdout(io.StringIO()) as written:
        os.environ.pop("NO_COLOR", None)
        make_app().help_print(command)
    return written.getvalue()
