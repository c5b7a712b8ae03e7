"""Waiting for places: joining, offers in order, passes that are counted, places that are kept, and how it ends."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.bookings import Booking, Hold, Waiting
from models.database import Database
from models.journal import OutboxMessage
from models.parties import Recusal
from models.vocabulary import AlternativeKind, HoldState, WaitingState
from scheduler import booking, booking_changes, cancellation, displaced, holding, rosters, waiting
from scheduler.places_taken import lock_session
from scheduler.queues import pass_on, positions
from scheduler.refusals import Alternative, Code, Refusal, Refused
from tests import factories as make
from tests.scenes import ANY_SHARE, Firm, Scene, codes, scene

pytestmark = pytest.mark.asyncio

# Monday at ten: an hour and a half is left of the morning, so four working hours end in the afternoon.
OFFER_ENDS = datetime(2026, 3, 2, 7, 30, tzinfo=UTC)


async def full_scene(database: Database, *, places: int, **policy: float) -> tuple[Scene, Sequence[Booking]]:
    """A session that a firm has booked out."""
    at = await scene(database, people=places, places=places, policy=ANY_SHARE | policy)
    async with at.writing() as db:
        rows = await booking.create_bookings(db, at.session.id, at.firm.ids(), caller=at.firm.caller, now=make.NOW)
    return at, rows


async def join(at: Scene, firm: Firm, people: int = 1, *, now: datetime = make.NOW, **wish: Any) -> Waiting:
    wished = wish if "exam_id" in wish else wish | {"session_id": at.session.id}
    async with at.writing(now) as db:
        return await waiting.join(db, waiting.Wish(people, **wished), caller=firm.caller, now=now)


async def refused_join(at: Scene, firm: Firm, people: int = 1, **wish: Any) -> list[Refusal]:
    before = (await at.entries(), await at.held())
    with pytest.raises(Refused) as no:
        await join(at, firm, people, **wish)
    assert (await at.entries(), await at.held()) == before
    return list(no.value.reasons)


async def cancel(at: Scene, row: Booking, *, now: datetime = make.NOW) -> None:
    async with at.writing(now) as db:
        await booking_changes.cancel_booking(db, row.id, caller=at.firm.caller, now=now)


async def hold_of(at: Scene, row: Waiting) -> Hold | None:
    """The latest places set aside for who waits."""
    async with at.database.reading() as db:
        aside = select(Hold).where(col(Hold.waiting_id) == row.id).order_by(col(Hold.id).desc())
        return (await db.exec(aside)).first()


async def states(at: Scene, *rows: Waiting) -> list[WaitingState]:
    return [(await at.row(Waiting, row.id)).state for row in rows]


async def told(at: Scene, subject: str) -> int:
    async with at.database.reading() as db:
        messages = await db.exec(select(OutboxMessage).where(col(OutboxMessage.subject).contains(subject)))
        return len(messages.all())


async def test_a_freed_place_is_offered_to_whoever_came_first_for_working_hours(database: Database) -> None:
    at, booked = await full_scene(database, places=2)
    first, second = await at.another_firm(), await at.another_firm()
    early, late = await join(at, first), await join(at, second)

    await cancel(at, booked[0])

    hold = await hold_of(at, early)
    assert hold is not None
    assert (hold.state, hold.people, hold.held_until) == (HoldState.HELD, 1, OFFER_ENDS)
    assert await states(at, early, late) == [WaitingState.OFFERED, WaitingState.WAITING]
    assert await told(at, "候补成功") == 1
    assert await at.violations() == []


async def test_an_offer_is_taken_by_naming_people(database: Database) -> None:
    at, booked = await full_scene(database, places=2)
    firm = await at.another_firm()
    row = await join(at, firm)
    await cancel(at, booked[0])
    hold = await hold_of(at, row)
    assert hold is not None

    async with at.writing() as db:
        await booking.confirm_hold(db, hold.id, firm.ids(0), caller=firm.caller, now=make.NOW)

    assert await states(at, row) == [WaitingState.SERVED]
    assert (await at.held(), await at.counts()) == (0, (0, 2))
    assert await at.violations() == []


async def test_an_offer_that_is_not_taken_moves_on_by_itself(database: Database) -> None:
    at, booked = await full_scene(database, places=1)
    early, late = await join(at, await at.another_firm()), await join(at, await at.another_firm())
    await cancel(at, booked[0])

    async with at.writing(OFFER_ENDS) as db:
        assert (await db.exec(rosters.next_release())).one() == OFFER_ENDS
        await rosters.release_due(db, OFFER_ENDS)

    assert await states(at, early, late) == [WaitingState.LAPSED, WaitingState.OFFERED]
    assert await at.violations() == []


async def test_an_offer_given_back_goes_to_the_next(database: Database) -> None:
    at, booked = await full_scene(database, places=1)
    firm = await at.another_firm()
    early, late = await join(at, firm), await join(at, await at.another_firm())
    await cancel(at, booked[0])

    async with at.writing() as db:
        await waiting.leave(db, early.id, caller=firm.caller, now=make.NOW)

    assert await states(at, early, late) == [WaitingState.LEFT, WaitingState.OFFERED]
    assert await at.violations() == []


async def test_a_large_group_is_passed_three_times_and_then_places_are_kept_until_it_fits(database: Database) -> None:
    at, booked = await full_scene(database, places=6)
    large = await join(at, await at.another_firm(), 2)
    small = [await join(at, await at.another_firm()) for _ in range(5)]

    for row in booked[:4]:
        await cancel(at, row)
    kept, between = await hold_of(at, large), await states(at, large, *small)
    await cancel(at, booked[4])

    assert between == [WaitingState.WAITING, *[WaitingState.OFFERED] * 3, *[WaitingState.WAITING] * 2]
    assert kept is not None
    assert (kept.state, kept.people) == (HoldState.KEPT, 1)
    assert (await at.row(Waiting, large.id)).passed == 3
    assert await states(at, large, *small[3:]) == [WaitingState.OFFERED, *[WaitingState.WAITING] * 2]
    assert await at.violations() == []


async def test_a_newcomer_passes_a_group_that_does_not_fit_and_it_is_counted(database: Database) -> None:
    at, booked = await full_scene(database, places=3, most_passes=1)
    large = await join(at, await at.another_firm(), 3)
    await cancel(at, booked[0])
    one, other = await at.another_firm(), await at.another_firm()
    choice = holding.Choice(at.session.id, 1)

    held = await holding.choose_places(database, choice, write=None, caller=one.caller, now=make.NOW)
    await cancel(at, booked[1])
    with pytest.raises(Refused) as no:
        await holding.choose_places(database, choice, write=None, caller=other.caller, now=make.NOW)

    assert held.people == 1
    assert (await at.row(Waiting, large.id)).passed == 1
    assert (codes(no.value.reasons), no.value.reasons[0].waiting) == ([Code.FULL], 1)
    assert await at.violations() == []


async def test_nobody_joins_the_same_queue_twice(database: Database) -> None:
    at, _ = await full_scene(database, places=2)
    firm, exam = await at.another_firm(), at.district.item.theory
    anywhere: dict[str, Any] = {"exam_id": exam.id, "most_km": 30.0, "until_day": date(2026, 4, 30)}
    await join(at, firm)
    await join(at, firm, **anywhere)

    assert codes(await refused_join(at, firm)) == [Code.ALREADY_WAITING]
    assert codes(await refused_join(at, firm, **anywhere)) == [Code.ALREADY_WAITING]


async def test_a_place_in_the_queue_survives_a_change(database: Database) -> None:
    at, booked = await full_scene(database, places=4)
    firm = await at.another_firm()
    early = await join(at, firm, 1)
    late = await join(at, await at.another_firm(), 1, now=make.NOW + timedelta(minutes=1))

    async with at.writing() as db:
        await waiting.change(db, early.id, waiting.Wish(2), caller=firm.caller, now=make.NOW)
    async with at.database.reading() as db:
        stands = await positions(db, [early.id, late.id])
    await cancel(at, booked[0])
    await cancel(at, booked[1])

    assert stands == {early.id: 1, late.id: 2}
    assert (await at.row(Waiting, early.id)).people == 2
    assert await states(at, early, late) == [WaitingState.WAITING, WaitingState.OFFERED]
    assert await at.violations() == []


async def test_any_session_near_enough_and_in_time_will_do(database: Database) -> None:
    at, _ = await full_scene(database, places=2)
    firm, exam = await at.another_firm(), at.district.item.theory
    far = await at.another_session(site={"latitude": 31.60})
    late = await at.another_session(day=date(2026, 5, 20))

    row = await join(at, firm, 2, exam_id=exam.id, most_km=20.0, until_day=date(2026, 4, 30))
    between = await states(at, row)
    near = await at.another_session(day=date(2026, 4, 21), places=0)
    async with at.writing() as db:
        session = await lock_session(db, near.id)
        session.places = 12
        await pass_on(db, session, now=make.NOW)

    assert between == [WaitingState.WAITING]
    assert await states(at, row) == [WaitingState.OFFERED]
    assert [await at.held(one.id) for one in (far, late, near)] == [0, 0, 2]
    assert await at.violations() == []


async def test_open_places_are_offered_to_one_who_joins(database: Database) -> None:
    at = await scene(database, places=12)
    near = await at.another_session()

    row = await join(at, at.firm, 3, exam_id=at.district.item.theory.id, most_km=50.0, until_day=date(2026, 4, 30))

    assert row.state is WaitingState.OFFERED
    assert {await at.held(), await at.held(near.id)} == {0, 3}
    assert await at.violations() == []


@pytest.mark.parametrize(
    ("people", "wish", "expected"),
    [
        (0, {}, Code.OUT_OF_RANGE),
        (10_000, {}, Code.OUT_OF_RANGE),
        (7, {}, Code.OUT_OF_RANGE),
        (1, {"session_id": 10**9}, Code.NOT_FOUND),
        (1, {"exam_id": 10**9}, Code.NOT_FOUND),
        (1, {"exam_id": 1}, Code.BAD_INPUT),
        (1, {"exam_id": 1, "most_km": -1.0, "until_day": date(2026, 4, 1)}, Code.OUT_OF_RANGE),
        (1, {"exam_id": 1, "most_km": 5.0, "until_day": date(2026, 3, 2)}, Code.OUT_OF_RANGE),
    ],
)
async def test_senseless_wishes_are_refused(
    database: Database, people: int, wish: dict[str, Any], expected: Code
) -> None:
    at, _ = await full_scene(database, places=6)
    firm = await at.another_firm()
    wished = wish or {"session_id": at.session.id}

    with pytest.raises(Refused) as no:
        async with at.writing() as db:
            await waiting.join(db, waiting.Wish(people, **wished), caller=firm.caller, now=make.NOW)

    assert {reason.code for reason in no.value.reasons} == {expected}


async def test_only_the_firm_itself_changes_or_leaves(database: Database) -> None:
    at, _ = await full_scene(database, places=2)
    row, other = await join(at, await at.another_firm()), await at.another_firm()

    async def leave(db: AsyncSession) -> Waiting:
        return await waiting.leave(db, row.id, caller=other.caller, now=make.NOW)

    async def change(db: AsyncSession) -> Waiting:
        return await waiting.change(db, row.id, waiting.Wish(2), caller=other.caller, now=make.NOW)

    for act in (leave, change):
        with pytest.raises(Refused) as no:
            async with at.writing() as db:
                await act(db)
        assert codes(no.value.reasons) == [Code.NOT_FOUND]
    assert await states(at, row) == [WaitingState.WAITING]


async def test_waiting_ends_with_the_freeze_and_with_its_last_day(database: Database) -> None:
    at, _ = await full_scene(database, places=2)
    bound = await join(at, await at.another_firm())
    days: dict[str, Any] = {"exam_id": at.district.item.theory.id, "most_km": 5.0, "until_day": date(2026, 4, 20)}
    anywhere = await join(at, await at.another_firm(), **days)
    over = datetime(2026, 4, 20, 16, 0, tzinfo=UTC)

    async with at.writing(at.session.roster_freezes_at) as db:
        await rosters.freeze_due(db, at.session.roster_freezes_at)
    async with at.writing(over) as db:
        due = (await db.exec(waiting.next_lapse())).one()
        await waiting.lapse_waits(db, over)

    assert due == over
    assert await states(at, bound, anywhere) == [WaitingState.LAPSED, WaitingState.LAPSED]
    assert await told(at, "候补结束") == 1
    assert await at.violations() == []


async def test_a_cancelled_session_takes_an_offer_back_but_not_the_turn(database: Database) -> None:
    at, booked = await full_scene(database, places=2)
    days: dict[str, Any] = {"exam_id": at.district.item.theory.id, "most_km": 5.0, "until_day": date(2026, 4, 20)}
    bound = await join(at, await at.another_firm())
    anywhere = await join(at, await at.another_firm(), **days)
    for row in booked:
        await cancel(at, row)

    async with at.writing() as db:
        session = await lock_session(db, at.session.id)
        await cancellation.cancel_sessions(db, [session], reason="storm", now=make.NOW)

    assert await states(at, bound, anywhere) == [WaitingState.LAPSED, WaitingState.WAITING]
    assert await at.violations() == []


async def test_full_says_how_many_wait_and_offers_another_date_another_site_and_a_part(database: Database) -> None:
    at, _ = await full_scene(database, places=4)
    await join(at, await at.another_firm())
    firm = await at.another_firm()
    async with at.writing() as db:
        same_site = await make.make_session(
            db,
            site=at.district.site,
            exam=at.district.item.theory,
            exam_body=at.district.exam_body,
            day=date(2026, 4, 22),
        )
    part = await at.another_session(places=1)
    elsewhere = await at.another_session(site={"latitude": 31.10})

    choice = holding.Choice(at.session.id, 3)
    with pytest.raises(Refused) as no:
        await holding.choose_places(database, choice, write=None, caller=firm.caller, now=make.NOW)

    (reason,) = no.value.reasons
    assert (reason.code, reason.waiting) == (Code.FULL, 1)
    assert reason.alternatives == (
        Alternative(same_site.id, AlternativeKind.OTHER_DATE, 3),
        Alternative(elsewhere.id, AlternativeKind.OTHER_SITE, 3),
        Alternative(part.id, AlternativeKind.SPLIT, 1),
    )


async def test_a_firm_that_an_examiner_must_not_examine_is_offered_nothing_there(database: Database) -> None:
    at, booked = await full_scene(database, places=2)
    firm, other = await at.another_firm(), await at.another_firm()
    days: dict[str, Any] = {"exam_id": at.district.item.theory.id, "most_km": 5.0, "until_day": date(2026, 4, 20)}
    row, late = await join(at, firm, **days), await join(at, other)
    async with at.writing() as db:
        db.add(Recusal(examiner_id=at.examiner.id, enterprise_id=firm.enterprise.id, reason="trained them"))

    await cancel(at, booked[0])

    assert await states(at, row, late) == [WaitingState.WAITING, WaitingState.OFFERED]
    assert codes(await refused_join(at, firm)) == [Code.STAFF_RECUSED]


async def test_whoever_loses_an_open_place_is_first_in_the_queue_and_offered_another_session(
    database: Database,
) -> None:
    at, _ = await full_scene(database, places=2)
    days: dict[str, Any] = {"exam_id": at.district.item.theory.id, "most_km": 50.0, "until_day": date(2026, 4, 20)}
    early = await join(at, await at.another_firm(), 2, **days)
    near = await at.another_session(places=2, day=date(2026, 4, 16))

    async with at.writing() as db:
        session = await lock_session(db, at.session.id)
        await cancellation.cancel_sessions(db, [session], reason="storm", now=make.NOW)
    async with at.writing() as db:
        due = (await db.exec(displaced.next_look())).one()
        looked = [await displaced.look_after_one(db, make.NOW), await displaced.look_after_one(db, make.NOW)]

    async with database.reading() as db:
        (row,) = (await db.exec(select(Waiting).where(col(Waiting.enterprise_id) == at.firm.enterprise.id))).all()
    assert (due, looked) == (make.NOW, [1, 0])
    assert (row.people, row.state, row.asked_at < early.asked_at) == (2, WaitingState.OFFERED, True)
    assert await states(at, early) == [WaitingState.WAITING]
    assert await at.held(near.id) == 2
    assert await told(at, "优先候补") == 1
    assert await at.violations() == []


async def test_a_firm_that_waits_already_waits_for_those_too(database: Database) -> None:
    at, _ = await full_scene(database, places=2)
    days: dict[str, Any] = {"exam_id": at.district.item.theory.id, "most_km": 5.0, "until_day": date(2026, 6, 20)}
    own = await join(at, at.firm, 1, **days)

    async with at.writing() as db:
        session = await lock_session(db, at.session.id)
        await cancellation.cancel_sessions(db, [session], reason="storm", now=make.NOW)

    row = await at.row(Waiting, own.id)
    assert (row.people, row.state, row.until_day) == (3, WaitingState.WAITING, date(2026, 7, 14))
    assert await at.violations() == []
