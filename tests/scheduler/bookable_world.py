"""Firms at a desk with everything that may stand in their way, who ask what they can book before each try."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any, TypeVar

from sqlalchemy.dialects.postgresql import insert

from models.bookings import Booking, Promise
from models.database import Database
from models.parties import Recusal, Worker
from models.sessions import Session
from models.vocabulary import Attendance, Education, Part, Role, SessionState
from scheduler import applying, awarding, booking, booking_changes, cancellation, holding, moving, rosters, waiting
from scheduler.availability import Availability, availability_of, most_places
from scheduler.callers import Caller
from scheduler.refusals import Alternative, Code, Refusal, Refused
from scheduler.session_places import PlacesOrder, set_places
from scheduler.windows import open_window
from tests import factories as make
from tests.scenes import Firm, Scene, make_firm, scene

PLACES, ANYWHERE = 6, 2
CLOCK = (timedelta(minutes=10), timedelta(minutes=20), timedelta(days=3), timedelta(days=45))
desks = count()  # numbers of citizens born on one day are few
OF_PLACES = {Code.FULL, Code.OVER_SHARE, Code.RANKED_WINDOW, Code.STAFF_RECUSED}
T = TypeVar("T")
Said = list[tuple[Code, str, int | None]]


class OnlyTriedError(Exception):
    """The way out of a transaction that was only to show what would have been answered."""


def said(reasons: Sequence[Refusal]) -> Said:
    """What a client reads of a refusal."""
    return [(reason.code, reason.message, reason.worker_id) for reason in reasons]


async def tried(act: Awaitable[T]) -> tuple[T | None, Said]:
    """What an act answers, or why it was refused."""
    try:
        return await act, []
    except Refused as refused:
        return None, said(refused.reasons)


@dataclass
class Desk:
    """Two theory sessions and a gated practical, firms whose people may come or not, and a clock."""

    at: Scene
    bureau: Caller
    sessions: list[Session]
    firms: list[Firm]
    promise: Promise
    now: datetime = make.NOW
    holds: list[tuple[Firm, int]] = field(default_factory=list)
    bookings: list[tuple[Firm, int]] = field(default_factory=list)
    waits: list[tuple[Firm, int]] = field(default_factory=list)
    windows: dict[int, tuple[int, datetime]] = field(default_factory=dict)

    async def act(self, name: str, *given: int) -> None:
        """Do one thing; whatever only makes the ground uneven may be refused."""
        act: Callable[..., Awaitable[None]] = getattr(self, name)
        if name in ("hold", "book", "name", "promised", "move"):
            await act(*given)
            return
        with suppress(Refused):
            await act(*given)

    async def hold(self, firm: int, session: int, people: int, or_fewer: int) -> None:
        """So many places are had if they are shown; as many as there are, if any is."""
        asking = self.firms[firm]
        shown = await self.shown(asking, session, people=1 if or_fewer else people)
        is_sure, choice = not self.is_overdue(session), self.choice(session, people, or_fewer=bool(or_fewer))
        made, no = await tried(
            holding.choose_places(self.at.database, choice, write=None, caller=asking.caller, now=self.now)
        )
        if made is None:
            assert not is_sure or [one[0] for one in no] == [one[0] for one in said(shown.reasons)]
            assert not is_sure or or_fewer or no == said(shown.reasons)
            await self.is_had_elsewhere(asking, choice)
            return
        self.holds.append((asking, made.id))
        assert not is_sure or made.people == min(people, shown.places)

    async def book(self, firm: int, session: int, one: int, other: int) -> None:
        """People are booked if nothing is shown to stand against them, and refused for what is."""
        asking = self.firms[firm]
        ids = asking.ids(*((one,) if other > len(asking.workers) else (one, other % len(asking.workers))))
        shown, is_sure = await self.shown(asking, session, worker_ids=ids), not self.is_overdue(session)

        async def book() -> Sequence[Booking]:
            async with self.at.writing(self.now) as db:
                key = self.sessions[session].id
                return await booking.create_bookings(db, key, ids, caller=asking.caller, now=self.now)

        made, no = await tried(book())
        assert not is_sure or no == said(shown.reasons)
        self.bookings += [(asking, row.id) for row in made or ()]

    async def name(self, hold: int, who: int) -> None:
        """Into held places goes everybody against whom nothing is shown."""
        if not self.holds:
            return
        firm, key = self.holds[hold % len(self.holds)]
        async with self.at.writing(self.now) as db:
            held = await holding.own_hold(db, key, caller=firm.caller)
        await self.is_named(firm, held.session_id, who, lambda db, ids: booking.confirm_hold(
            db, key, ids, caller=firm.caller, now=self.now
        ))  # fmt: skip

    async def promised(self, who: int) -> None:
        """And into the places that the allocator's plan promised."""
        firm = self.firms[0]
        await self.is_named(firm, self.promise.session_id, who, lambda db, ids: booking.confirm_bookings(
            db, self.promise.id, ids, caller=firm.caller, now=self.now
        ))  # fmt: skip

    async def is_named(self, firm: Firm, session_id: int, who: int, confirm: Callable[..., Awaitable[Any]]) -> None:
        ids = firm.ids(who)
        async with self.at.database.reading() as db:
            shown = await availability_of(db, session_id, worker_ids=ids, caller=firm.caller, now=self.now)
        against = [one for one in said(shown.reasons) if one[2] is not None]

        async def name() -> Sequence[Booking]:
            async with self.at.writing(self.now) as db:
                return await confirm(db, ids)

        made, no = await tried(name())
        if made is None:
            assert [one for one in no if one[2] is not None] in ([], against)
            return
        assert against == []
        self.bookings += [(firm, row.id) for row in made]

    async def move(self, row: int, session: int) -> None:
        """Who moves takes one place there, which is had if it is shown."""
        if not self.bookings:
            return
        firm, key = self.bookings[row % len(self.bookings)]
        shown, is_sure = await self.shown(firm, session), not self.is_overdue(session)

        async def move() -> Booking:
            async with self.at.writing(self.now) as db:
                return await moving.move_booking(db, key, self.sessions[session].id, caller=firm.caller, now=self.now)

        made, no = await tried(move())
        if made is not None or (no[0][2] is None and no[0][0] in OF_PLACES):
            assert not is_sure or no == said(shown.reasons)

    async def shown(self, firm: Firm, session: int, **asked: Any) -> Availability:
        """What a firm is told that it can have; a page of sessions says the same."""
        key, caller = self.sessions[session].id, firm.caller
        async with self.at.database.reading() as db:
            shown = await availability_of(db, key, caller=caller, now=self.now, **asked)
            assert (await most_places(db, [key], caller=caller, now=self.now))[key] == shown.places
        return shown

    def choice(self, session: int, people: int, *, or_fewer: bool) -> holding.Choice:
        return holding.Choice(self.sessions[session].id, people, or_fewer=or_fewer)

    async def is_had_elsewhere(self, firm: Firm, choice: holding.Choice) -> None:
        """Each alternative in the refusal of a choice takes what is said of it."""
        others: Sequence[Alternative] = ()
        try:
            await holding.choose_places(self.at.database, choice, write=None, caller=firm.caller, now=self.now)
        except Refused as refused:
            others = [other for reason in refused.reasons for other in reason.alternatives]
        for other in others:
            with suppress(OnlyTriedError):
                async with self.at.writing(self.now) as db:
                    elsewhere = holding.Choice(other.session_id, other.places)
                    await holding.hold_open(db, elsewhere, caller=firm.caller, now=self.now)
                    raise OnlyTriedError

    def is_overdue(self, session: int) -> bool:
        """Between the end of a window and its ranking nobody can know: whoever comes next has it ranked."""
        return session in self.windows and self.windows[session][1] <= self.now

    async def wait(self, firm: int, session: int, people: int) -> None:
        theory, last = self.at.district.item.theory.id, date(2026, 6, 1)
        anywhere = waiting.Wish(people, exam_id=theory, most_km=50, until_day=last)
        wish = anywhere if session == ANYWHERE else waiting.Wish(people, self.sessions[session].id)
        async with self.at.writing(self.now) as db:
            row = await waiting.join(db, wish, caller=self.firms[firm].caller, now=self.now)
        self.waits.append((self.firms[firm], row.id))

    async def leave(self, wait: int) -> None:
        if self.waits:
            firm, key = self.waits[wait % len(self.waits)]
            async with self.at.writing(self.now) as db:
                await waiting.leave(db, key, caller=firm.caller, now=self.now)

    async def release(self, hold: int) -> None:
        if self.holds:
            firm, key = self.holds[hold % len(self.holds)]
            async with self.at.writing(self.now) as db:
                await holding.release_hold(db, key, caller=firm.caller, now=self.now)

    async def cancel(self, row: int) -> None:
        if self.bookings:
            firm, key = self.bookings[row % len(self.bookings)]
            async with self.at.writing(self.now) as db:
                await booking_changes.cancel_booking(db, key, caller=firm.caller, now=self.now)

    async def clock(self, step: int) -> None:
        self.now += CLOCK[step]

    async def sweep(self) -> None:
        for job in (rosters.release_due, awarding.rank_due, rosters.freeze_due, waiting.lapse_waits):
            async with self.at.writing(self.now) as db:
                await job(db, self.now)

    async def window(self, session: int) -> None:
        until = self.now + timedelta(days=1)
        async with self.at.writing(self.now) as db:
            key = self.sessions[session].id
            row = await open_window(db, key, until, caller=self.bureau, now=self.now)
        self.windows[session] = row.id, until

    async def apply(self, firm: int, session: int, who: int) -> None:
        if session in self.windows:
            asking = self.firms[firm]
            bid = applying.Bid(self.windows[session][0], tuple(asking.ids(who)), together=True)
            async with self.at.writing(self.now) as db:
                await applying.apply(db, bid, caller=asking.caller, now=self.now)

    async def resize(self, session: int, places: int) -> None:
        async with self.at.writing(self.now) as db:
            order = PlacesOrder(self.sessions[session].id, places, "a truck is broken")
            await set_places(db, order, caller=self.bureau, now=self.now)

    async def call_off(self, session: int) -> None:
        async with self.at.writing(self.now) as db:
            key = self.sessions[session].id
            await cancellation.call_off(db, key, "flood", caller=self.bureau, now=self.now)

    async def recuse(self, firm: int) -> None:
        enterprise_id = self.firms[firm].enterprise.id
        row = insert(Recusal).values(examiner_id=self.at.examiner.id, enterprise_id=enterprise_id, reason="a brother")
        async with self.at.writing(self.now) as db:
            await db.exec(row.on_conflict_do_nothing())


