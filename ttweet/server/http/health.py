"""The health of a server, for programs that start it again or send no clients to it. It needs no right."""

from ttweet.server.http.call import Call
from ttweet.server.http.forms import NEVER_KEPT
from ttweet.server.http.response import Response


async def live(_: Call) -> Response:
    """Answer, which says that the event loop does."""
    return Response(200, b"ok\n", headers=NEVER_KEPT)


async def ready(call: Call) -> Response:
    """Tell whether the server would store a tweet. The reason is in its log, and in `ttweet stats`."""
    if call.session.service.in_trouble:
        return Response(503, b"not ready: the server cannot store, or cannot read\n", headers=NEVER_KEPT)
    return Response(200, b"ok\n", headers=NEVER_KEPT)
