"""The name and the tags of a user's tweets: an option, else a variable of the environment. Quick to import."""

from __future__ import annotations

import os

from ttweet.cli import shell
from ttweet.model.errors import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "TTWEET_AS"
TAGS = "TTWEET_TAG"


def given_name(name: str | None) -> str | None:
    """Return the name of --as, else that of TTWEET_AS. Raises UsageError."""
    if name is None and (name := os.environ.get(NAME) or None):
        check_name(name, f"{NAME}: ")
    return name


def given_tags(tags: Sequence[str] | None) -> list[str]:
    """Return the tags of --tag, else those of TTWEET_TAG, between spaces. Raises UsageError."""
    if tags is None:
        tags = os.environ.get(TAGS, "").split()
        check_tags(tags, f"{TAGS}: ")
    return [*tags]


def check_name(name: str, source: str = "") -> None:
    """Refuse a name that no server takes, before anything is begun. Raises UsageError, which begins with the source."""
    _refuse_impossible(source, "", name=name)


def check_tags(tags: Sequence[str], source: str = "") -> None:
    """Refuse tags that no server takes. Raises UsageError, which begins with the source."""
    if tags:
        _refuse_impossible(source, "a text", tags=tags)


def _refuse_impossible(source: str, text: str, *, tags: Sequence[str] = (), name: str | None = None) -> None:
    from ttweet.model.tweets import refuse_impossible  # most commands have neither

    try:
        checked = [shell.checked_text(tag, "a tag") for tag in tags]
        refuse_impossible(text, tags=checked, by=None if name is None else shell.checked_text(name, "the name"))
    except (Refused, shell.UsageError) as error:
        raise shell.UsageError(f"{source}{shell.sentence(error)}") from error
