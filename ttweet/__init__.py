"""ttweet: a tiny self-hosted Twitter for shells, scripts, classrooms and small teams.

For programs: `open` is a store in process, `Client` and `AsyncClient` talk to a server. Each is imported when it is
first used, so that `import ttweet` costs nothing.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ttweet.client.async_client import AsyncClient as AsyncClient
    from ttweet.client.async_follower import AsyncFollower as AsyncFollower
    from ttweet.client.cursor import FollowListener as FollowListener
    from ttweet.client.follower import Follower as Follower
    from ttweet.client.sync_client import Client as Client
    from ttweet.model.errors import ConnectError as ConnectError
    from ttweet.model.errors import OpenError as OpenError
    from ttweet.model.errors import Refused as Refused
    from ttweet.model.errors import StoreError as StoreError
    from ttweet.model.errors import TtweetError as TtweetError
    from ttweet.model.records import Count as Count
    from ttweet.model.records import Found as Found
    from ttweet.model.records import Page as Page
    from ttweet.model.records import TagPage as TagPage
    from ttweet.model.records import TagSummary as TagSummary
    from ttweet.model.records import Tombstone as Tombstone
    from ttweet.model.records import Tweet as Tweet
    from ttweet.protocol.replies import Stored as Stored
    from ttweet.storage.local import LocalStore as LocalStore
    from ttweet.storage.local import open as open  # noqa: A004

__version__ = "0.1.0"

_HOMES = {
    "AsyncClient": "client.async_client",
    "AsyncFollower": "client.async_follower",
    "Client": "client.sync_client",
    "ConnectError": "model.errors",
    "Count": "model.records",
    "FollowListener": "client.cursor",
    "Follower": "client.follower",
    "Found": "model.records",
    "LocalStore": "storage.local",
    "OpenError": "model.errors",
    "Page": "model.records",
    "Tombstone": "model.records",
    "Refused": "model.errors",
    "StoreError": "model.errors",
    "Stored": "protocol.replies",
    "TagPage": "model.records",
    "TagSummary": "model.records",
    "TtweetError": "model.errors",
    "Tweet": "model.records",
    "open": "storage.local",
}
__all__ = [*_HOMES, "__version__"]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'ttweet' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"ttweet.{home}"), name)
