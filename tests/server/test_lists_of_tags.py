"""Clients see a list of tags that is kept for all: never less than they know already."""

from typing import Any

from tests.support.serving import Caller, serving


async def tags(caller: Caller) -> list[str]:
    _, data = await caller.ask("l", "")
    return [one["tag"] for one in data["tags"]]


async def post(caller: Caller, text: str) -> Any:
    kind, data = await caller.ask("u", text)
    assert kind == "ok"
    return data["id"]


async def test_a_list_of_tags_counts_what_its_client_posted_and_for_a_new_client_all() -> None:
    async with serving() as here:
        asker, poster = await here.call(), await here.call()
        await post(poster, "#a")
        assert await tags(asker) == ["a"]
        for _ in range(2):  # or the order would be that of times, which may be one millisecond
            await post(poster, "#b")
        assert await tags(poster) == ["b", "a"]
        assert await tags(await here.call()) == ["b", "a"]
        await asker.send(*[("u", "#c")] * 3, ("l", ""))
        *_, (_, listed) = await asker.answers(4)
        assert [one["tag"] for one in listed["tags"]] == ["c", "b", "a"]


async def test_a_list_of_tags_counts_what_its_client_was_pushed() -> None:
    async with serving() as here:
        follower, poster = await here.call(), await here.call()
        assert await tags(follower) == []
        await follower.send(("s", {"after": 0}))
        await follower.answers(2)  # it follows, and has caught up
        await post(poster, "#a")
        assert [kind for kind, _ in await follower.answers(1)] == ["m"]
        assert await tags(follower) == ["a"]


async def test_a_deleted_tweet_is_in_no_list_of_tags_any_more() -> None:
    async with serving() as here:
        asker, poster = await here.call(), await here.call()
        id_ = await post(poster, "#a")
        assert await tags(asker) == ["a"]
        assert (await poster.ask("x", id_))[0] == "ok"
        assert await tags(asker) == []
