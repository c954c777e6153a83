"""The lines of `follow --format`: `'{time} {by} {text}'` with the fields of a tweet."""

from collections.abc import Callable, Mapping
from string import Formatter

from ttweet.cli import output, shell
from ttweet.model import times
from ttweet.model.reports import escape
from ttweet.model.tweets import Tweet

FIELDS: Mapping[str, Callable[[Tweet], object]] = {
    "id": lambda tweet: tweet.id,
    "at": lambda tweet: output.iso(tweet.at),
    "date": lambda tweet: f"{times.local(tweet.at):%Y-%m-%d}",
    "time": lambda tweet: f"{times.local(tweet.at):%H:%M:%S}",
    "by": lambda tweet: escape(tweet.by or "-"),
    "text": lambda tweet: escape(tweet.text),
    "tags": lambda tweet: escape(" ".join([f"#{tag}" for tag in tweet.tags])),
}
_EXAMPLE = Tweet(1, 0, None, "text", ())


def parse(template: str) -> Callable[[Tweet], str]:
    r"""Return the function that makes the line of a tweet. `\t` and `\n` in the template are a tab and a new line.

    Raises UsageError for an unknown field, with the known ones.
    """
    text = shell.checked_text(template, "--format").replace(r"\t", "\t").replace(r"\n", "\n")

    def line(tweet: Tweet) -> str:
        return text.format(**{name: value(tweet) for name, value in FIELDS.items()})

    try:
        for _, name, width, _ in Formatter().parse(text):
            if name is not None and (name not in FIELDS or "{" in (width or "")):
                raise ValueError(name)
        line(_EXAMPLE)
    except ValueError as exc:
        known = ", ".join([f"{{{name}}}" for name in FIELDS])
        raise shell.UsageError(f"invalid --format {shell.quoted(template)}: use {known}, and {{{{ for a brace") from exc
    return line
