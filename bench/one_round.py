"""One whole round of every bureau, driven through the use cases; prints one JSON document of what each step took."""

import asyncio
import json
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psutil
from ground import migrated, server, server_version
from sqlmodel import col, func, select

from models.bookings import Booking, Promise
from models.catalogue import Item
from models.database import Database
from models.demand import Request, RequestPerson
from models.parties import Account, Enterprise, Worker
from models.rounds import Consent, Plan, Round
from models.sealing import SECRET_BYTES, Sealer
from models.sessions import Session
from models.vocabulary import ConsentState, PromiseState, Role, SessionState
from scheduler import booking, consenting, demand, planning, publication, rounds
from scheduler.accounts import caller_of
from scheduler.audit.auditor import audit
from scheduler.callers import Caller
from scheduler.district.values import District
from scheduler.refusals import Refused
from scheduler.seeding.loading import load
from scheduler.seeding.recipe import Recipe

START = datetime(2027, 1, 4, 2, tzinfo=UTC)  # a Monday, ten in the morning in Shanghai
COLLECTED, CONSULTED, PUBLISHED = (START + timedelta(days=days) for days in (1, 15, 20))
SEED = 1
SEARCH_SECONDS = 10.0
BATCH = 200
STANDING = (SessionState.PROPOSED, SessionState.AGREED, SessionState.PUBLISHED)


