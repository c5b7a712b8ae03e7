"""A ranked window: opened, applied for, ranked at its date, and nobody comes first while it stands."""

from datetime import date, timedelta

import pytest
from sqlmodel import col, select

from models.bookings import Booking, Hold
from models.database import Database
from models.sessions import Session
from models.vocabulary import ApplicationState, WaitingState, WindowState
from models.windows import Application, RankedWindow
from scheduler import (
    applying,
    awarding,
    booking,
    booking_changes,
    cancellation,
    holding,
    moving,
    rosters,
    waiting,
)
from scheduler.places_taken import places_at
from scheduler.ranking import commitment
from scheduler.refusals import Code, Refused
from tests import factories as make
from tests.scenes import ANY_SHARE, codes, scene
from tests.windowing import (
    UNTIL,
    apply,
    check_result,
    failed,
    not_renewed,
    open_window,
    queue,
    rank,
    refused_apply,
    states,
    told,
    windowed,
)

pytestmark = pytest.mark.asyncio

WON = [ApplicationState.PLACED]


async def test_nobody_holds_books_moves_or_waits_past_a_window(database: Database) -> None:
    at, _ = await windowed(database, places=4)
    other = await at.another_session(places=3, day=date(2026, 4, 20))
    async with at.writing() as db:
        (elsewhere,) = await booking.create_bookings(db, other.id, at.firm.ids(0), caller=at.firm.caller, now=make.NOW)
    before = await at.entries()
    found = []

    async def hold() -> None:
        choice = holding.Choice(at.session.id, 1, or_fewer=True)
        await holding.choose_places(at.database, choice, write=None, caller=at.firm.caller, now=make.NOW)

    async def book() -> None:
        async with at.writing() as db:
            await booking.create_bookings(db, at.session.id, at.firm.ids(1), caller=at.firm.caller, now=make.NOW)

    async def move() -> None:
        async with at.writing() as db:
            await moving.move_booking(db, elsewhere.id, at.session.id, caller=at.firm.caller, now=make.NOW)

    async def wait() -> None:
        async with at.writing() as db:
            wish = waiting.Wish(1, session_id=at.session.id)
            await waiting.join(db, wish, caller=at.firm.caller, now=make.NOW)

    for act in (hold, book, move, wait):
        with pytest.raises(Refused) as no:
            await act()
        found.append(no.value.reasons[0])

    assert codes(found) == ["RANKED_WINDOW"] * 4
    assert all("apply until 2026-03-09 10:00" in reason.message for reason in found)
    assert {each.session_id for reason in found[:2] for each in reason.alternatives} == {other.id}
    assert await at.entries() == before
    assert await at.violations() == []


async def test_a_window_shows_no_place_as_open_to_whoever_comes_first(database: Database) -> None:
    at, _ = await windowed(database)
    async with at.database.reading() as db:
        assert (await places_at(db, [at.session.id], now=make.NOW))[at.session.id].open == 0


async def test_what_is_freed_while_a_window_stands_is_ranked_with_the_rest(database: Database) -> None:
    at = await scene(database, places=3, policy=ANY_SHARE)
    async with at.writing() as db:
        rows = await booking.create_bookings(db, at.session.id, at.firm.ids(0, 1), caller=at.firm.caller, now=make.NOW)
    window, firm = await open_window(at), await at.another_firm(2)
    applied = await apply(at, window, firm, together=False)

    async with at.writing() as db:
        await booking_changes.cancel_booking(db, rows[0].id, caller=at.firm.caller, now=make.NOW)
    await rank(at)

    assert await states(at, *applied) == WON * 2
    assert (await at.row(RankedWindow, window.id)).document["places"] == 2
    await check_result(at, window)


