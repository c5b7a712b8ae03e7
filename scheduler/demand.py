"""What firms ask for: how a request is submitted, and the rules it must keep."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.catalogue import Exam
from models.demand import Request, RequestPerson
from models.outcomes import Result
from models.parties import Enterprise, Worker
from models.places import Jurisdiction, Site, SiteOffer
from models.vocabulary import Outcome, RequestOrigin, RequestState, Role, Subject
from scheduler.calendar import SHANGHAI
from scheduler.callers import Caller, require
from scheduler.candidates import standings_of
from scheduler.catalogue import ExamInForce, exam_in_force, exams_of
from scheduler.eligibility import REQUEST_RULES, Occasion, Standing, counts_until, why_not
from scheduler.policy import policy_of
from scheduler.refusals import Code, Refusal, Refused, not_found, refuse
from scheduler.typed import refuse_any, why_not_between, why_not_point
from scheduler.visibility import visible

MOST_PEOPLE = 500
LONGEST_WINDOW = timedelta(days=400)
FURTHEST = timedelta(days=730)
FURTHEST_KM = 1000
STANDING = (RequestState.PROPOSED, RequestState.OPEN, RequestState.PLANNED, RequestState.PROMISED)


@dataclass(frozen=True, slots=True)
class Asking:
    """Whose rules hold, the day of asking, and the first day on which people may sit."""

    bureau_id: int
    today: date
    sits_from: date


@dataclass(frozen=True, slots=True)
class RequestOrder:
    """A firm's wish as it was typed; the place defaults to the firm's own."""

    item_id: int
    people: int
    worker_ids: tuple[int, ...]
    earliest_day: date
    latest_day: date
    keep_together: bool = False
    most_km: float | None = None
    latitude: float | None = None
    longitude: float | None = None


async def submit_request(db: AsyncSession, order: RequestOrder, *, caller: Caller, now: datetime) -> Request:
    """
    Ask for places; the rules decide which subject is next for the people named.

    Raises:
        Refused: The input or somebody named breaks a rule; each reason names its field or worker.
    """
    require(caller, Role.ENTERPRISE)
    today = now.astimezone(SHANGHAI).date()
    lead = (await policy_of(db, caller.tenant)).publish_lead_days
    firm = (await db.exec(select(Enterprise).where(col(Enterprise.id) == caller.enterprise_id))).one()
    workers = await workers_named(db, order.worker_ids, caller=caller)
    refuse_any(wrong_size(order), wrong_window(order, today=today, lead=timedelta(days=lead)), wrong_place(order))

    asking = Asking(caller.tenant, today, sits_from=max(today, order.earliest_day))
    exam = await next_exam(db, order, workers, asking)
    await refuse_unoffered(db, exam.exam, bureau_id=caller.tenant)
    occasion = Occasion(enterprise_id=firm.id, rule=exam.item_rule, on=asking.sits_from, asked_on=today)
    await refuse_ineligible(db, exam.exam, workers, occasion, named=order.worker_ids)

    request = Request(
        enterprise_id=firm.id,
        exam_id=exam.exam.id,
        people=order.people,
        earliest_day=order.earliest_day,
        latest_day=order.latest_day,
        latitude=firm.latitude if order.latitude is None else order.latitude,
        longitude=firm.longitude if order.longitude is None else order.longitude,
        keep_together=order.keep_together,
        most_km=order.most_km,
        origin=RequestOrigin.ENTERPRISE,
        state=RequestState.OPEN,
        asked_at=now,
    )
    db.add(request)
    await db.flush()
    db.add_all(RequestPerson(request_id=request.id, worker_id=worker.id) for worker in workers)
    await db.flush()
    return request


async def workers_named(db: AsyncSession, worker_ids: Sequence[int], *, caller: Caller) -> list[Worker]:
    """
    The workers in id order, locked, so that one person cannot be asked for twice at once.

    Raises:
        Refused: NOT_YOUR_WORKER for each id that is not a worker of the caller's firm, SAME_PERSON_TWICE.
    """
    if len(set(worker_ids)) != len(worker_ids):
        raise refuse(Code.SAME_PERSON_TWICE, "A person is named twice: name each once.", "input", "workerIds")
    own = visible(Worker, caller).where(col(Worker.id).in_(worker_ids)).order_by(col(Worker.id)).with_for_update()
    found = {worker.id: worker for worker in (await db.exec(own)).all()}
    strangers = [
        Refusal(
            Code.NOT_YOUR_WORKER,
            "This worker is not registered with your firm: register or choose your own.",
            ("input", "workerIds", str(at)),
        )
        for at, worker_id in enumerate(worker_ids)
        if worker_id not in found
    ]
    if strangers:
        raise Refused(*strangers)
    return list(found.values())


def wrong_size(order: RequestOrder) -> Refusal | None:
    """One to 500 people, and no fewer than are named."""
    if not 1 <= order.people <= MOST_PEOPLE:
        return Refusal(Code.OUT_OF_RANGE, f"Ask for 1 to {MOST_PEOPLE} people at a time.", ("input", "people"))
    if order.people < len(order.worker_ids):
        named = len(order.worker_ids)
        return Refusal(Code.OUT_OF_RANGE, f"{named} are named: ask for {named} people at least.", ("input", "people"))
    return None


def wrong_window(order: RequestOrder, *, today: date, lead: timedelta) -> Refusal | None:
    """The days are in order, not over, not endless, and reach beyond the lead time of a publication."""
    path = ("input", "latestDay")
    if order.latest_day < order.earliest_day:
        return Refusal(Code.BAD_INPUT, "The last day lies before the first: exchange them.", path)
    if order.latest_day < today:
        return Refusal(Code.WINDOW_PAST, f"These days are over: choose days after {today}.", path)
    if order.latest_day < today + lead:
        first = today + lead
        return Refusal(Code.WINDOW_TOO_SHORT, f"Plans are published ahead: the last day is {first} or later.", path)
    if order.latest_day - order.earliest_day > LONGEST_WINDOW:
        return Refusal(Code.OUT_OF_RANGE, f"Ask for {LONGEST_WINDOW.days} days at most.", path)
    if order.latest_day > today + FURTHEST:
        return Refusal(Code.OUT_OF_RANGE, f"Ask for days until {today + FURTHEST}.", path)
    return None


def wrong_place(order: RequestOrder) -> Refusal | None:
    """Both coordinates or none, on the map; a distance is sensible."""
    return why_not_point(order.latitude, order.longitude) or why_not_between(
        order.most_km, 1, FURTHEST_KM, "input", "mostKm"
    )


async def next_exam(db: AsyncSession, order: RequestOrder, workers: Sequence[Worker], asking: Asking) -> ExamInForce:
    """
    The subject that is next for these people: theory, and the practical once all of them have passed it.

    People who are not named yet count as newcomers.

    Raises:
        Refused: NOT_FOUND for an unknown item; BAD_INPUT where some have passed theory and some have not.
    """
    exams = await exams_of(db, order.item_id)
    if not exams:
        raise not_found("item", "input", "itemId")
    theory, practical = exams.get(Subject.THEORY), exams.get(Subject.PRACTICAL)
    if theory is None or practical is None:
        return await exam_in_force(db, next(iter(exams.values())).id, bureau_id=asking.bureau_id, on=asking.today)
    first = await exam_in_force(db, theory.id, bureau_id=asking.bureau_id, on=asking.today)
    if len(workers) < order.people:
        return first
    passed = await passed_theory(db, workers, first, on=asking.sits_from)
    if not passed:
        return first
    if len(passed) == len(workers):
        return await exam_in_force(db, practical.id, bureau_id=asking.bureau_id, on=asking.today)
    raise Refused(
        *(
            Refusal(
                Code.BAD_INPUT,
                "This worker has passed theory and others have not: ask for the practical in a second request.",
                ("input", "workerIds"),
                worker_id,
            )
            for worker_id in sorted(passed)
        )
    )


async def passed_theory(db: AsyncSession, workers: Sequence[Worker], theory: ExamInForce, *, on: date) -> set[int]:
    """Those of the workers whose theory pass still counts."""
    passes = select(Result).where(
        col(Result.worker_id).in_([worker.id for worker in workers]),
        col(Result.exam_id) == theory.exam.id,
        col(Result.outcome) == Outcome.PASSED,
    )
    rows = (await db.exec(passes)).all()
    return {row.worker_id for row in rows if on <= counts_until(row.sat_on, theory.item_rule)}


async def refuse_unoffered(db: AsyncSession, exam: Exam, *, bureau_id: int) -> None:
    """
    Make sure that some site of the bureau offers the exam.

    Raises:
        Refused: NO_OFFER.
    """
    tree = select(col(Jurisdiction.id)).where(col(Jurisdiction.id) == bureau_id).cte("tree", recursive=True)
    whole = tree.union_all(select(col(Jurisdiction.id)).join(tree, col(Jurisdiction.parent_id) == tree.c.id))
    offers = (
        select(func.count(col(SiteOffer.id)))
        .join(Site, col(Site.id) == col(SiteOffer.site_id))
        .where(col(SiteOffer.exam_id) == exam.id, col(Site.jurisdiction_id).in_(select(whole.c.id)))
    )
    if not (await db.exec(offers)).one():
        raise refuse(
            Code.NO_OFFER, "No site of your bureau offers this item: ask your office to find one.", "input", "itemId"
        )


async def refuse_ineligible(
    db: AsyncSession, exam: Exam, workers: Sequence[Worker], occasion: Occasion, *, named: Sequence[int]
) -> None:
    """
    Judge everyone named by the rules of application.

    Raises:
        Refused: Every reason of every worker; ALREADY_ASKED for those on another standing request.
    """
    standings = await standings_of(db, workers, exam, gated=True, today=occasion.asked_on)
    reasons = [reason for each in standings.values() for reason in why_not(each, occasion, REQUEST_RULES)]
    reasons += await asked_elsewhere(db, exam, standings)
    if reasons:
        at = {worker_id: str(place) for place, worker_id in enumerate(named)}
        raise Refused(*(replace(r, path=("input", "workerIds", at[r.worker_id or 0])) for r in reasons))


async def asked_elsewhere(db: AsyncSession, exam: Exam, standings: dict[int, Standing]) -> list[Refusal]:
    """A reason for each worker who is named on another standing request for the exam."""
    named = (
        select(col(RequestPerson.worker_id))
        .join(Request, col(Request.id) == col(RequestPerson.request_id))
        .where(
            col(RequestPerson.worker_id).in_(standings),
            col(Request.exam_id) == exam.id,
            col(Request.state).in_(STANDING),
        )
    )
    message = "The worker is named on another request for this exam: withdraw that one first."
    return [
        Refusal(Code.ALREADY_ASKED, message, worker_id=worker_id)
        for worker_id in sorted(set((await db.exec(named)).all()))
    ]
