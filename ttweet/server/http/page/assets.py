"""The style, the script and the icon of the pages, under a path that changes with them: browsers keep them for good."""

import re
from hashlib import sha256
from pathlib import Path

from ttweet.model.errors import Refused
from ttweet.server.http.call import Call
from ttweet.server.http.response import Response
from ttweet.server.http.routes import Route

_FOLDER = Path(__file__).parent / "assets"
_TYPES = {
    "style.css": "text/css; charset=utf-8",
    "live.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_STYLE_SPACES = re.compile(r"\s*([{};,>])\s*|(?<=:)\s+")
_SCRIPT_SPACES = re.compile(
    r" (=|=>|===|[-+*/<>]=?|&&|\|\||\?\?|\?|\|) |(?<=[,;{]) | (?=})"
)  # no text of ours has these


def _compact(name: str) -> bytes:
    """Return an asset without indentation, lines of comment and needless spaces: a quarter of its bytes."""
    lines = [line.strip() for line in (_FOLDER / name).read_text(encoding="utf-8").splitlines()]
    text = "\n".join([line for line in lines if line and not line.startswith(("//", "/*"))])
    if name.endswith(".css"):
        text = _STYLE_SPACES.sub(r"\1", text).replace(";}", "}")
    elif name.endswith(".js"):
        text = _SCRIPT_SPACES.sub(r"\1", text)
    return text.encode()


_BODIES = {name: _compact(name) for name in _TYPES}
_HASH = sha256(b"".join(_BODIES.values())).hexdigest()[:12]
_KEPT = (("Cache-Control", "public, max-age=31536000, immutable"),)


def path_of(name: str) -> str:
    """Return the path of an asset."""
    return f"/assets/{_HASH}/{name}"


def routes() -> list[Route]:
    """Return a route for each asset. They are free: the page for a client that is too fast needs them too."""
    return [
        *[
            Route("GET", f"/assets/{{hash}}/{name}", None, _serve, f"An asset of the pages: {name}", is_free=True)
            for name in _TYPES
        ],
        Route("GET", "/favicon.ico", None, _icon, "The icon, which browsers ask for beside JSON", is_free=True),
    ]


async def _icon(_: Call) -> Response:
    return Response(200, _BODIES["icon.svg"], _TYPES["icon.svg"], (("Cache-Control", "public, max-age=86400"),))


async def _serve(call: Call) -> Response:
    name = call.request.path.rpartition("/")[2]
    if call.values["hash"] != _HASH or name not in _BODIES:
        raise Refused("bad_operation", "no such asset: reload the page")
    return Response(200, _BODIES[name], _TYPES[name], _KEPT)
