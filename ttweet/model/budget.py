"""Limits on the bytes of a client's values, checked before any work that grows faster than the bytes.

Normalizing takes time quadratic in the marks on a letter, and a character may fold to eighteen. So every rule checks
the bytes of a value first, then its form.
"""

from ttweet.model.errors import Refused


def size(text: str) -> int:
    """Return the bytes of a text in UTF-8; a lone surrogate, which has none, counts as three."""
    return len(text) if text.isascii() else len(text.encode(errors="surrogatepass"))


def refuse_beyond(max_bytes: int, text: str, *, code: str, max_characters: int) -> None:
    """Raise Refused with this code for a text of more bytes than its characters may have."""
    if len(text) > max_characters and (bytes_ := size(text)) > max_bytes:
        raise Refused(code, f"too long: {bytes_} bytes; use at most {max_bytes} bytes, {max_characters} characters")
