"""A function is called after its delay, unless it is called off before."""

import trio

from ttweet.cluster.alarm import Alarm


async def test_an_alarm_rings_while_its_context_lasts_and_not_after_it(autojump_clock: object) -> None:
    alarm, rung = Alarm(), list[float]()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(alarm.run)
        start = trio.current_time()
        for waited_s in (1.0, 3.0, 1.0, 3.0):
            with alarm.ringing(2.0, lambda: rung.append(trio.current_time() - start)):
                await trio.sleep(waited_s)
        nursery.cancel_scope.cancel()
    assert rung == [3.0, 7.0]