async def test_the_ranking_books_its_winners_and_queues_the_others_in_their_order(database: Database) -> None:
    at, window = await windowed(database, places=2)
    firms = [await at.another_firm(1) for _ in range(4)]
    # The later the day, the later the turn.
    rows = [(await apply(at, window, firm, now=make.NOW + timedelta(days=3 - n)))[0] for n, firm in enumerate(firms)]

    assert await rank(at) == 1

    assert await states(at, *rows) == [ApplicationState.QUEUED] * 2 + WON * 2
    assert await at.booked() == sorted([*firms[2].ids(), *firms[3].ids()])
    assert [(row.enterprise_id, row.state) for row in await queue(at)] == [
        (firms[1].enterprise.id, WaitingState.WAITING),
        (firms[0].enterprise.id, WaitingState.WAITING),
    ]
    assert [(await at.row(Application, row.id)).position for row in rows] == [4, 3, 2, 1]
    assert len(await told(at, "中签")) == len(await told(at, "排序候补")) == 2
    await check_result(at, window)


async def test_what_is_left_after_a_window_is_open_to_whoever_comes_first(database: Database) -> None:
    at, window = await windowed(database, places=3)
    await apply(at, window, at.firm, 0)

    await rank(at)

    choice = holding.Choice(at.session.id, 2)
    hold = await holding.choose_places(
        at.database, choice, write=None, caller=(await at.another_firm()).caller, now=UNTIL
    )
    assert hold.people == 2
    assert await at.violations() == []


async def test_a_deadline_comes_before_waiting_and_an_earlier_one_first(database: Database) -> None:
    at, window = await windowed(database, places=1)
    plain, retaking, expiring = [await at.another_firm(1) for _ in range(3)]
    await failed(at, retaking, date(2025, 6, 3))
    await not_renewed(at, expiring, expires_on=date(2026, 5, 1))
    rows = [
        (await apply(at, window, firm, now=make.NOW + timedelta(days=day)))[0]
        for day, firm in enumerate((plain, retaking, expiring))
    ]

    await rank(at)

    kept = [await at.row(Application, row.id) for row in rows]
    assert [row.position for row in kept] == [3, 2, 1]
    assert [row.deadline for row in kept] == [None, date(2026, 6, 3), date(2026, 5, 1)]
    # The scene tells nothing of the exams behind the old certificate.
    await check_result(at, window, apart_from=frozenset({"certificates-earned"}))


async def test_the_last_exam_and_the_last_own_cancellation_count_as_late_as_an_application(database: Database) -> None:
    at = await scene(database, places=4, policy=ANY_SHARE)
    sat, gave_up, lost, plain, missed = [await at.another_firm(1) for _ in range(5)]
    await failed(at, sat, date(2026, 3, 5))
    await failed(at, missed, date(2025, 3, 5))
    earlier = await at.another_session(places=4, day=date(2026, 4, 20))
    async with at.writing() as db:
        (mine,) = await booking.create_bookings(db, earlier.id, gave_up.ids(), caller=gave_up.caller, now=make.NOW)
        await booking.create_bookings(db, earlier.id, lost.ids(), caller=lost.caller, now=make.NOW)
    window = await open_window(at)
    day = timedelta(days=1)
    async with at.database.writing(actor=gave_up.caller.actor, now=make.NOW + 3 * day) as db:
        await booking_changes.cancel_booking(db, mine.id, caller=gave_up.caller, now=make.NOW + 3 * day)
    async with at.writing(make.NOW + 4 * day) as db:
        session = (await db.exec(select(Session).where(col(Session.id) == earlier.id))).one()
        await cancellation.cancel_sessions(db, [session], reason="a storm", now=make.NOW + 4 * day)

    rows = [
        (await apply(at, window, firm, now=make.NOW + n * day))[0]
        for firm, n in ((sat, 0), (plain, 1), (lost, 5), (gave_up, 2.5), (missed, 6))
    ]
    await rank(at)

    assert [(await at.row(Application, row.id)).since for row in rows] == [
        date(2026, 3, day) for day in (5, 3, 7, 5, 8)
    ]
    assert (await at.row(Application, rows[-1].id)).deadline is None  # what is past cannot be met any more
    await check_result(at, window)


