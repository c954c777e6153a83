"""The command `stats`."""

import sys
from typing import Annotated

from cyclopts import Parameter

from ttweet.cli import output, shell
from ttweet.cli.open_client import open_client
from ttweet.cli.options import Ca, Json, Server, refuse_conflict
from ttweet.model import durations, times
from ttweet.model.reports import escape

_BYTES = ((1024**3, "GiB"), (1024**2, "MiB"), (1024, "KiB"))


All = Annotated[bool, Parameter(name="--all", negative="", help="Show the limits in force too.")]


def stats(*, all_: All = False, server: Server = None, ca: Ca = None, json: Json = False) -> int:
    """Show how a server is doing."""
    refuse_conflict({"--all": all_, "--json": json})  # which has everything
    with open_client(server, ca=ca) as client:
        parts = client.stats()
    if json:
        output.write_json(parts)
        return shell.DONE
    if not all_:
        parts = {part: values for part, values in parts.items() if part != "limits"}  # which never change
    if shell.on_terminal(sys.stdout):
        from ttweet.cli import tables

        tables.print_parts({part: _readable(values) for part, values in parts.items()})
    else:
        for part, values in parts.items():
            for name, value in values.items():
                shell.write("\t".join([escape(f"{part}.{name}"), "-" if value is None else escape(str(value))]))
    return shell.DONE


def _readable(values: dict[str, object]) -> dict[str, str]:
    """Names and values of a part for people, who see units beside the value."""
    return dict(readable(name, value) for name, value in values.items())


def readable(name: str, value: object) -> tuple[str, str]:
    """Return a name without its unit, and the value with it: `uptime_s` 7500 becomes `uptime`, `2 h 5 min`."""
    label = escape(name.removesuffix("_s").replace("_", " "))
    if not isinstance(value, int | float) or isinstance(value, bool):
        return label, "none" if value is None else escape(str(value))
    if name == "started":
        return label, f"{times.local(value):%Y-%m-%d %H:%M:%S}"
    if name.endswith("_s"):
        return label, durations.two_units(value)
    if name.endswith("bytes"):
        return label.removesuffix("bytes").strip() or "size", _in_bytes(value)
    return label, f"{value:,}"


def _in_bytes(amount: float) -> str:
    for size, unit in _BYTES:
        if amount >= size:
            return f"{amount / size:.1f} {unit}"
    return f"{amount:,} bytes"
