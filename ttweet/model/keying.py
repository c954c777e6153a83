"""How search keys of tags are made: by which version of the rule, and by the Unicode tables of which Python."""

from typing import NamedTuple

from ttweet.model import hashtags
from ttweet.model.characters import UNICODE


class Keying(NamedTuple):
    """The version of the rule, and that of the Unicode tables."""

    rule: int
    unicode: str


OURS = Keying(hashtags.RULE, UNICODE)