async def test_a_cancellation_after_applying_moves_one_back(database: Database) -> None:
    at = await scene(database, places=1, policy=ANY_SHARE)
    other = await at.another_session(places=4, day=date(2026, 5, 20), exam=at.district.item.theory)
    steady, hesitant = await at.another_firm(1), await at.another_firm(1)
    window = await open_window(at)
    (first,) = await apply(at, window, hesitant)
    (second,) = await apply(at, window, steady, now=make.NOW + timedelta(days=1))
    later = make.NOW + timedelta(days=2)
    async with at.database.writing(actor=hesitant.caller.actor, now=later) as db:
        (row,) = await booking.create_bookings(db, other.id, hesitant.ids(), caller=hesitant.caller, now=later)
        await booking_changes.cancel_booking(db, row.id, caller=hesitant.caller, now=later)

    await rank(at)

    assert await states(at, first, second) == [ApplicationState.QUEUED, ApplicationState.PLACED]
    assert (await at.row(Application, first.id)).since == date(2026, 3, 4)


async def test_whoever_was_replaced_gave_the_place_up_and_whoever_came_instead_did_not(database: Database) -> None:
    at = await scene(database, places=2, policy=ANY_SHARE)
    other = await at.another_session(places=4, day=date(2026, 5, 20))
    window, firm, later = await open_window(at), await at.another_firm(2), make.NOW + timedelta(days=2)
    (gone,) = await apply(at, window, firm, 0)
    async with at.database.writing(actor=firm.caller.actor, now=later) as db:
        (row,) = await booking.create_bookings(db, other.id, firm.ids(0), caller=firm.caller, now=later)
        await booking_changes.substitute_booking(db, row.id, firm.ids(1)[0], caller=firm.caller, now=later)
    over = later + timedelta(days=1)
    async with at.database.writing(actor="test", now=over) as db:
        session = (await db.exec(select(Session).where(col(Session.id) == other.id))).one()
        await cancellation.cancel_sessions(db, [session], reason="a storm", now=over)
    (came,) = await apply(at, window, firm, 1, now=over)

    await rank(at)

    assert [(await at.row(Application, each.id)).since for each in (gone, came)] == [date(2026, 3, 4), date(2026, 3, 5)]
    await check_result(at, window)


async def test_a_group_stands_where_its_last_would_stand_and_sits_together_or_not_at_all(database: Database) -> None:
    at, window = await windowed(database, places=3)
    group, single, urgent = await at.another_firm(3), await at.another_firm(1), await at.another_firm(1)
    await failed(at, group, date(2025, 4, 30))
    await failed(at, urgent, date(2025, 6, 30))
    (together,) = await apply(at, window, group)
    (alone,) = await apply(at, window, single, now=make.NOW + timedelta(days=1))
    (first,) = await apply(at, window, urgent)

    await rank(at)

    # Its one urgent member does not carry the group before the other firm's; and two places are too few for three.
    assert [(await at.row(Application, row.id)).position for row in (first, together, alone)] == [1, 2, 3]
    assert await states(at, first, together, alone) == [
        ApplicationState.PLACED, ApplicationState.QUEUED, ApplicationState.PLACED,
    ]  # fmt: skip
    assert [row.people for row in await queue(at)] == [3]
    await check_result(at, window)


async def test_as_many_as_there_are_places_for_come_where_they_apply_one_by_one(database: Database) -> None:
    at, window = await windowed(database, places=3)
    await apply(at, window, await at.another_firm(1))

    rows = await apply(at, window, at.firm, 0, 1, 2, together=False, now=make.NOW + timedelta(days=1))
    await rank(at)

    assert sorted(await states(at, *rows)) == [ApplicationState.PLACED] * 2 + [ApplicationState.QUEUED]
    assert len(await at.booked()) == 3
    await check_result(at, window)


