"""Streams of other threads, awaited by an event loop."""

import asyncio
import threading

import pytest

from backends.api.waiting import every, last, merged
from backends.core.errors import InvalidInput
from backends.core.phrase import Phrase
from backends.core.stream import Runner, Stream


@pytest.mark.parametrize("flows", [False, True], ids=["at once", "a moment later"])
def test_all_is_heard_in_order_however_fast_it_comes(flows: bool) -> None:
    async def heard() -> list[tuple[int, int]]:
        runner = Runner("numbers", 4)
        streams = [runner.start(lambda cancel: iter(range(2_000))) for _ in range(4)]
        found = [event async for events in merged(streams, flows=lambda: flows) for event in events]
        runner.close()
        return found

    found = asyncio.run(heard())
    for number in range(4):
        assert [value for stream, value in found if stream == number] == list(range(2_000))


def test_silence_is_told_and_an_error_comes_after_what_was_said() -> None:
    async def heard() -> list[list[tuple[int, str]]]:
        stream: Stream[str] = Stream()
        told: list[list[tuple[int, str]]] = []
        async for events in merged((stream,), ping=0.01):
            told.append(events)
            if len(told) == 1:
                stream.put("a")
                stream.fail(InvalidInput(Phrase("wrong", "错误")))
        return told

    with pytest.raises(InvalidInput):
        asyncio.run(heard())

    async def first() -> list[tuple[int, str]]:
        stream: Stream[str] = Stream()
        stream.put("a")
        stream.fail(InvalidInput(Phrase("wrong", "错误")))
        return await anext(aiter(merged((stream,))))

    assert asyncio.run(first()) == [(0, "a")]


def test_who_leaves_early_stops_them_all() -> None:
    streams: list[Stream[int]] = [Stream(), Stream()]

    async def heard() -> None:
        heard = merged(streams)
        streams[0].put(1)
        await anext(heard)
        await heard.aclose()

    asyncio.run(heard())
    assert all(stream.cancelled for stream in streams)


def test_what_is_said_when_the_loop_has_gone_harms_nobody() -> None:
    """A producer that was about to wake the loop when it closed."""
    wakes = []

    class Kept(Stream[int]):
        def on_wake(self, callback) -> None:
            if callback is not None:
                wakes.append(callback)
            super().on_wake(callback)

    async def heard(flows: bool) -> None:
        listening = merged((Kept(),), ping=0.001, flows=lambda: flows)
        await anext(listening)
        await listening.aclose()

    for flows in (False, True):
        asyncio.run(heard(flows))
    thread = threading.Thread(target=lambda: [wake() for wake in wakes])
    thread.start()
    thread.join()
    assert len(wakes) == 2


def test_the_last_event_and_all_of_them() -> None:
    async def heard() -> tuple[int | None, list[int], int | None]:
        runner = Runner("numbers", 3)
        streams = [runner.start(lambda cancel, to=to: iter(range(to))) for to in (5, 5, 0)]
        said = await last(streams[0]), await every(streams[1]), await last(streams[2])
        runner.close()
        return said

    assert asyncio.run(heard()) == (4, [0, 1, 2, 3, 4], None)
