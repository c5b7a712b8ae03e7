"""Registering firms and workers, and when examiners are away."""

from datetime import date

import strawberry

from api.graphql.context import Info
from api.graphql.entity import key_of
from api.graphql.errors import Payload
from api.graphql.lists import Education
from api.graphql.mutation import mutation
from api.graphql.parties import Enterprise, Examiner, Worker
from api.graphql.places import Jurisdiction
from models.identifiers import DocumentKind
from models.vocabulary import Part
from scheduler import leave, registration
from scheduler.calendar import Block


@strawberry.input(description="A firm to be registered.")
class EnterpriseRegisterInput:
    """What enterpriseRegister takes."""

    credit_code: str = strawberry.field(description="Unified social credit code (统一社会信用代码), 18 characters.")
    name: str = strawberry.field(description="Its name.")
    contact_name: str = strawberry.field(description="Its contact person.")
    contact_phone: str = strawberry.field(description="The contact person's phone.")
    contact_email: str | None = strawberry.field(
        default=None, description="Where the firm wants its messages; it may say another itself (contactSet)."
    )
    office_id: strawberry.ID | None = strawberry.field(
        default=None, description="The office that looks after it; an office may leave it out."
    )
    latitude: float | None = strawberry.field(default=None, description="Where it is; the office's point if empty.")
    longitude: float | None = strawberry.field(default=None, description="Where it is; the office's point if empty.")

    def order(self) -> registration.EnterpriseOrder:
        """The input as the use case takes it."""
        return registration.EnterpriseOrder(
            credit_code=self.credit_code,
            name=self.name,
            contact_name=self.contact_name,
            contact_phone=self.contact_phone,
            contact_email=self.contact_email,
            office_id=key_of(self.office_id, Jurisdiction, "input", "officeId") if self.office_id else None,
            latitude=self.latitude,
            longitude=self.longitude,
        )


@strawberry.input(description="A worker to be registered with the calling firm.")
class WorkerRegisterInput:
    """What workerRegister takes."""

    name: str = strawberry.field(description="The name.")
    document_kind: DocumentKind = strawberry.field(description="The kind of identity document.")
    document_number: str = strawberry.field(description="Its number: kept sealed, shown masked, never logged.")
    education: Education = strawberry.field(description="Schooling completed.")
    years_of_work: int = strawberry.field(default=0, description="Years of work.")
    born_on: date | None = strawberry.field(
        default=None, description="Day of birth, where the number does not carry it: passports, older cards."
    )

    def order(self) -> registration.WorkerOrder:
        """The input as the use case takes it."""
        return registration.WorkerOrder(
            name=self.name,
            document_kind=self.document_kind,
            document_number=self.document_number,
            education=self.education,
            years_of_work=self.years_of_work,
            born_on=self.born_on,
        )


@strawberry.input(description="A half-day of a day.")
class HalfDayInput:
    """A day and its part."""

    day: date = strawberry.field(description="The day.")
    part: Part = strawberry.field(description="The half-day.")


@strawberry.input(description="When an examiner is away, or there again.")
class ExaminerLeaveSetInput:
    """What examinerLeaveSet takes."""

    examiner_id: strawberry.ID = strawberry.field(description="The examiner.")
    half_days: list[HalfDayInput] = strawberry.field(description="1 to 200 half-days; the others stay as they are.")
    is_away: bool = strawberry.field(default=True, description="False takes leave back.")

    def order(self) -> leave.LeaveOrder:
        """The input as the use case takes it."""
        return leave.LeaveOrder(
            examiner_id=key_of(self.examiner_id, Examiner, "input", "examinerId"),
            half_days=tuple(Block(each.day, each.part) for each in self.half_days),
            is_away=self.is_away,
        )


@strawberry.type(description="The answer to a change of an enterprise.")
class EnterprisePayload(Payload):
    """The firm."""

    enterprise: Enterprise | None = strawberry.field(default=None, description="The firm; empty if refused.")


@strawberry.type(description="The answer to a change of a worker.")
class WorkerPayload(Payload):
    """The worker."""

    worker: Worker | None = strawberry.field(default=None, description="The worker; empty if refused.")


@strawberry.type(description="The answer to a change of an examiner.")
class ExaminerPayload(Payload):
    """The examiner."""

    examiner: Examiner | None = strawberry.field(default=None, description="The examiner; empty if refused.")


@strawberry.type
class RegistrationMutation:
    """Acts on parties."""

    @mutation("Register a firm at the office that looks after it. For officials within their territory.")
    async def enterprise_register(self, info: Info, input: EnterpriseRegisterInput) -> EnterprisePayload:
        """A new firm."""
        row = await registration.register_enterprise(info.context.db, input.order(), caller=info.context.caller)
        return EnterprisePayload(enterprise=Enterprise.from_row(row))

    @mutation("Register a worker with your firm. For enterprises.")
    async def worker_register(self, info: Info, input: WorkerRegisterInput) -> WorkerPayload:
        """A new worker."""
        context = info.context
        row = await registration.register_worker(
            context.db, input.order(), sealer=context.service.sealer, caller=context.caller, now=context.now()
        )
        return WorkerPayload(worker=Worker.from_row(row))

    @mutation("Set or take back leave of an examiner (请假). For the examiner and its exam body.")
    async def examiner_leave_set(self, info: Info, input: ExaminerLeaveSetInput) -> ExaminerPayload:
        """Half-days away."""
        context = info.context
        row = await leave.set_leave(context.db, input.order(), caller=context.caller, now=context.now())
        return ExaminerPayload(examiner=Examiner.from_row(row))
