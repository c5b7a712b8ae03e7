"""The line in front of the desk."""

import asyncio

import pytest

from scheduler.line import Line
from scheduler.refusals import Code, Refused

pytestmark = pytest.mark.asyncio


async def test_whoever_comes_to_a_full_line_is_told_when_to_come_again() -> None:
    line = Line(2)

    async with line.turn(), line.turn():
        with pytest.raises(Refused) as no:
            async with line.turn():
                pass

    (reason,) = no.value.reasons
    assert (reason.code, reason.retry_ms) == (Code.BUSY, 20)
    assert reason.message == "More people book than can be served at once: ask again in 20 ms, with the same key."


async def test_a_turn_that_ends_makes_room_even_where_it_failed() -> None:
    line = Line(1)

    with pytest.raises(ZeroDivisionError):
        async with line.turn():
            _ = 1 / 0

    async with line.turn():
        pass


async def test_the_slower_the_turns_the_later_one_is_told_to_come() -> None:
    line = Line(1)
    for _ in range(3):
        async with line.turn():
            await asyncio.sleep(0.3)

    async with line.turn():
        with pytest.raises(Refused) as no:
            async with line.turn():
                pass

    assert (no.value.reasons[0].retry_ms or 0) > 20
