"""The three-tier consultation: consents asked of parties, agreeing, objecting."""

from datetime import datetime
from typing import Annotated, ClassVar

import strawberry
from sqlmodel import col, select
from strawberry import relay

from api.graphql.context import Info
from api.graphql.demand import Request
from api.graphql.entity import Entity, find, get, key_of, keys_of
from api.graphql.errors import Payload
from api.graphql.mutation import mutation
from api.graphql.paging import Connection, Page, connect, paged
from api.graphql.parties import Enterprise, ExamBody, Examiner
from api.graphql.places import Jurisdiction
from api.graphql.rounds import Round
from api.graphql.sessions import Session
from models.rounds import Consent as ConsentRow
from models.rounds import Objection as ObjectionRow
from models.sessions import Session as SessionRow
from models.vocabulary import ConsentParty, ConsentState, ObjectionKind
from scheduler import consenting
from scheduler.visibility import consents_to_answer, visible

strawberry.enum(ConsentParty, name="ConsentParty", description="Who is asked to consent to a session.")
strawberry.enum(ConsentState, name="ConsentState", description="Where a consent stands.")
strawberry.enum(ObjectionKind, name="ObjectionKind", description="The typed reasons of an objection.")


@strawberry.type(description="Why a party objected; the next plan keeps it as a constraint.")
class Objection(Entity, relay.Node):
    """A typed objection."""

    TABLE: ClassVar = ObjectionRow
    id: relay.NodeID[int]
    kind: ObjectionKind = strawberry.field(description="The reason.")
    remark: str = strawberry.field(description="In the party's own words.")
    block: str = strawberry.field(description="The half-day objected to, such as 2027-03-01-am.")
    people: int | None = strawberry.field(description="The least people, where that is the reason.")
    raised_at: datetime = strawberry.field(description="When it was raised.")


@strawberry.type(description="One party's answer to one session (会商意见), asked for by a deadline.")
class Consent(Entity, relay.Node):
    """A question of the consultation."""

    TABLE: ClassVar = ConsentRow
    id: relay.NodeID[int]
    session_id: strawberry.Private[int]
    jurisdiction_id: strawberry.Private[int | None]
    enterprise_id: strawberry.Private[int | None]
    examiner_id: strawberry.Private[int | None]
    exam_body_id: strawberry.Private[int | None]
    in_place_of_id: strawberry.Private[int | None]
    party: ConsentParty = strawberry.field(description="In which role it is asked.")
    state: ConsentState = strawberry.field(description="Where it stands.")
    due_at: datetime = strawberry.field(description="By when to answer.")
    told_at: datetime | None = strawberry.field(description="When the party was told of it.")
    reminded_at: datetime | None = strawberry.field(description="When the party was reminded of it.")
    answered_at: datetime | None = strawberry.field(description="When it was answered.")

    @strawberry.field(description="The session it is about.")
    async def session(self, info: Info) -> Session:
        """What is asked about."""
        return await get(info, Session, self.session_id)

    @strawberry.field(description="The name of the party that is asked; empty if you may not see it.")
    async def asked(self, info: Info) -> str | None:
        """Whose answer it is."""
        found = (
            await find(info, Jurisdiction, self.jurisdiction_id)
            or await find(info, Enterprise, self.enterprise_id)
            or await find(info, Examiner, self.examiner_id)
            or await find(info, ExamBody, self.exam_body_id)
        )
        return found.name if found else None

    @strawberry.field(description="The silent party's consent in whose place this one is asked.")
    async def in_place_of(self, info: Info) -> "Consent | None":
        """Where silence came from."""
        return await find(info, Consent, self.in_place_of_id)

    @strawberry.field(description="The objection, if that was the answer and you may see it.")
    async def objection(self, info: Info) -> Objection | None:
        """Why not."""
        loader = info.context.loader("objections of consents", lambda ids: objections_of(info, ids))
        row = await loader.load(self.id)
        return Objection.from_row(row) if row else None