@dataclass
class Play:
    """The database, everyone who acts, and how long each step took."""

    database: Database
    district: District
    callers: Mapping[Role, list[Caller]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    processor: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    searched: float = 0.0
    own_most: int = 0
    solver_most: int = 0

    @asynccontextmanager
    async def acting(self, caller: Caller, now: datetime) -> AsyncIterator[Any]:
        """A transaction of a caller's own, as one mutation has it."""
        async with self.database.writing(actor=caller.actor, now=now) as db:
            yield db

    async def rows(self, statement: Any) -> list[Any]:
        """What a statement selects."""
        async with self.database.reading() as db:
            return list((await db.exec(statement)).all())

    async def timed(self, step: str, act: Callable[["Play"], Awaitable[None]]) -> None:
        """Let one step happen."""
        began, worked = time.perf_counter(), time.process_time()
        await act(self)
        self.seconds[step], self.processor[step] = time.perf_counter() - began, time.process_time() - worked
        print(f"  {step}: {self.seconds[step]:.1f} s", file=sys.stderr, flush=True)


async def loaded(play: Play) -> None:
    """Load the district."""
    recipe = Recipe(SEED, len([node for node in play.district.jurisdictions if node.parent is None]), date(2027, 3, 1))
    sealer = Sealer(b"s" * SECRET_BYTES, b"p" * SECRET_BYTES)
    async with play.database.writing(actor="operator:bench", now=START) as db:
        await load(db, recipe, sealer=sealer, password="bench", now=START)  # noqa: S106  # nobody signs in with it


async def sign_in(play: Play) -> None:
    """Make every account a caller."""
    callers: dict[Role, list[Caller]] = defaultdict(list)
    async with play.database.reading() as db:
        for account in (await db.exec(select(Account).order_by(col(Account.id)))).all():
            callers[account.role].append(await caller_of(db, account))
    play.callers = callers


async def firms_ask(play: Play) -> None:
    """Every request of the district, submitted by its firm."""
    items = {(row.code, row.scope_limit): row.id for row in await play.rows(select(Item))}
    keys = {f"{code}-{limit}" if limit else code: key for (code, limit), key in items.items()}
    firms = dict(await play.rows(select(col(Enterprise.credit_code), col(Enterprise.id))))
    named = {(row.enterprise_id, row.name): row.id for row in await play.rows(select(Worker))}
    names = {worker.key: worker.name for worker in play.district.workers}
    by_firm = {caller.enterprise_id: caller for caller in play.callers[Role.ENTERPRISE]}
    for wish in play.district.requests:
        firm = firms[wish.enterprise]
        order = demand.RequestOrder(
            item_id=keys[wish.item],
            people=wish.people,
            worker_ids=tuple(named[firm, names[key]] for key in wish.named),
            earliest_day=wish.earliest_day,
            latest_day=wish.latest_day,
            keep_together=wish.keep_together,
            most_km=wish.most_km,
        )
        async with play.acting(by_firm[firm], START) as db:
            await demand.submit_request(db, order, caller=by_firm[firm], now=START)


async def rounds_open(play: Play) -> None:
    """Each bureau opens a round over its district's quarter, and asks for the plan."""
    days = [request.latest_day for request in play.district.requests]
    for caller in play.callers[Role.BUREAU]:
        order = rounds.RoundOrder(
            first_day=date(2027, 3, 1),
            last_day=max(days),
            collect_until=COLLECTED,
            consult_until=CONSULTED,
            publish_at=PUBLISHED,
            time_limit_seconds=SEARCH_SECONDS,
        )
        async with play.acting(caller, START) as db:
            opened = await rounds.open_round(db, order, caller=caller, now=START)
            await rounds.plan_now(db, opened.id, caller=caller, now=START)


async def plans_made(play: Play) -> None:
    """A worker solves every round; the seconds that its searches were given and used are counted apart."""
    while await planning.plan_due(play.database, lambda: COLLECTED):
        pass
    failures = await play.rows(select(col(Round.failure)).where(col(Round.failure).is_not(None)))
    assert not failures, failures
    answers = [plan.answer for plan in await play.rows(select(Plan))]
    play.searched = sum(answer["seconds"] for answer in answers)


async def all_agree(play: Play) -> None:
    """Everyone agrees to all that they are asked, until nobody is."""
    acting = [caller for role in Role for caller in play.callers.get(role, ())]
    by_party = {party_of(caller): caller for caller in acting}
    while asked := await play.rows(select(Consent).where(col(Consent.state) == ConsentState.ASKED)):
        mine: dict[Any, list[int]] = defaultdict(list)
        for consent in asked:
            mine[party_of(consent)].append(consent.id)
        for party, keys in mine.items():
            for at in range(0, len(keys), BATCH):
                async with play.acting(by_party[party], COLLECTED) as db:
                    await consenting.agree(db, keys[at : at + BATCH], caller=by_party[party], now=COLLECTED)


def party_of(row: Any) -> tuple[int | None, ...]:
    """Whom an account acts for, or a consent is asked of."""
    return row.enterprise_id, row.jurisdiction_id, row.exam_body_id, row.examiner_id


async def publish(play: Play) -> None:
    """Each bureau publishes what is agreed."""
    owners = {caller.jurisdiction_id: caller for caller in play.callers[Role.BUREAU]}
    for planned in await play.rows(select(Round).order_by(col(Round.id))):
        caller = owners[planned.bureau_id]
        async with play.acting(caller, CONSULTED) as db:
            await publication.publish_now(db, planned.id, only_agreed=True, caller=caller, now=CONSULTED)


async def firms_book(play: Play) -> None:
    """Every firm names the people of its requests into the places held for it."""
    firms = {caller.enterprise_id: caller for caller in play.callers[Role.ENTERPRISE]}
    held = select(Promise, Request).join(Request, col(Request.id) == col(Promise.request_id))
    named: dict[int, list[int]] = defaultdict(list)
    for person in await play.rows(select(RequestPerson).order_by(col(RequestPerson.id))):
        named[person.request_id].append(person.worker_id)
    for promise, request in await play.rows(held.where(col(Promise.state) == PromiseState.HELD)):
        caller, people = firms[request.enterprise_id], named[request.id]
        comers, named[request.id] = people[: promise.people], people[promise.people :]
        if comers:
            try:
                async with play.acting(caller, CONSULTED) as db:
                    await booking.confirm_bookings(db, promise.id, comers, caller=caller, now=CONSULTED)
            except Refused as refused:
                play.counts[f"refused {refused.reasons[0].code.value}"] += 1


async def audited(play: Play) -> None:
    """The auditor looks at everything, and finds nothing."""
    async with play.database.reading() as db:
        found = await audit(db)
    assert not found, found[:3]


async def watched(play: Play) -> None:
    """Look at the memory in use every tenth of a second: this process, and the solver's while there is one."""
    me = psutil.Process()
    while True:
        play.own_most = max(play.own_most, me.memory_info().rss)
        for child in me.children():
            with suppress(psutil.Error):
                if any("solver" in word for word in child.cmdline()):
                    play.solver_most = max(play.solver_most, child.memory_info().rss)
        await asyncio.sleep(0.1)


async def count(play: Play) -> None:
    """How much there was of everything."""
    for name, statement in {
        "requests": select(func.count(col(Request.id))),
        "people": select(func.sum(col(Request.people))),
        "sessions": select(func.count(col(Session.id))).where(col(Session.state).in_(STANDING)),
        "consents": select(func.count(col(Consent.id))),
        "placed": select(func.sum(col(Promise.people))).where(col(Promise.state) != PromiseState.DROPPED),
        "booked": select(func.count(col(Booking.id))),
    }.items():
        play.counts[name] = int((await play.rows(statement))[0] or 0)


STEPS = {
    "load": loaded,
    "sign in": sign_in,
    "ask": firms_ask,
    "open": rounds_open,
    "plan": plans_made,
    "consult": all_agree,
    "publish": publish,
    "book": firms_book,
    "audit": audited,
}


async def play_round(database: Database, bureaus: int) -> dict[str, Any]:
    """Every step, and what it took; memory is the most that was seen."""
    play = Play(database, Recipe(SEED, bureaus, date(2027, 3, 1)).district())
    watch = asyncio.create_task(watched(play))
    for name, act in STEPS.items():
        await play.timed(name, act)
    watch.cancel()
    await count(play)
    return {
        "bureaus": bureaus,
        "seconds": play.seconds,
        "processor": play.processor,
        "searched": play.searched,
        "counts": dict(play.counts),
        "megabytes": {"process": play.own_most >> 20, "solver": play.solver_most >> 20},
        "server": await server_version(database),
    }


async def main(bureaus: int) -> None:
    """One round in a database of its own."""
    with server() as started:
        async with migrated(started, "bench") as database:
            print(json.dumps(await play_round(database, bureaus)))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
