"""A small world in which every promise holds: a planned round, consents, sessions to come and held, a renewal."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from models.columns import Table
from models.journal import DeliveryAttempt, IdempotencyKey, JobRun, OutboxMessage
from models.outcomes import Renewal
from models.parties import Examiner, ExaminerSkill, WebhookEndpoint, Worker
from models.places import Jurisdiction, WeatherBlock
from models.rounds import Consent, Plan, Round
from models.sessions import Session
from models.vocabulary import (
    ApplicationState,
    Attendance,
    CertificateState,
    Channel,
    ConsentParty,
    ConsentState,
    PlanState,
    RenewalState,
    Role,
    RoundState,
    SessionState,
    WaitingState,
)
from models.windows import Applicant, Application
from scheduler import windows
from scheduler.awarding import rank_if_due
from scheduler.booking import name_into
from scheduler.booking_rules import Names
from scheduler.drawing import hold_with_shares
from scheduler.granting import GrantOrder, grant_places
from scheduler.journal import note
from scheduler.staff_granting import StaffOrder, grant_half_days
from tests import factories as make
from tests.consulting import ROLE_OF, asked

RANKED_DAYS, UNTIL = (date(2026, 4, 21), date(2026, 4, 22)), datetime(2026, 3, 2, 3, tzinfo=UTC)
SAT, AGAIN, DROVE = date(2026, 2, 10), date(2026, 2, 20), date(2026, 2, 24)

PROBLEM: dict[str, Any] = {
    "format": "doorstep-problem/1",
    "blocks": [{"id": "2026-04-15-am", "date": "2026-04-15", "part": "am"}],
    "jurisdictions": [{"id": "o1", "tier": "office"}],
    "items": [{"id": "n1", "staff": 1, "min_people": 1}],
    "sites": [],
    "staff": [],
    "requests": [
        {"id": "r1", "jurisdiction": "o1", "item": "n1", "people": 2, "enterprise": "e1", "unplaced_cost": 100},
    ],
}
ANSWER: dict[str, Any] = {
    "format": "doorstep-plan/1",
    "sessions": [],
    "unplaced": [{"request": "r1", "people": 2, "reason": "NO_OFFER", "detail": {}}],
    "objective": 200.0,
    "terms": {
        "open": 0.0, "tier": 0.0, "staff": 0.0, "travel": 0.0, "wait": 0.0, "unplaced": 200.0, "change": 0.0,
    },
    "bound": 200.0,
    "gap": 0.0,
    "seconds": 0.1,
    "seed": 0,
    "stopped": "optimal",
}  # fmt: skip


@dataclass
class World:
    """What the world is made of, and the keys of its rows by the names that tests use."""

    district: make.District
    examiners: Sequence[Examiner]
    workers: Sequence[Worker]
    planned: Round
    elsewhere: Jurisdiction
    ids: dict[str, int] = field(default_factory=dict)

    def note(self, **rows: Any) -> None:
        """Remember rows under these names."""
        self.ids |= {name: row.id for name, row in rows.items()}


async def make_world(db: AsyncSession) -> World:
    """The world, written by an account."""
    district = await make.make_district(db)
    world = World(
        district,
        examiners=[await make.make_examiner(db, exam_body=district.exam_body) for _ in range(2)],
        workers=[await make.make_worker(db, enterprise=district.enterprise) for _ in range(5)],
        planned=await make.make_round(db, bureau=district.bureau, state=RoundState.PUBLISHED),
        elsewhere=await make.make_office(db, town=await make.make_town(db, bureau=district.bureau)),
    )
    empty = await make.make_site(db, jurisdiction=district.office, rooms=0)
    names = {f"w{n}": worker for n, worker in enumerate(world.workers, 1)}
    world.note(**names, e1=world.examiners[0], office=district.office, town=district.town, bureau=district.bureau)
    world.note(round=world.planned, enterprise=district.enterprise, elsewhere=world.elsewhere, empty=empty)
    world.note(item=district.item.item, rule=district.item.rule)
    await plan_it(db, world)
    await ranked_windows(db, world)
    await shared_session(db, world)
    await open_session(db, world)
    await displaced_people(db, world)
    await held_sessions(db, world)
    await renewed_certificate(db, world)
    await messages_and_keys(db, world)
    return world


async def plan_it(db: AsyncSession, world: World) -> None:
    """The round's plan; what it left out is enough to price."""
    plan = Plan(
        round_id=world.planned.id,
        version=1,
        state=PlanState.CURRENT,
        problem=PROBLEM,
        answer=ANSWER,
        changes={},
        baselines={},
        cost_fen=200.0,
        bound_fen=200.0,
        made_at=make.NOW,
    )
    world.note(plan=await make.written(db, plan))


