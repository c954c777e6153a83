"""ttweet: a tiny self-hosted Twitter for shells, scripts, classrooms and small teams.

For programs: `open` is a store in process, `Client` and `AsyncClient` talk to a server. Each is imported when it is
first used, so that `import ttweet` costs nothing.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ttweet.async_client import AsyncClient as AsyncClient
    from ttweet.async_client import AsyncFollower as AsyncFollower
    from ttweet.client import Client as Client
    from ttweet.client import Stored as Stored
    from ttweet.cursor import Watcher as Watcher
    from ttweet.errors import ConnectError as ConnectError
    from ttweet.errors import OpenError as OpenError
    from ttweet.errors import Refused as Refused
    from ttweet.errors import StoreError as StoreError
    from ttweet.errors import TtweetError as TtweetError
    from ttweet.follower import Follower as Follower
    from ttweet.local import LocalStore as LocalStore
    from ttweet.local import open as open  # noqa: A004
    from ttweet.tweets import Page as Page
    from ttweet.tweets import TagPage as TagPage
    from ttweet.tweets import TagSummary as TagSummary
    from ttweet.tweets import Tweet as Tweet

__version__ = "0.1.0"

_HOMES = {
    "AsyncClient": "async_client",
    "AsyncFollower": "async_client",
    "Client": "client",
    "ConnectError": "errors",
    "Follower": "follower",
    "LocalStore": "local",
    "OpenError": "errors",
    "Page": "tweets",
    "Refused": "errors",
    "StoreError": "errors",
    "Stored": "client",
    "TagPage": "tweets",
    "TagSummary": "tweets",
    "TtweetError": "errors",
    "Tweet": "tweets",
    "Watcher": "cursor",
    "open": "local",
}
__all__ = [*_HOMES, "__version__"]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'ttweet' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"ttweet.{home}"), name)
