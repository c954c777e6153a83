"""The table of the events that a server prints."""

from ttweet.model.events import FIELDS
from ttweet.server.event_lines import TEXTS


def table() -> str:
    """Return the table of the events: the words of each in a line of text, and its fields as JSON."""
    rows = [f"| `{kind}` | {_words(TEXTS[kind])} | {fields} |" for kind, fields in FIELDS.items()]
    return "\n".join(["| event | text | fields of its own |", "| --- | --- | --- |", *rows])


def _words(text: str | None) -> str:
    return "" if text is None else f"`{text}`"
