"""Who takes part: enterprises, their workers, exam bodies and their examiners."""

from datetime import date
from typing import ClassVar

import strawberry
from sqlmodel import col
from strawberry import relay

from api.graphql.context import Info
from api.graphql.entity import Entity, get
from api.graphql.lists import Education
from api.graphql.paging import Connection, Page, connect, paged
from api.graphql.places import Jurisdiction
from models.identifiers import DocumentKind, mask_phone
from models.parties import Enterprise as EnterpriseRow
from models.parties import ExamBody as ExamBodyRow
from models.parties import Examiner as ExaminerRow
from models.parties import Worker as WorkerRow
from models.vocabulary import Role
from scheduler.callers import OFFICIALS
from scheduler.visibility import visible

strawberry.enum(DocumentKind, name="DocumentKind", description="A kind of identity document (证件类型).")


@strawberry.type(description="A firm, sole trader or market stall (企业).")
class Enterprise(Entity, relay.Node):
    """A firm at the office that looks after it."""

    TABLE: ClassVar = EnterpriseRow
    id: relay.NodeID[int]
    office_id: strawberry.Private[int]
    credit_code: str = strawberry.field(description="Unified social credit code (统一社会信用代码).")
    name: str = strawberry.field(description="Its name.")
    contact_name: str = strawberry.field(description="Its contact person.")
    contact_phone: strawberry.Private[str]
    latitude: float = strawberry.field(description="Degrees north.")
    longitude: float = strawberry.field(description="Degrees east.")

    @strawberry.field(
        name="contactPhone", description="The contact person's phone; masked but for the firm itself and its officials."
    )
    async def phone_shown(self, info: Info) -> str:
        """As much of it as the caller needs."""
        needs_it = info.context.caller.role in (*OFFICIALS, Role.ENTERPRISE)
        return self.contact_phone if needs_it else mask_phone(self.contact_phone)

    @strawberry.field(description="The office (所) that looks after it.")
    async def office(self, info: Info) -> Jurisdiction:
        """Its office."""
        return await get(info, Jurisdiction, self.office_id)

    @paged("Its workers.")
    async def workers(self, info: Info, page: Page) -> "Connection[Worker]":
        """Workers of the firm that the caller may see."""
        own = visible(WorkerRow, info.context.caller).where(col(WorkerRow.enterprise_id) == self.id)
        return await connect(info, Worker, own, page)


@strawberry.type(description="A person of an enterprise who is examined (作业人员).")
class Worker(Entity, relay.Node):
    """A worker; the identity number is only ever shown masked."""

    TABLE: ClassVar = WorkerRow
    id: relay.NodeID[int]
    enterprise_id: strawberry.Private[int]
    name: str = strawberry.field(description="The name.")
    document_kind: DocumentKind = strawberry.field(description="The kind of identity document.")
    document_masked: str = strawberry.field(description="The document's number, masked.")
    born_on: date = strawberry.field(description="Day of birth.")
    education: Education = strawberry.field(description="Schooling completed.")
    years_of_work: int = strawberry.field(description="Years of work.")

    @strawberry.field(description="The firm.")
    async def enterprise(self, info: Info) -> Enterprise:
        """Where the worker is registered."""
        return await get(info, Enterprise, self.enterprise_id)


@strawberry.type(description="A body that conducts and scores exams (考试机构).")
class ExamBody(Entity, relay.Node):
    """An exam body; the product records what it confirms."""

    TABLE: ClassVar = ExamBodyRow
    id: relay.NodeID[int]
    name: str = strawberry.field(description="Its name.")
    is_gated: bool = strawberry.field(description="Whether the practical is open only after theory is passed.")


@strawberry.type(description="An examiner of an exam body (考评人员).")
class Examiner(Entity, relay.Node):
    """Somebody who conducts exams."""

    TABLE: ClassVar = ExaminerRow
    id: relay.NodeID[int]
    exam_body_id: strawberry.Private[int]
    name: str = strawberry.field(description="The name.")

    @strawberry.field(description="The exam body.")
    async def exam_body(self, info: Info) -> ExamBody:
        """Whose examiner it is."""
        return await get(info, ExamBody, self.exam_body_id)


@strawberry.type
class PartyQuery:
    """Reads of parties."""

    @paged("Enterprises that you may see.")
    async def enterprises(self, info: Info, page: Page) -> Connection[Enterprise]:
        """Firms in the order of their keys."""
        rows = visible(EnterpriseRow, info.context.caller)
        return await connect(info, Enterprise, rows, page)

    @paged("Workers that you may see.")
    async def workers(self, info: Info, page: Page) -> Connection[Worker]:
        """Workers in the order of their keys."""
        rows = visible(WorkerRow, info.context.caller)
        return await connect(info, Worker, rows, page)

    @paged("Examiners that you may see.")
    async def examiners(self, info: Info, page: Page) -> Connection[Examiner]:
        """Examiners in the order of their keys."""
        rows = visible(ExaminerRow, info.context.caller)
        return await connect(info, Examiner, rows, page)
