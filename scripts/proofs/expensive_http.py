"""Requests by HTTP that cost as much as their bytes can: heads, cookies, bodies, queries, pages of heavy tweets."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from proofs.expensive import SCRIPTS, ExpensiveRequest, queries

HEAD_BYTES = 15_000  # of the 16 KiB that a head may have
BODY_BYTES = 16_000  # of the 16 KiB that a body may have
HTML = "Accept: text/html\r\n"
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"

HEADERS = {
    "a cookie of backslashes": 'Cookie: ttweet="' + "\\" * HEAD_BYTES + '"\r\n',
    "a cookie of many": "Cookie: " + "a=b; " * (HEAD_BYTES // 5) + "\r\n",
    "many headers": "x:\r\n" * (HEAD_BYTES // 4),
    "many languages": "Accept: " + "a/b;q=0.1," * (HEAD_BYTES // 10) + "\r\n",
    "many versions": "If-None-Match: " + '"a", ' * (HEAD_BYTES // 5) + "\r\n",
    "many hops": "X-Forwarded-For: " + "1.2.3.4, " * (HEAD_BYTES // 9) + "\r\n",
    "a long token": "Authorization: Bearer " + "t" * HEAD_BYTES + "\r\n",
    "an odd host": "Host: " + "[" * HEAD_BYTES + "\r\n",
}
"""Heads that take a parser long."""

PATHS = (
    "/?limit=200",
    "/tweets.json?limit=200",
    "/tweets.txt?limit=200",
    "/tweets.atom?limit=200",
    "/tags?limit=200",
    "/tags/common?limit=200",
    "/tags/a,b,c,d,e,f,g,h?limit=200",
    "/big",
    "/find?q=w&limit=200",
    "/tweets.ndjson?poll=1&after=0",
    "/find.ndjson?poll=1&after=0&q=nosuch",
    "/tweets.sse?as=html&poll=1",
    "/" + "a/" * (HEAD_BYTES // 2),
    "/" + "%41" * (HEAD_BYTES // 3),
    "/find?q=" + "&q=" * (HEAD_BYTES // 3),
    "/openapi.json",
    "/metrics",
)
"""Pages and lists as long as they can be, and paths that are long."""

BODIES = {
    "many fields": "a=&" * (BODY_BYTES // 3),
    "percent signs": "text=" + "%" * (BODY_BYTES - 5),
    "escapes": "text=" + "%CD%85" * (BODY_BYTES // 6),
    "lines": "text=" + "%0D%0A" * (BODY_BYTES // 6),
}
"""Forms that take a parser long."""


def requests() -> Iterator[ExpensiveRequest]:
    """All of them. The server ends each connection."""
    for name, headers in HEADERS.items():
        for path in ("/tweets.json", "/login", "/nowhere"):
            yield _request(f"GET {path} with {name}", "GET", path, headers)
    for path in PATHS:
        yield _request(f"GET {path[:40]}", "GET", path)
        yield _request(f"GET {path[:40]} as a page", "GET", path, HTML)
    for name, body in BODIES.items():
        for path in ("/tweets", "/login", "/nowhere"):
            yield _request(f"POST {path} of {name}", "POST", path, FORM + HTML, body)
    for script, unit in SCRIPTS.items():
        yield from _in_script(script, unit)


def _in_script(script: str, unit: str) -> Iterator[ExpensiveRequest]:
    text = unit * (BODY_BYTES // len(unit.encode()))
    yield _request(f"POST text of 16 KB {script}", "POST", "/tweets", "Content-Type: text/plain\r\n", text)
    long = quote(unit) * (HEAD_BYTES // len(quote(unit)))
    for path in ("/tags/", "/by/", "/find?q="):
        yield _request(f"GET {path} 15 KB {script}", "GET", path + long, HTML)
    for what, query in queries(unit).items():
        for path, headers in (("/find?limit=200&q=", HTML), ("/find.ndjson?poll=1&after=0&q=", "")):
            yield _request(f"GET {path} {what} {script}", "GET", path + quote(query), headers)


def _request(name: str, method: str, path: str, headers: str = "", body: str = "") -> ExpensiveRequest:
    host = "" if "Host:" in headers else "Host: localhost\r\n"
    length = f"Content-Length: {len(body.encode())}\r\n" if body else ""
    head = f"{method} {path} HTTP/1.1\r\n{host}Connection: close\r\n{headers}{length}\r\n"
    return ExpensiveRequest(f"http {name}", (head + body).encode())
