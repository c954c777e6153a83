"""Lines that no ttweet sends, and lines that look like one of another kind: a server may be any program."""

import json

TWEET: dict[str, object] = {"id": 1, "at": 1, "by": None, "text": "x", "tags": []}


def frame(kind: object, data: object) -> bytes:
    return json.dumps([kind, data]).encode()


HOSTILE = [
    b"",
    b"\r",
    b"\xff\xfe",
    b"HTTP/1.1 400 Bad Request",
    b"220 mail.example.org ESMTP",
    b"\x16\x03\x01\x02\x00",
    b"1",
    b"null",
    b'"ok"',
    b'"m{"',
    b"{}",
    b"[]",
    b"[[]]",
    b"[{}]",
    b"[null,null]",
    b"[true,{}]",
    b"[[],[]]",
    b'[{"ok":1},{}]',
    b'["ok"]',
    b'["ok",1,2]',
    b'["ok",NaN]',
    b'["ok",' + b"9" * 5000 + b"]",
    b'["ok",1e999]',
    b'["m",' + b"[" * 100_000,
    b'["p"]',
    b'["p","",""]',
    b'["what",{}]',
    frame("ok", {"id": "1"}),
    frame("ok", {"id": -1, "at": 1, "tags": []}),
    frame("err", None),
    frame("err", {}),
    frame("err", "busy"),
    frame("err", {"code": "busy"}),
    frame("err", {"code": 7, "text": "x"}),
    frame("err", {"code": "two words", "text": "x"}),
    frame("err", {"code": "b\n", "text": "x"}),
    frame("m", None),
    frame("m", {}),
    *[frame("m", TWEET | {field: [{}]}) for field in TWEET],
    frame("m", TWEET | {"text": "\ud800"}),
    frame("m", TWEET | {"at": 10**30}),
    frame("x", {"id": 1}),
    frame("e", {"id": None}),
    frame("g", []),
]
"""Lines that are no frame of a server. Each stands without its LF."""

STRANGE = [
    b' [ "err" , {"code":"busy","text":"hello"} ]',
    b'["\\u0065rr",{"code":"busy","text":"hello"}]',
    b'["err",{"code":"of_a_later_version","text":"hello"}]',
    b'\t["err",{"code":"token","text":"\\u001b]0;owned\\u0007"}]\r',
]
"""Errors as a server may spell them."""