async def consented_session(db: AsyncSession, world: World, **given: Any) -> Session:
    """A session of the round with every consent; the office was silent, and the town answered in its place."""
    at = {"site": world.district.site, "exam_body": world.district.exam_body, "round_": world.planned}
    session = await make.make_session(db, **(at | {"examiners": world.examiners} | given))
    office = await asked(db, session, ConsentParty.OFFICE, world.district.office)
    await make.walked(db, office, [ConsentState.ESCALATED])
    stand_in = await asked(db, session, ConsentParty.TOWN, world.district.town, in_place_of_id=office.id)
    await agreed(db, stand_in, world.district.town)
    for examiner in world.examiners:
        await agreed(db, await asked(db, session, ConsentParty.STAFF, examiner), examiner)
    last = await asked(db, session, ConsentParty.EXAM_BODY, world.district.exam_body)
    world.note(last_consent=await agreed(db, last, world.district.exam_body))
    return session


async def agreed(db: AsyncSession, consent: Consent, whom: Table) -> Consent:
    """The consent, given by somebody who signed in as the party that is asked."""
    answering = await make.make_account(db, role=ROLE_OF[consent.party], party=whom)
    consent.answered_at, consent.answered_by_id = make.NOW, answering.id
    await make.walked(db, consent, [ConsentState.AGREED])
    return consent


async def open_session(db: AsyncSession, world: World) -> None:
    """A published session: three places promised of which one is named, an open place taken, and one held."""
    session = await consented_session(db, world, exam=world.district.item.theory)
    request = await make.make_request(
        db, enterprise=world.district.enterprise, exam=world.district.item.theory, people=3
    )
    promise = await make.make_promise(db, session=session, request=request)
    named = await make.make_booking(db, session=session, worker=world.workers[0], promise=promise)
    taken = await make.make_booking(db, session=session, worker=world.workers[1])
    firm = {"session": session, "enterprise": world.district.enterprise}
    waiting = await make.make_waiting(db, **firm)
    held = await make.make_hold(db, **firm, waiting_id=waiting.id)
    await make.walked(db, waiting, [WaitingState.OFFERED])
    world.note(to_come=session, request=request, promise=promise, named=named, taken=taken, held=held, waiting=waiting)


async def shared_session(db: AsyncSession, world: World) -> None:
    """A session with five places for the town, three of them for its office: one is held and one is taken."""
    session = await consented_session(db, world, exam=world.district.item.theory, day=date(2026, 4, 23))
    district, until, made = world.district, session.roster_freezes_at, []
    await make.written(db, ExaminerSkill(examiner_id=world.examiners[0].id, exam_id=district.item.theory.id))
    for role, tier, below, number in (
        (Role.BUREAU, district.bureau, district.town, 5),
        (Role.TOWN, district.town, district.office, 3),
    ):
        caller = await make.make_caller(db, role=role, party=tier)
        places = GrantOrder(session.id, below.id, number, until)
        half_days = StaffOrder(district.item.item.id, date(2026, 5, 1), below.id, number, until)
        made.append(await grant_places(db, places, caller=caller, now=make.NOW))
        made.append(await grant_half_days(db, half_days, caller=caller, now=make.NOW))
    worker = await make.make_worker(db, enterprise=district.enterprise)
    hold = await hold_with_shares(db, session, 2, enterprise_id=district.enterprise.id, now=make.NOW)
    assert hold
    await name_into(db, hold, Names((worker.id,)), now=make.NOW)
    world.note(shared=session, town_share=made[0], office_share=made[2], drawing=hold)
    world.note(town_half_days=made[1], office_half_days=made[3])