async def test_who_found_no_place_gets_the_next_that_is_given_back(database: Database) -> None:
    at, window = await windowed(database, places=1)
    first, second = await at.another_firm(1), await at.another_firm(1)
    await apply(at, window, first)
    (lost,) = await apply(at, window, second, now=make.NOW + timedelta(days=1))
    await rank(at)
    async with at.database.reading() as db:
        won = (await db.exec(select(Booking))).one()

    async with at.writing(UNTIL) as db:
        await booking_changes.cancel_booking(db, won.id, caller=first.caller, now=UNTIL)
    async with at.database.reading() as db:
        offer = (await db.exec(select(Hold).where(col(Hold.enterprise_id) == second.enterprise.id))).one()
    async with at.writing(UNTIL) as db:
        await booking.confirm_hold(db, offer.id, second.ids(), caller=second.caller, now=UNTIL)

    assert (await at.row(Application, lost.id)).state is ApplicationState.QUEUED
    assert [row.state for row in await queue(at)] == [WaitingState.SERVED]
    assert await at.booked() == second.ids()
    assert await at.violations() == []


async def test_whoever_waited_before_the_window_comes_before_those_who_found_no_place(database: Database) -> None:
    at = await scene(database, people=2, places=2, policy=ANY_SHARE)
    early, late = await at.another_firm(2), await at.another_firm(2)
    async with at.writing() as db:
        (row, _) = await booking.create_bookings(db, at.session.id, at.firm.ids(), caller=at.firm.caller, now=make.NOW)
        await waiting.join(db, waiting.Wish(2, session_id=at.session.id), caller=early.caller, now=make.NOW)
        await booking_changes.cancel_booking(db, row.id, caller=at.firm.caller, now=make.NOW)
    window = await open_window(at)
    await apply(at, window, late)
    await rank(at)

    assert [each.enterprise_id for each in await queue(at)] == [early.enterprise.id, late.enterprise.id]
    assert await at.violations() == []


async def test_everybody_is_judged_by_every_rule_when_applying(database: Database) -> None:
    at, window = await windowed(database, places=4)
    stranger = await at.another_firm(1)
    async with at.writing() as db:
        young = await make.make_worker(db, enterprise=at.firm.enterprise, born_on=date(2009, 1, 1))
    at.firm.workers = [at.firm.workers[0], young, stranger.workers[0], at.firm.workers[0]]

    found = await refused_apply(at, window, at.firm)

    assert codes(found) == ["TOO_YOUNG", "NOT_YOUR_WORKER", "SAME_PERSON_TWICE"]
    assert [reason.path for reason in found] == [("input", "workerIds", str(at)) for at in (1, 2, 3)]
    assert [reason.worker_id for reason in found] == [worker.id for worker in at.firm.workers[1:]]


async def test_nobody_applies_twice_for_an_exam_and_may_again_after_withdrawing(database: Database) -> None:
    at, window = await windowed(database, places=3)
    other = await at.another_session(places=3, day=date(2026, 4, 22))
    elsewhere = await open_window(at, other)
    (row,) = await apply(at, window, at.firm, 0, 1)

    again = await refused_apply(at, window, at.firm, 1, 2)
    there = await refused_apply(at, elsewhere, at.firm, 0)
    async with at.writing() as db:
        await applying.withdraw(db, row.id, caller=at.firm.caller, now=make.NOW)
    (second,) = await apply(at, elsewhere, at.firm, 0)

    assert [(reason.code, reason.path[-1]) for reason in again] == [(Code.ALREADY_APPLIED, "0")]
    assert codes(there) == ["ALREADY_APPLIED"]
    assert await states(at, row, second) == [ApplicationState.WITHDRAWN, ApplicationState.APPLIED]
    assert await at.violations() == []


async def test_a_firm_applies_for_no_more_than_its_share(database: Database) -> None:
    at, window = await windowed(database, places=5, policy={"most_share_percent": 40.0})
    await apply(at, window, at.firm, 0)

    found = await refused_apply(at, window, at.firm, 1, 2, together=False)
    await apply(at, window, at.firm, 1)

    assert codes(found) == ["OVER_SHARE"]
    assert "2 places" in found[0].message