async def sat_before(at: Scene, workers: Sequence[Worker], *, mark: float, day: date) -> None:
    """Results in the theory of a session that is held: passed, or failed on the day of one that is to come."""
    exam, rule = at.district.item.theory, at.district.item.theory_rule
    held = await at.another_session(day=day, part=Part.PM, state=SessionState.HELD, places=PLACES)
    async with at.writing() as db:
        held = await db.get_one(Session, held.id)
        for worker in workers:
            row = await make.make_booking(db, session=held, worker=worker, attendance=Attendance.PRESENT)
            window = (
                {}
                if mark >= rule.pass_mark
                else {"retake_from": day + timedelta(days=1), "retake_until": day.replace(year=2027)}
            )
            await make.make_result(
                db, booking=row, exam=exam, rule=rule, mark=mark, sat_on=day, series=1, attempt=1, **window
            )


async def desk(database: Database, *, share: int, passes: int) -> Desk:
    """The desk on its first day: a firm has a promise, and each has people who may come and people who may not."""
    policy = {"most_share_percent": float(share), "most_passes": float(passes)}
    at = await scene(database, people=0, places=PLACES, policy=policy)
    practical = at.district.item.practical
    other = await at.another_session(places=PLACES)
    gated = await at.another_session(exam=practical, day=date(2026, 4, 28), places=PLACES)
    async with at.writing() as db:
        born = date(1980, 1, 1) + timedelta(days=next(desks))
        firms = [await make_firm(db, at.district, 6, born=born) for _ in range(3)]
        for firm in firms:
            firm.workers[2:2] = [
                await make.make_worker(db, enterprise=firm.enterprise, born=born.replace(year=2010)),
                await make.make_worker(db, enterprise=firm.enterprise, born=born, education=Education.PRIMARY),
            ]
            await make.make_certificate(db, worker=firm.workers[5], item=at.district.item)
    await sat_before(at, [firm.workers[-2] for firm in firms], mark=90, day=date(2026, 2, 25))
    await sat_before(at, [firm.workers[-1] for firm in firms], mark=20, day=at.session.day)
    promise = await at.promise(firms[0], people=1)
    return Desk(at, await at.caller(Role.BUREAU), [at.session, other, gated], firms, promise)
