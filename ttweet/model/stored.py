"""The rules for tweets that are stored, whichever version of Python stored them; `tweets` has those for new ones.

Stored tweets are data: a rule that depends on this Python's Unicode tables is not applied to them again.
"""

from collections.abc import Sequence

from ttweet.model import hashtags, tweets
from ttweet.model.characters import is_settled, settled_form, with_letters
from ttweet.model.errors import Refused


def checked_text(text: str) -> str:
    """Return a text in the normal form that all versions agree on. Raises Refused `bad_text` or `too_long`."""
    return tweets.checked_text(text, settled_form)


def checked_name(name: str) -> str:
    """Return a name in the normal form that all versions agree on, also that of a query. Raises Refused `bad_name`."""
    return tweets.name_form(name, settled_form, with_letters)


def refuse_bad_tags(tags: Sequence[object]) -> None:
    """Raise Refused `bad_tag` for what cannot be the tags of one tweet."""
    seen: set[str] = set()
    for tag in tags:
        if not isinstance(tag, str) or len(tag) > tweets.MAX_CHARACTERS or not hashtags.may_be_body(tag):
            raise Refused("bad_tag", f"invalid tag {tag!a:.40}: use letters, digits and _")
        if (one := _identity(tag)) in seen:
            raise Refused("bad_tag", f"duplicate tag {tag!a:.40}")
        seen.add(one)


def _identity(tag: str) -> str:
    """Return a value that differs for any two tags of a tweet: the key by rule 1, where all versions fold alike."""
    return hashtags.key(tag, rule=1) if is_settled(tag) else tag
