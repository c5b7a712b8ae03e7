"""The three-tier consultation: who is asked about a session, when, and what becomes of silence."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.bookings import Promise
from models.demand import Request
from models.parties import Enterprise
from models.places import Site
from models.rounds import Consent, Round
from models.sessions import Session, SessionStaff
from models.vocabulary import ConsentParty, ConsentState, PromiseState, SessionState, Tier
from scheduler.calendar_days import work_calendar
from scheduler.policy import policy_of
from scheduler.tiers import Tree, tree_of

Asked = tuple[ConsentParty, int]
REFERENCE = {
    ConsentParty.OFFICE: "jurisdiction_id",
    ConsentParty.TOWN: "jurisdiction_id",
    ConsentParty.BUREAU: "jurisdiction_id",
    ConsentParty.HOST: "enterprise_id",
    ConsentParty.STAFF: "examiner_id",
    ConsentParty.EXAM_BODY: "exam_body_id",
}
NEXT_TIER = {ConsentParty.OFFICE: Tier.TOWN, ConsentParty.TOWN: Tier.BUREAU}


async def ask(
    db: AsyncSession,
    planned: Round,
    sessions: Sequence[Session],
    *,
    gained: Mapping[int, Collection[int]],
    now: datetime,
) -> None:
    """
    Ask everyone whom the plan concerns: answers to what has not changed stand, objections have been heard.

    An office that gained people in a session is asked again. The exam body comes last, when all others have agreed.
    """
    tree, due_at = await tree_of(db), await deadline(db, planned, now=now)
    await void_of_dropped(db, planned)
    concerned = await parties_of(db, sessions, tree)
    standing = await standing_consents(db, [session.id for session in sessions])
    for session in sessions:
        mine = [consent for consent in standing if consent.session_id == session.id]
        wanted = concerned[session.id]
        changed = await withdraw(db, mine, wanted - {(ConsentParty.OFFICE, key) for key in gained.get(session.id, ())})
        missing = wanted - {asked_of(c) for c in mine if c.state is not ConsentState.VOID}
        db.add_all(new_consent(session, asked, due_at, now=now) for asked in sorted(missing))
        await db.flush()
        if missing or changed:
            await reopen(db, session, due_at, now=now)
        await settle(db, session, due_at=due_at, now=now)


async def deadline(db: AsyncSession, planned: Round, *, now: datetime) -> datetime:
    """
    When an answer asked for now is due: some working days on, and before the round's consulting ends.

    What is asked after that, of a next tier or about a late re-plan, is due before publication: never in the past.
    """
    return await answer_by(db, planned, (planned.consult_until, planned.publish_at), now=now)


async def answer_by(db: AsyncSession, planned: Round, ends: Sequence[datetime], *, now: datetime) -> datetime:
    """The end of the last working day on which an answer is in time, or the first of these ends that is to come."""
    policy, calendar = await policy_of(db, planned.bureau_id), await work_calendar(db, planned.bureau_id)
    by = calendar.add_working_days(now, int(policy.consent_working_days))
    to_come = [end for end in ends if end > now]
    return min([by, *to_come[:1]])


async def void_of_dropped(db: AsyncSession, planned: Round) -> None:
    """Nobody answers any more for sessions that have left the plan."""
    dropped = (
        select(Consent)
        .join(Session, col(Session.id) == col(Consent.session_id))
        .where(
            col(Session.round_id) == planned.id,
            col(Session.state) == SessionState.DROPPED,
            col(Consent.state) != ConsentState.VOID,
        )
        .order_by(col(Consent.id))
    )
    for consent in (await db.exec(dropped)).all():
        consent.state = ConsentState.VOID
    await db.flush()


async def parties_of(db: AsyncSession, sessions: Sequence[Session], tree: Tree) -> dict[int, set[Asked]]:
    """Whom each session asks: offices, a foreign host, staff, the exam body; towns and the bureau by its tier."""
    ids = [session.id for session in sessions]
    offices = await offices_of(db, ids)
    staff = (await db.exec(select(SessionStaff).where(col(SessionStaff.session_id).in_(ids)))).all()
    sites = await db.exec(select(Site).where(col(Site.id).in_({session.site_id for session in sessions})))
    site_of = {site.id: site for site in sites.all()}
    return {
        session.id: jurisdictions_asked(session, site_of[session.site_id], offices.get(session.id, set()), tree)
        | host_asked(site_of[session.site_id])
        | {(ConsentParty.STAFF, row.examiner_id) for row in staff if row.session_id == session.id}
        | {(ConsentParty.EXAM_BODY, session.exam_body_id)}
        for session in sessions
    }


async def offices_of(db: AsyncSession, session_ids: Sequence[int]) -> dict[int, set[int]]:
    """The offices whose firms have people in each session."""
    rows = await db.exec(
        select(col(Promise.session_id), col(Enterprise.office_id))
        .join(Request, col(Request.id) == col(Promise.request_id))
        .join(Enterprise, col(Enterprise.id) == col(Request.enterprise_id))
        .where(col(Promise.session_id).in_(session_ids), col(Promise.state) == PromiseState.PLANNED)
    )
    found: dict[int, set[int]] = {}
    for session_id, office_id in rows.all():
        found.setdefault(session_id, set()).add(office_id)
    return found


def jurisdictions_asked(session: Session, site: Site, office_ids: Iterable[int], tree: Tree) -> set[Asked]:
    """The offices concerned; from town tier on their towns, at bureau tier the bureau as well."""
    ground = [*office_ids, site.jurisdiction_id]
    tiers = {
        Tier.OFFICE: (Tier.OFFICE,),
        Tier.TOWN: (Tier.OFFICE, Tier.TOWN),
        Tier.BUREAU: (Tier.OFFICE, Tier.TOWN, Tier.BUREAU),
    }[session.tier]
    nodes = [node for each in ground for tier in tiers if (node := tree.at_tier(each, tier))]
    return {(ConsentParty(node.tier.value), node.id) for node in nodes}


def host_asked(site: Site) -> set[Asked]:
    """The firm whose yard it is, if it is not ours."""
    return {(ConsentParty.HOST, site.host_enterprise_id)} if site.host_enterprise_id else set()


async def standing_consents(db: AsyncSession, session_ids: Sequence[int]) -> Sequence[Consent]:
    """The consents of these sessions that count, locked."""
    standing = select(Consent).where(col(Consent.session_id).in_(session_ids), col(Consent.state) != ConsentState.VOID)
    return (await db.exec(standing.order_by(col(Consent.id)).with_for_update())).all()


def asked_of(consent: Consent) -> Asked:
    """The party that a consent is asked of."""
    return consent.party, getattr(consent, REFERENCE[consent.party])


def new_consent(
    session: Session, asked: Asked, due_at: datetime, *, now: datetime, in_place_of_id: int | None = None
) -> Consent:
    """A question to a party, which is told at once; the exam body's waits for its turn."""
    party, key = asked
    is_last = party is ConsentParty.EXAM_BODY
    consent = Consent(
        session_id=session.id,
        party=party,
        state=ConsentState.QUEUED if is_last else ConsentState.ASKED,
        due_at=due_at,
        tell_at=None if is_last else now,
        in_place_of_id=in_place_of_id,
    )
    setattr(consent, REFERENCE[party], key)
    return consent


