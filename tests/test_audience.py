"""Following: history and live are one sequence for everybody, whoever is slow, comes back, or changes the tags."""

from tests.serving import serving
from ttweet.store import Store


async def test_history_comes_first_then_what_is_new(any_store: Store) -> None:
    async with serving(any_store) as here:
        poster, follower = await here.call(), await here.call()
        for text in ("one #a", "two #b", "three #a #b"):
            await poster.ask("u", text)
        assert await follower.ask("s", {"tags": ["A", "#b"], "after": 1}) == ("ok", {"from": 1})
        assert [data["id"] for _, data in await follower.answers(3)] == [2, 3, 3]
        await poster.ask("u", "four #c")
        await poster.ask("u", "five #b #a")
        kind, tweet = await follower.answer()
        assert (kind, tweet["id"], tweet["text"]) == ("m", 5, "five #b #a")
