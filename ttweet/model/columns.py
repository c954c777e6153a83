"""How many columns of a terminal characters take, at most: terminals differ in the newest emoji."""

import unicodedata

_AS_EMOJI = "\ufe0f"  # behind a character that may be narrow as text, such as a heart


def width_of(text: str) -> int:
    """Return how many columns a text takes."""
    return len(text) if text.isascii() else sum(map(width_of_character, text))


def width_of_character(character: str) -> int:
    """Return how many columns a character takes beside the one before it."""
    if unicodedata.category(character) in ("Mn", "Me", "Cf") and character != _AS_EMOJI:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
