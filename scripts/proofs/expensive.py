"""Well-formed requests that cost as much as their bytes can: every field at its limit, in texts of every script."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

from proofs.caller import frame

SCRIPTS = {
    "ascii": "a",
    "digits": "7",
    "latin, composed": "\u00e9",
    "latin, decomposed": "e\u0301",
    "two marks out of order": "\u0345\u0334",
    "many marks": "a\u0345\u0334\u0301\u0327\u0323",
    "hangul": "\uac01",
    "hangul, decomposed": "\u1100\u1161\u11a8",
    "han": "\u6f22",
    "han, compatible": "\uf900",
    "kana with a mark": "\u304b\u3099",
    "arabic": "\u0645",
    "one that folds to 18": "\ufdfa",
    "ligature": "\ufb03",
    "sharp s": "\u00df",
    "dotted I": "\u0130",
    "greek that folds to three": "\u0390",
    "hebrew with points": "\ufb2c",
    "musical, longer in NFC": "\U0001d160",
    "mathematical": "\U0001d41a",
    "devanagari": "\u0915\u093c",
    "tibetan": "\u0f73",
    "fullwidth": "\uff21",
    "joiners": "a\u200d",
    "emoji family": "\U0001f468\u200d\U0001f469",
    "tag characters": "\U000e0061",
    "hash signs": "#a",
    "addresses": "a.bc/#",
}
"""A unit of each, to be repeated: what normal forms and folding make longer, or take long for."""

TEXTS = {
    "75 tags": "#a" * 75,
    "75 tags of digits": "#1" * 75,
    "hosts": "a." * 74 + "#",
    "schemes": "a://" * 37,
    "slashes": "/#" * 75,
    "a long host": "a" * 70 + ".com/" + "#" * 75,
    "dots": "a.b-c." * 25,
    "keycaps": "#\ufe0f\u20e3" * 50,
    "selectors": "\ufe0f#" * 75,
}
"""Texts that take the rule of hashtags long."""

PLAIN = (
    ("l", ""),
    ("l", {"limit": 200, "numbers": True}),
    ("d", ""),
    ("w", ""),
    ("i", ""),
    ("p", ""),
    ("c", ""),
    ("t", {"tag": "a", "limit": 200}),
    ("t", {"tag": "x", "limit": 10**18}),
    ("g", {"by": "nobody", "limit": 200}),
    ("x", 1),
    ("x", 2**63 - 1),
    ("s", ""),
    ("s", {"after": 0}),
    ("s", {"after": 0, "deletions": True}),
    ("s", {"tags": ["nosuch"], "after": 0}),
    ("s", {"query": "nosuch", "after": 0}),
    ("f", ""),
    ("f", {"limit": 200}),
    ("f", {"query": "", "count": True}),
    ("f", {"query": "nosuch since:1970", "limit": 200}),
    ("f", "(" * 15_000),
    ("f", '"' * 300),
    ("o", 1),
    ("o", 2**63 - 1),
    ("u", {"x" * 15_000: 1}),
    ("u", {str(n): n for n in range(1_500)}),
    ("u", {"text": "x", "tags": [[[[1] * 100] * 10] * 3]}),
    ("u", 1e308),
    ("u", {"text": "x", "key": "k" * 128}),
    ("q" * 15_000, ""),
    ("a", "x" * 15_000),
)
"""Every operation, with data that is long, deep, wide or wrong."""

FRAME_BYTES = 15_900  # of the 16 KiB that a frame may have
READ_BYTES = 4096  # as many frames at once as one read of the server takes
TAGS = 32  # of an upload at most
QUERY_TERMS = 20
TAG_BYTES = 450  # 150 characters of three bytes
SIZES = (32, 128, 150, 450, 600, 601, 4_000, 15_000)
OPERATIONS = ("u", "u", "u", "s", "s", "t", "g", "n", "r")


class ExpensiveRequest(NamedTuple):
    """Frames that are sent at once; what they may cost is a matter of their bytes, their number and their tags."""

    name: str
    data: bytes
    frames: int = 1
    tags: int = 0

    @classmethod
    def of(cls, name: str, operation: str, data: object, times: int = 1) -> ExpensiveRequest:
        """The frame, so many times."""
        return cls(name, frame(operation, data) * times, times, times * _tags(operation, data))


def requests(chance: random.Random, number_random: int) -> Iterator[ExpensiveRequest]:
    """All of them: most are refused."""
    for script, unit in SCRIPTS.items():
        yield from _names(script, unit)
        yield from _texts(script, unit)
        yield from _tagged(script, unit)
        yield from _queries(script, unit)
    for what, text in TEXTS.items():
        yield ExpensiveRequest.of(f"u text of {what}", "u", text)
        yield ExpensiveRequest.of(f"u 8 texts of {what}", "u", text, 8)
    for operation, data in PLAIN:
        name = f"{operation[:10]} {str(data)[:40]}"
        yield ExpensiveRequest.of(name, operation, data)
        yield ExpensiveRequest.of(
            f"{name}, as many as one read takes",
            operation,
            data,
            max(1, READ_BYTES // len(frame(operation, data))),
        )
    for _ in range(number_random):
        yield _random(chance)


def _names(script: str, unit: str) -> Iterator[ExpensiveRequest]:
    long = _bytes_of(unit, FRAME_BYTES)
    yield ExpensiveRequest.of(f"g 16 KB {script}", "g", long)
    yield ExpensiveRequest.of(f"g since login 16 KB {script}", "g", {"by": long, "login": True})
    yield ExpensiveRequest.of(f"n 16 KB {script}", "n", long)
    yield ExpensiveRequest.of(f"n 32 characters {script}", "n", (unit * 32)[:32])


def _texts(script: str, unit: str) -> Iterator[ExpensiveRequest]:
    lengths = {
        "16 KB": _bytes_of(unit, FRAME_BYTES),
        "150 characters": (unit * 150)[:150],
        "600 bytes": _bytes_of(unit, 600),
    }
    for what, text in lengths.items():
        for operation in ("t", "u", "r"):
            yield ExpensiveRequest.of(f"{operation} {what} {script}", operation, text)
        yield ExpensiveRequest.of(f"u key of {what} {script}", "u", {"text": "x", "key": text})


def _tagged(script: str, unit: str) -> Iterator[ExpensiveRequest]:
    tag = _bytes_of(unit, min(FRAME_BYTES // TAGS - 10, TAG_BYTES))[:147]
    tags = [f"{tag}{number:02}" for number in range(TAGS)]
    yield ExpensiveRequest.of(f"u 32 tags {script}", "u", {"text": "x", "tags": tags})
    yield ExpensiveRequest.of(f"s 32 tags {script}", "s", {"tags": tags, "after": 0})
    thousands = FRAME_BYTES // (len(unit.encode()) + 3) - 10
    yield ExpensiveRequest.of(f"s {thousands} tags {script}", "s", {"tags": [unit] * thousands})
    again = [frame("u", {"text": "x", "tags": [f"{one}{turn}" for one in tags]}) for turn in range(8)]
    yield ExpensiveRequest(f"u 8 x 32 tags {script}", b"".join(again), 8, 8 * TAGS)


def queries(unit: str) -> dict[str, str]:
    """Return queries of this text that are as long as the server takes, by their kinds."""
    word = (unit * 12)[:12]
    return {
        "one phrase": f'"{(unit * 298)[:298]}"',
        "words": " ".join([word] * QUERY_TERMS),
        "prefixes": " ".join([f"{word}*"] * QUERY_TERMS),
        "tags": " ".join([f"tag:{word[:9]}"] * QUERY_TERMS),
        "exclusions": " ".join(["x", *[f"-{word}"] * (QUERY_TERMS - 1)]),
        "excluded tags": " ".join(["x", *[f"-tag:{word[:8]}"] * (QUERY_TERMS - 1)]),
    }


def _queries(script: str, unit: str) -> Iterator[ExpensiveRequest]:
    yield ExpensiveRequest.of(f"f 16 KB {script}", "f", _bytes_of(unit, FRAME_BYTES))
    for what, query in queries(unit).items():
        yield ExpensiveRequest.of(f"f {what} {script}", "f", {"query": query, "limit": 200})
        yield ExpensiveRequest.of(f"f count of {what} {script}", "f", {"query": query, "count": True})
        yield ExpensiveRequest.of(f"s query of {what} {script}", "s", {"query": query, "after": 0})


def _random(chance: random.Random) -> ExpensiveRequest:
    operation = chance.choice(OPERATIONS)
    data: object = _mixed(chance, chance.choice(SIZES))
    if operation == "u":
        data = _random_upload(chance)
    elif operation == "s":
        data = {"tags": _random_tags(chance), "after": chance.choice((0, 1, 10**6))}
    return ExpensiveRequest.of(f"random {operation} {str(data)[:50]!a}", operation, data)


def _random_upload(chance: random.Random) -> dict[str, object]:
    upload: dict[str, object] = {"text": _mixed(chance, chance.choice((1, 150, 600))), "scan": chance.random() < 0.5}
    if chance.random() < 0.7:
        upload["tags"] = _random_tags(chance)
    if chance.random() < 0.4:
        upload["key"] = _mixed(chance, chance.choice((36, 128, 500)))
    return upload


def _random_tags(chance: random.Random) -> list[str]:
    number = chance.randint(1, TAGS)
    return [_mixed(chance, min(TAG_BYTES, 14_000 // number)) for _ in range(number)]


def _mixed(chance: random.Random, size: int) -> str:
    """So many bytes at most of several scripts."""
    unit = "".join(chance.choices(list(SCRIPTS.values()), k=chance.randint(1, 4)))
    return (unit * (size // len(unit.encode()) + 1)).encode()[:size].decode(errors="ignore")


def _bytes_of(unit: str, size: int) -> str:
    return unit * (size // len(unit.encode()))


def _tags(operation: str, data: object) -> int:
    """How many tags an upload may bring: those that are named, and those in its text."""
    if operation != "u":
        return 0
    text, named = (data.get("text", ""), data.get("tags", ())) if isinstance(data, dict) else (data, ())
    return len(named) + str(text).count("#")


_new = count(10**6)  # tags that no upload had before


def new_tags(number: int, unit: str = "") -> list[str]:
    """So many, each of this text with a number."""
    return [f"{unit}{next(_new):x}x" for _ in range(number)]


def uploads(number: int, unit: str = "", common: str | None = None) -> ExpensiveRequest:
    """So many uploads with 31 new tags each, and one that they all have."""
    shared = [common] if common else []
    frames = [frame("u", {"text": "x", "tags": [*shared, *new_tags(TAGS - 1, unit)]}) for _ in range(number)]
    return ExpensiveRequest(f"{number} uploads with {TAGS - 1} new tags", b"".join(frames), number, number * TAGS)