async def objections_of(info: Info, consent_ids: list[int]) -> list[ObjectionRow | None]:
    """The visible objection of each consent, in one statement."""
    seen = visible(ObjectionRow, info.context.caller).where(col(ObjectionRow.consent_id).in_(consent_ids))
    async with info.context.reading() as db:
        rows = {row.consent_id: row for row in (await db.exec(seen)).all()}
    return [rows.get(consent_id) for consent_id in consent_ids]


@strawberry.input(description="Sessions that the party agrees to.")
class ConsentAgreeInput:
    """What consentAgree takes."""

    consent_ids: list[strawberry.ID] = strawberry.field(description="1 to 200 consents asked of you; all or none.")


@strawberry.input(description="An objection with its typed reason; each kind takes one field of its own, or none.")
class ConsentObjectInput:
    """What consentObject takes."""

    consent_id: strawberry.ID = strawberry.field(description="The consent asked of you.")
    kind: ObjectionKind = strawberry.field(description="The reason.")
    remark: str = strawberry.field(default="", description="In your own words.")
    examiner_id: strawberry.ID | None = strawberry.field(default=None, description="Who, for NOT_THESE_STAFF.")
    request_id: strawberry.ID | None = strawberry.field(default=None, description="Whose, for KEEP_TOGETHER.")
    people: int | None = strawberry.field(default=None, description="How many, for AT_LEAST_PEOPLE.")

    def order(self) -> consenting.ObjectionOrder:
        """The input as the use case takes it."""
        return consenting.ObjectionOrder(
            consent_id=key_of(self.consent_id, Consent, "input", "consentId"),
            kind=ObjectionKind(self.kind),  # Strawberry hands an input's enum over as its plain value
            remark=self.remark,
            examiner_id=key_of(self.examiner_id, Examiner, "input", "examinerId") if self.examiner_id else None,
            request_id=key_of(self.request_id, Request, "input", "requestId") if self.request_id else None,
            people=self.people,
        )


@strawberry.type(description="The answer to a consent.")
class ConsentPayload(Payload):
    """The consents as they now stand."""

    consents: list[Consent] = strawberry.field(default_factory=list, description="The consents; empty if refused.")


States = Annotated[list[ConsentState] | None, strawberry.argument(description="Only consents in these states.")]
RoundId = Annotated[strawberry.ID | None, strawberry.argument(description="Only those of this round.")]
MineOnly = Annotated[bool, strawberry.argument(description="Only those that are yours to answer.")]


@strawberry.type
class ConsultationQuery:
    """Reads of the consultation."""

    @paged("Consents that you may see (会商意见).")
    async def consents(
        self,
        info: Info,
        page: Page,
        states: States = None,
        mine_only: MineOnly = False,
        round_id: RoundId = None,
    ) -> Connection[Consent]:
        """Consents in the order in which they were asked."""
        caller = info.context.caller
        rows = visible(ConsentRow, caller)
        if states is not None:
            rows = rows.where(col(ConsentRow.state).in_(states))
        if mine_only:
            rows = rows.where(consents_to_answer(caller))
        if round_id:
            key = key_of(round_id, Round, "roundId")
            rows = rows.where(
                col(ConsentRow.session_id).in_(select(col(SessionRow.id)).where(col(SessionRow.round_id) == key))
            )
        return await connect(info, Consent, rows, page)


@strawberry.type
class ConsultationMutation:
    """Answers."""

    @mutation("Agree to sessions that you are asked about.")
    async def consent_agree(self, info: Info, input: ConsentAgreeInput) -> ConsentPayload:
        """ASKED becomes AGREED."""
        context = info.context
        keys = keys_of(input.consent_ids, Consent, "input", "consentIds")
        rows = await consenting.agree(context.db, keys, caller=context.caller, now=context.now())
        return ConsentPayload(consents=[Consent.from_row(row) for row in rows])

    @mutation("Object to a session with a typed reason; the next plan keeps it.")
    async def consent_object(self, info: Info, input: ConsentObjectInput) -> ConsentPayload:
        """ASKED becomes OBJECTED."""
        context = info.context
        row = await consenting.object_to(context.db, input.order(), caller=context.caller, now=context.now())
        return ConsentPayload(consents=[Consent.from_row(row)])
