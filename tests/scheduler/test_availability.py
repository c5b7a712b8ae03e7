"""What is shown as bookable is booked, and what is not is refused with the reason that was shown."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from models.database import Database
from tests.scheduler.bookable_world import desk

pytestmark = pytest.mark.asyncio

firm, session, who, people = st.integers(0, 2), st.integers(0, 2), st.integers(0, 7), st.integers(1, 4)
any_row = st.integers(0, 5)


def act(name: str, *given: st.SearchStrategy[int]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.tuples(st.just(name), *given)


hold = act("hold", firm, session, people, st.integers(0, 1))
book = act("book", firm, session, who, st.integers(0, 30))
wait = act("wait", firm, session, people)
step = st.one_of(
    hold, hold, hold, book, book, book, wait, wait,
    act("name", any_row, who), act("promised", who), act("move", any_row, session), act("leave", any_row),
    act("release", any_row), act("cancel", any_row), act("cancel", any_row), act("clock", st.integers(0, 2)),
    act("clock", st.integers(0, 3)), act("sweep"), act("window", session), act("apply", firm, session, who),
    act("resize", session, st.integers(1, 8)), act("call_off", session), act("recuse", firm),
)  # fmt: skip
walks = {
    "share": st.sampled_from([40, 100]),
    "passes": st.integers(0, 3),
    "steps": st.lists(step, min_size=8, max_size=30),
}
Steps = list[tuple[str, *tuple[int, ...]]]


async def walk(database: Database, share: int, passes: int, steps: Steps) -> None:
    at = await desk(database, share=share, passes=passes)
    for name, *numbers in steps:
        await at.act(name, *numbers)
    found = {one.invariant for one in await at.at.violations()}
    assert found <= {"certificates-earned"}  # those who hold one came to it outside this story


# A walk is a second long: making a failing one shorter would take longer than reading it.
ways = {"deadline": None, "phases": [Phase.generate], "suppress_health_check": [HealthCheck.function_scoped_fixture]}


@settings(max_examples=12, derandomize=True, **ways)
@given(**walks)
async def test_what_is_shown_is_booked_and_what_is_not_is_refused_as_shown(
    database: Database, share: int, passes: int, steps: Steps
) -> None:
    await walk(database, share, passes, steps)


@pytest.mark.long
@settings(max_examples=1000, **ways)
@given(**walks)
async def test_it_is_shown_rightly_on_long_walks(database: Database, share: int, passes: int, steps: Steps) -> None:
    await walk(database, share, passes, steps)