async def displaced_people(db: AsyncSession, world: World) -> None:
    """A smaller session: one of its people is first in the queue, another was moved on by the organiser."""
    smaller = await consented_session(db, world, exam=world.district.item.theory, day=date(2026, 4, 16))
    other = await consented_session(db, world, exam=world.district.item.theory, day=date(2026, 4, 17))
    first, moved = [await make.make_worker(db, enterprise=world.district.enterprise) for _ in range(2)]
    lost = await make.make_booking(db, session=smaller, worker=first)
    await make.give_up(db, lost, smaller)
    wish = {"session_id": None, "most_km": 30.0, "until_day": date(2026, 6, 1)}
    await make.make_waiting(db, session=smaller, enterprise=world.district.enterprise, **wish)
    relocated = await make.make_booking(db, session=other, worker=moved, is_relocated=True)
    await note(db, "relocated", "booking", relocated.id, from_session=smaller.id, to_session=other.id)
    flag = WeatherBlock(site_id=other.site_id, day=other.day, reason="台风", recorded_at=make.NOW)
    world.note(flag=await make.written(db, flag), other=other, practical=world.district.item.practical)
    world.note(lost=lost, relocated=relocated, smaller=smaller)


async def held_sessions(db: AsyncSession, world: World) -> None:
    """A theory with a pass, a failure and an absence; the retake; the practical of the one who passed."""
    item = world.district.item
    assert item.practical is not None
    assert item.practical_rule is not None
    theory = {"exam": item.theory, "rule": item.theory_rule}
    window = {"retake_from": date(2026, 2, 11), "retake_until": date(2027, 2, 10)}
    first = await consented_session(db, world, exam=item.theory, day=SAT, state=SessionState.CLOSED)
    again = await consented_session(db, world, exam=item.theory, day=AGAIN, state=SessionState.CLOSED)
    drove = await consented_session(db, world, exam=item.practical, day=DROVE, state=SessionState.CLOSED)
    _, _, third, fourth, fifth = world.workers
    practical = {"exam": item.practical, "rule": item.practical_rule}
    passed = await sat(db, first, third, mark=80, **theory)
    failed = await sat(db, first, fourth, mark=60, **theory, **window)
    missed = await sat(db, first, fifth, mark=None, **theory)
    retaken = await sat(db, again, fourth, mark=75, attempt=2, **theory)
    world.note(passed=passed, failed=failed, missed=missed, retaken=retaken, first=first, again=again, drove=drove)
    world.note(driven=await sat(db, drove, third, mark=70, **practical))
    world.ids |= {"passed_booking": passed.booking_id, "missed_booking": missed.booking_id}


async def sat(db: AsyncSession, session: Session, worker: Worker, *, mark: float | None, **given: Any) -> Any:
    """A sitting with its result."""
    attendance = Attendance.ABSENT if mark is None else Attendance.PRESENT
    booking = await make.make_booking(db, session=session, worker=worker, attendance=attendance)
    return await make.make_result(db, booking=booking, mark=mark, sat_on=session.day, **given)