async def test_whoever_found_a_place_elsewhere_meanwhile_is_not_ranked_and_told_why(database: Database) -> None:
    at, window = await windowed(database, places=3)
    other = await at.another_session(places=3, day=date(2026, 4, 22))
    (alone,) = await apply(at, window, at.firm, 0)
    (group,) = await apply(at, window, at.firm, 1, 2)
    async with at.writing() as db:
        await booking.create_bookings(db, other.id, at.firm.ids(0, 1), caller=at.firm.caller, now=make.NOW)

    await rank(at)

    assert await states(at, alone, group) == [ApplicationState.UNFIT, ApplicationState.PLACED]
    assert (await at.row(Application, group.id)).people == 1
    assert await at.booked() == at.firm.ids(2)
    assert all("already has a place" in body for body in await told(at, "未参加排序"))
    assert len(await told(at, "未参加排序")) == 2
    await check_result(at, window)


@pytest.mark.parametrize("late", [timedelta(0), timedelta(days=3)])
async def test_no_clock_waits_for_a_sweeper(database: Database, late: timedelta) -> None:
    """Applications and withdrawals end at their date; whoever then wants a place has the window ranked first."""
    at, window = await windowed(database, places=2)
    winner, comer = await at.another_firm(1), await at.another_firm(2)
    (row,) = await apply(at, window, winner)
    now = UNTIL + late

    found = await refused_apply(at, window, comer, 0, now=now)
    with pytest.raises(Refused) as no:
        async with at.writing(now) as db:
            await applying.withdraw(db, row.id, caller=winner.caller, now=now)
    async with at.writing(now) as db:
        await booking.create_bookings(db, at.session.id, comer.ids(0), caller=comer.caller, now=now)

    assert codes(found) == codes(no.value.reasons) == ["TOO_LATE"]
    assert await states(at, row) == WON
    assert await at.booked() == sorted([*winner.ids(), comer.ids(0)[0]])
    assert await rank(at, now=now) == 0
    await check_result(at, window)


async def test_who_comes_too_late_to_an_overdue_window_is_told_that_it_is_full(database: Database) -> None:
    at, window = await windowed(database, places=1)
    (row,) = await apply(at, window, await at.another_firm(1))
    comer = await at.another_firm(1)

    with pytest.raises(Refused) as no:
        async with at.writing(UNTIL) as db:
            await booking.create_bookings(db, at.session.id, comer.ids(), caller=comer.caller, now=UNTIL)
    async with at.database.reading() as db:
        assert (await db.exec(awarding.next_ranking())).one() == UNTIL
    await rank(at)

    assert codes(no.value.reasons) == ["FULL"]
    assert await states(at, row) == WON


async def test_a_window_is_void_where_its_session_is_cancelled_or_freezes_unranked(database: Database) -> None:
    at, window = await windowed(database)
    frozen = await at.another_session(places=3, day=date(2026, 4, 22))
    async with at.writing() as db:
        await booking.create_bookings(db, frozen.id, at.firm.ids(4), caller=at.firm.caller, now=make.NOW)
    second = await open_window(at, frozen)
    rows = [(await apply(at, window, at.firm, 0))[0], (await apply(at, second, at.firm, 1))[0]]

    async with at.writing(frozen.roster_freezes_at) as db:
        session = (await db.exec(select(Session).where(col(Session.id) == at.session.id))).one()
        await cancellation.cancel_sessions(db, [session], reason="a storm", now=frozen.roster_freezes_at)
        await rosters.freeze_due(db, frozen.roster_freezes_at)

    assert await states(at, *rows) == [ApplicationState.VOID] * 2
    assert [(await at.row(RankedWindow, each.id)).state for each in (window, second)] == [WindowState.VOID] * 2
    assert len(await told(at, "排序取消")) == 2
    assert await rank(at, now=frozen.roster_freezes_at) == 0
    assert await at.violations() == []


async def test_the_seed_is_committed_to_before_anybody_applies_and_told_with_the_result(database: Database) -> None:
    at, window = await windowed(database)
    await apply(at, window, at.firm, 0)
    await rank(at)
    ranked = await at.row(RankedWindow, window.id)

    assert ranked.document is not None
    assert ranked.document["seed_hash"] == commitment(ranked.document["seed"]) == window.seed_hash
    assert ranked.document["hash"] == ranked.result_hash
