"""Choosing open places: they are held at once, for minutes; then named, given back, or open again."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from models.bookings import Booking, Hold
from models.database import Database
from models.vocabulary import HoldState, Role, SessionState
from scheduler import booking, cancellation, holding, rosters
from scheduler.idempotency import KeyedWrite
from scheduler.places_taken import lock_session
from scheduler.refusals import Code, Refusal, Refused
from tests import factories as make
from tests.scenes import ANY_SHARE, Firm, Scene, codes, scene

pytestmark = pytest.mark.asyncio

MINUTES = timedelta(minutes=15)
OVER = make.NOW + MINUTES


async def choose(
    at: Scene,
    people: int,
    *,
    firm: Firm | None = None,
    now: datetime = make.NOW,
    write: KeyedWrite | None = None,
    **given: Any,
) -> Hold:
    choice = holding.Choice(given.pop("session_id", at.session.id), people, **given)
    caller = (firm or at.firm).caller
    return await holding.choose_places(at.database, choice, write=write, caller=caller, now=now)


async def refused(at: Scene, people: int, **given: Any) -> list[Refusal]:
    before = (await at.entries(), await at.counts(), await at.held())
    with pytest.raises(Refused) as no:
        await choose(at, people, **given)
    assert (await at.entries(), await at.counts(), await at.held()) == before
    return list(no.value.reasons)


async def confirm(at: Scene, hold: Hold, *places: int, now: datetime = make.NOW) -> Sequence[Booking]:
    async with at.writing(now) as db:
        return await booking.confirm_hold(db, hold.id, at.firm.ids(*places), caller=at.firm.caller, now=now)


async def refused_confirm(at: Scene, hold: Hold, *places: int, now: datetime = make.NOW) -> list[str]:
    before = (await at.entries(), await at.counts(), await at.held())
    with pytest.raises(Refused) as no:
        await confirm(at, hold, *places, now=now)
    assert (await at.entries(), await at.counts(), await at.held()) == before
    return codes(no.value.reasons)


async def test_chosen_places_are_held_for_a_quarter_of_an_hour(database: Database) -> None:
    at = await scene(database, places=12)

    hold = await choose(at, 3)

    assert (hold.people, hold.named, hold.state, hold.held_until) == (3, 0, HoldState.HELD, OVER)
    assert await at.row(Hold, hold.id) == hold
    assert (await at.counts(), await at.held()) == ((0, 0), 3)
    assert await at.violations() == []


async def test_the_bureau_says_how_long_and_how_large_a_share(database: Database) -> None:
    at = await scene(database, places=10, policy={"hold_minutes": 30, "most_share_percent": 20})

    hold = await choose(at, 2)
    reasons = await refused(at, 1)

    assert hold.held_until == make.NOW + timedelta(minutes=30)
    assert reasons[0].message == (
        "A firm takes 2 places (20 %) of this session at most, and you have 2: choose fewer, or another session."
    )
    assert codes(reasons) == [Code.OVER_SHARE]


async def test_promised_places_are_no_part_of_a_firms_share(database: Database) -> None:
    at = await scene(database, places=10)
    promise = await at.promise(people=3)
    async with at.writing() as db:
        await booking.confirm_bookings(db, promise.id, at.firm.ids(0, 1), caller=at.firm.caller, now=make.NOW)

    assert (await choose(at, 4)).people == 4


async def test_names_use_a_hold_up_place_by_place(database: Database) -> None:
    at = await scene(database)
    hold = await choose(at, 3)

    booked = await confirm(at, hold, 1, 0)
    between = await at.row(Hold, hold.id)
    await confirm(at, hold, 2, now=OVER - timedelta(seconds=1))

    assert [row.worker_id for row in booked] == at.firm.ids(0, 1)
    assert (between.named, between.state) == (2, HoldState.HELD)
    assert await at.holds() == [HoldState.USED]
    assert (await at.counts(), await at.held(), await at.claimed()) == ((0, 3), 0, at.firm.ids(0, 1, 2))
    assert await at.violations() == []


async def test_a_wrong_name_leaves_the_hold_and_says_every_reason(database: Database) -> None:
    at = await scene(database)
    other = await at.another_firm()
    hold = await choose(at, 3)
    at.firm.workers[2] = other.workers[0]

    assert await refused_confirm(at, hold, 0, 2, 0) == [Code.NOT_YOUR_WORKER, Code.SAME_PERSON_TWICE]
    assert len(await confirm(at, hold, 0, 1)) == 2


async def test_a_group_gets_all_of_its_places_or_as_many_as_there_are(database: Database) -> None:
    at = await scene(database, places=3, policy=ANY_SHARE)
    await choose(at, 1, firm=await at.another_firm())

    reasons = await refused(at, 3)
    hold = await choose(at, 3, or_fewer=True)

    assert (codes(reasons), reasons[0].path) == ([Code.FULL], ("input", "people"))
    assert hold.people == 2
    assert codes(await refused(at, 1, or_fewer=True)) == [Code.FULL]


async def test_a_hold_that_is_over_takes_no_place_though_nobody_swept(database: Database) -> None:
    at = await scene(database, places=2, policy=ANY_SHARE)
    over = await choose(at, 2)
    other = await at.another_firm()

    early = await refused(at, 2, firm=other, now=OVER - timedelta(seconds=1))
    hold = await choose(at, 2, firm=other, now=OVER)

    assert codes(early) == [Code.FULL]
    assert (await at.row(Hold, over.id)).state is HoldState.LAPSED
    assert (hold.people, await at.held()) == (2, 2)
    assert await refused_confirm(at, over, 0, now=OVER) == [Code.HOLD_LAPSED]
    assert await at.violations() == []


async def test_a_worker_node_sweeps_what_is_over(database: Database) -> None:
    at = await scene(database)
    hold = await choose(at, 2)
    await confirm(at, hold, 0)

    async with at.writing(OVER) as db:
        due = (await db.exec(rosters.next_release())).one()
        swept = await rosters.release_due(db, OVER)

    assert (due, swept) == (OVER, 1)
    assert (await at.holds(), await at.held(), await at.counts()) == ([HoldState.LAPSED], 0, (0, 1))
    assert await at.violations() == []


async def test_a_hold_is_extended_once(database: Database) -> None:
    at = await scene(database)
    hold = await choose(at, 1)

    async with at.writing() as db:
        longer = await holding.extend_hold(db, hold.id, caller=at.firm.caller, now=make.NOW)
    with pytest.raises(Refused) as again:
        async with at.writing() as db:
            await holding.extend_hold(db, hold.id, caller=at.firm.caller, now=make.NOW)

    assert (longer.held_until, longer.is_extended) == (OVER + MINUTES, True)
    assert codes(again.value.reasons) == [Code.ALREADY_EXTENDED]
    assert len(await confirm(at, hold, 0, now=OVER)) == 1


async def test_held_places_are_given_back_once(database: Database) -> None:
    at = await scene(database)
    hold = await choose(at, 2)
    told: list[str] = []

    for _ in range(2):
        try:
            async with at.writing() as db:
                await holding.release_hold(db, hold.id, caller=at.firm.caller, now=make.NOW)
        except Refused as no:
            told += codes(no.reasons)

    assert told == [Code.WRONG_STATE]
    assert (await at.holds(), await at.held()) == ([HoldState.RELEASED], 0)
    assert await refused_confirm(at, hold, 0) == [Code.WRONG_STATE]


@pytest.mark.parametrize("people", [0, -1, 201, 10_000])
async def test_a_senseless_number_of_places_is_refused(database: Database, people: int) -> None:
    at = await scene(database)

    assert codes(await refused(at, people)) == [Code.OUT_OF_RANGE]


async def test_a_group_larger_than_the_session_is_sent_elsewhere(database: Database) -> None:
    at = await scene(database, places=4)
    larger = await at.another_session(places=20)

    (reason,) = await refused(at, 5)

    assert (reason.code, [other.session_id for other in reason.alternatives]) == (Code.OUT_OF_RANGE, [larger.id])


async def test_nobody_touches_anothers_hold_and_absent_ones_answer_alike(database: Database) -> None:
    at = await scene(database)
    hold = await choose(at, 1, firm=await at.another_firm())
    hold_ids, told = (hold.id, hold.id + 10**9), []

    for hold_id in hold_ids:
        for act in (holding.extend_hold, holding.release_hold):
            with pytest.raises(Refused) as no:
                async with at.writing() as db:
                    await act(db, hold_id, caller=at.firm.caller, now=make.NOW)
            told.append(no.value.reasons)

    assert codes([reason for reasons in told for reason in reasons]) == [Code.NOT_FOUND] * 4
    assert len(set(told)) == 1
    assert await at.holds() == [HoldState.HELD]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (SessionState.PROPOSED, Code.NOT_FOUND),
        (SessionState.FROZEN, Code.ROSTER_FROZEN),
        (SessionState.CANCELLED, Code.WRONG_STATE),
    ],
)
async def test_places_are_held_in_published_sessions_only(
    database: Database, state: SessionState, expected: Code
) -> None:
    at = await scene(database)
    other = await at.another_session(state=state)

    assert codes(await refused(at, 1, session_id=other.id)) == [expected]


async def test_a_session_of_another_bureau_is_not_there(database: Database) -> None:
    at, other = await scene(database), await scene(database)

    assert codes(await refused(at, 1, session_id=other.session.id)) == [Code.NOT_FOUND]


@pytest.mark.parametrize("role", [Role.OFFICE, Role.BUREAU, Role.EXAM_BODY, Role.EXAMINER, Role.AUDITOR])
async def test_only_firms_choose_places(database: Database, role: Role) -> None:
    at = await scene(database)
    official = Firm(at.firm.enterprise, await at.caller(role), [])

    assert codes(await refused(at, 1, firm=official)) == [Code.NOT_ALLOWED]


async def test_a_freeze_ends_holds_and_none_reaches_beyond_it(database: Database) -> None:
    at = await scene(database)
    moment = at.session.roster_freezes_at
    hold = await choose(at, 1, now=moment - timedelta(minutes=5))

    async with at.writing(moment) as db:
        await rosters.freeze_due(db, moment)

    assert hold.held_until == moment
    assert (await at.holds(), await at.held()) == ([HoldState.LAPSED], 0)
    assert await at.violations() == []


async def test_a_cancelled_session_lets_its_holds_go(database: Database) -> None:
    at = await scene(database)
    await choose(at, 2)

    async with at.writing() as db:
        session = await lock_session(db, at.session.id)
        await cancellation.cancel_sessions(db, [session], reason="storm", now=make.NOW)

    assert (await at.holds(), await at.held()) == ([HoldState.RELEASED], 0)
    assert await at.violations() == []


async def test_a_key_answers_alike_though_places_and_time_moved_on(database: Database) -> None:
    at = await scene(database, places=3, policy=ANY_SHARE)
    write = KeyedWrite(at.firm.caller.account_id, "k1", "three")

    first = await choose(at, 3, write=write)
    again = await choose(at, 3, write=write, now=OVER)
    full = KeyedWrite(at.firm.caller.account_id, "k2", "one")
    no = await told(at, 1, write=full)
    await confirm(at, first, 0)
    async with at.writing() as db:
        await holding.release_hold(db, first.id, caller=at.firm.caller, now=make.NOW)

    assert again == first
    assert codes(no) == [Code.OVER_SHARE]
    assert await told(at, 1, write=full) == no
    assert await told(at, 1, write=KeyedWrite(at.firm.caller.account_id, "k1", "another")) == [
        Refusal(Code.KEY_REUSED, "This idempotency key already stands for another write: use a fresh one.")
    ]
    assert await at.holds() == [HoldState.RELEASED]


async def told(at: Scene, people: int, *, write: KeyedWrite) -> list[Refusal]:
    with pytest.raises(Refused) as no:
        await choose(at, people, write=write)
    return list(no.value.reasons)