async def renewed_certificate(db: AsyncSession, world: World) -> None:
    """A certificate that was renewed on the day it ended; it had taken the place of one that was not."""
    worker, item, today = world.workers[2], world.district.item, date(2026, 3, 1)
    first = {"issued_on": date(2018, 6, 1), "expires_on": date(2022, 6, 1)}
    await make.make_certificate(db, worker=worker, item=item, state=CertificateState.REPLACED, **first)
    earlier = {"issued_on": date(2022, 3, 1), "expires_on": today}
    old = await make.make_certificate(db, worker=worker, item=item, state=CertificateState.RENEWED, **earlier)
    later = {"issued_on": today, "expires_on": date(2030, 3, 1), "renews_id": old.id}
    new = await make.make_certificate(db, worker=worker, item=item, state=CertificateState.VALID, **later)
    renewal = Renewal(
        certificate_id=old.id,
        enterprise_id=worker.enterprise_id,
        state=RenewalState.PROPOSED,
        due_on=date(2026, 2, 1),
        proposed_at=datetime(2026, 1, 5, tzinfo=UTC),
        applied_at=datetime(2026, 1, 31, tzinfo=UTC),
        had_no_responsible_accident=True,
        had_no_long_break=True,
    )
    await make.written(db, renewal)
    await make.walked(db, renewal, [RenewalState.APPLIED])
    renewal.successor_id = new.id
    await make.walked(db, renewal, [RenewalState.GRANTED])
    world.note(old=old, renewed=new, renewal=renewal)


async def ranked_windows(db: AsyncSession, world: World) -> None:
    """A window that was ranked, with a winner and one who waits now, and one that stands, with who applied in it."""
    exam = world.district.item.theory
    others = [await make.make_worker(db, enterprise=world.district.enterprise) for _ in range(3)]
    sessions = [await consented_session(db, world, exam=exam, day=day, places=3) for day in RANKED_DAYS]
    opened = [await windows.start(db, session, UNTIL, now=make.NOW) for session in sessions]
    applied = []
    for window, people in ((opened[0], others[:2]), (opened[1], others[2:])):
        for worker in people:
            await make.written(db, row := Application(
                window_id=window.id, enterprise_id=world.district.enterprise.id, people=1,
                key=f"{window.id:016x}{len(applied):016x}", state=ApplicationState.APPLIED, applied_at=make.NOW,
            ))  # fmt: skip
            await make.written(db, Applicant(application_id=row.id, worker_id=worker.id))
            applied.append(row)
    sessions[0].places = 1
    await db.flush()
    assert await rank_if_due(db, sessions[0], now=UNTIL)
    won, lost = sorted(applied[:2], key=lambda row: row.position or 0)
    world.note(ranked=opened[0], open=opened[1], placed=won, queued=lost, applied=applied[2], windowed=sessions[1])
    world.note(ranked_session=sessions[0])


async def messages_and_keys(db: AsyncSession, world: World) -> None:
    """A message on its way, one that arrived, an event for an endpoint, and an answered key."""
    account = await make.make_account(db, role=Role.AUDITOR)
    message = OutboxMessage(recipient="enterprise:1", subject="s", body="b", made_at=make.NOW, due_at=make.NOW)
    kept = IdempotencyKey(account_id=account.id, key="k", fingerprint="f", answer={"a": 1}, asked_at=make.NOW)
    sent = OutboxMessage(recipient="enterprise:1", subject="s", body="b", made_at=make.NOW, due_at=make.NOW)
    sent.delivered_at, sent.attempts = make.NOW, 1
    world.note(sent=await make.written(db, sent))
    await make.written(db, DeliveryAttempt(message_id=sent.id, at=make.NOW, channel=Channel.FILE))
    body = await make.make_exam_body(db, bureau=await make.make_bureau(db))
    endpoint = await make.written(
        db, WebhookEndpoint(exam_body_id=body.id, url="https://a.cn/", secret_sealed=b"box", made_at=make.NOW)
    )
    about = {"subject": "session.changed", "body": '{"type": "session.changed"}', "made_at": make.NOW}
    event = OutboxMessage(recipient=f"exam_body:{body.id}", endpoint_id=endpoint.id, due_at=make.NOW, **about)
    world.note(event=await make.written(db, event), listener=body, endpoint=endpoint)
    fired = make.NOW - timedelta(seconds=world.district.bureau.id)  # a moment of each world's own
    ran = JobRun(job="planning", fire_at=fired, due_at=fired, finished_at=make.NOW)
    world.note(ran=await make.written(db, ran))
    world.note(message=await make.written(db, message), key=await make.written(db, kept))