async def withdraw(db: AsyncSession, consents: Sequence[Consent], wanted: set[Asked]) -> bool:
    """Void what concerns nobody any more and the objections that the new plan has heard; say whether any was."""
    outdated = {
        consent.id
        for consent in consents
        if consent.state is ConsentState.OBJECTED
        or (consent.in_place_of_id is None and asked_of(consent) not in wanted)
    }
    while more := {consent.id for consent in consents if loses_its_sense(consent, consents, outdated)} - outdated:
        outdated |= more
    void = [consent for consent in consents if consent.id in outdated]
    for consent in void:
        consent.state = ConsentState.VOID
    await db.flush()
    return bool(void)


def loses_its_sense(consent: Consent, consents: Sequence[Consent], outdated: Collection[int]) -> bool:
    """Whether a stand-in's question is gone, or nobody is left to answer in a silent party's place."""
    if consent.in_place_of_id in outdated:
        return True
    if consent.state is not ConsentState.ESCALATED:
        return False
    above = ConsentParty(NEXT_TIER[consent.party].value)
    left = [other for other in consents if other.id not in outdated]
    return not any(other.in_place_of_id == consent.id or other.party is above for other in left)


async def reopen(db: AsyncSession, session: Session, due_at: datetime, *, now: datetime) -> None:
    """Put a changed session before the exam body again, after all others."""
    last = select(Consent).where(
        col(Consent.session_id) == session.id,
        col(Consent.party) == ConsentParty.EXAM_BODY,
        col(Consent.state).in_((ConsentState.AGREED, ConsentState.ASKED)),
    )
    for consent in (await db.exec(last)).all():
        consent.state = ConsentState.VOID
        await db.flush()
        db.add(new_consent(session, asked_of(consent), due_at, now=now))
    if session.state is SessionState.AGREED:
        session.state = SessionState.PROPOSED
    await db.flush()


async def settle(db: AsyncSession, session: Session, *, due_at: datetime, now: datetime) -> None:
    """Ask the exam body once all others have agreed; the session is agreed when it has, too."""
    consents = (
        await db.exec(
            select(Consent).where(col(Consent.session_id) == session.id, col(Consent.state) != ConsentState.VOID)
        )
    ).all()
    others = [consent for consent in consents if consent.party is not ConsentParty.EXAM_BODY]
    if any(consent.state not in (ConsentState.AGREED, ConsentState.ESCALATED) for consent in others):
        return
    last = [consent for consent in consents if consent.party is ConsentParty.EXAM_BODY]
    for consent in last:
        if consent.state is ConsentState.QUEUED:
            consent.state, consent.due_at, consent.tell_at = ConsentState.ASKED, due_at, now
    if last and all(consent.state is ConsentState.AGREED for consent in last):
        session.state = SessionState.AGREED
    await db.flush()
