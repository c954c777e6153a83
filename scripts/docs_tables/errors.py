"""The table of the error codes that a server sends."""

from ttweet.model.errors import WIRE_CODES


def codes() -> str:
    """Return the table of the error codes and their meanings."""
    rows = [f"| `{code}` | {meaning} |" for code, meaning in WIRE_CODES.items()]
    return "\n".join(["| code | meaning |", "| --- | --- |", *rows])
