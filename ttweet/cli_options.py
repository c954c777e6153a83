"""Options that several commands share, so that each is described once."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

Db = Annotated[Path | None, Parameter(name="--db", metavar="FILE", help="Read this file.")]
Server = Annotated[str | None, Parameter(name="--server", metavar="HOST:PORT", help="Ask this server instead.")]
Json = Annotated[bool, Parameter(name="--json", negative="", help="One JSON object a line.")]
