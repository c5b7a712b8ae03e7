"""What can be examined: items, their subjects, and the rules that judge them."""

from datetime import date
from typing import Annotated, ClassVar

import strawberry
from sqlmodel import col
from strawberry import relay

from api.graphql.context import Info
from api.graphql.entity import Entity, get
from api.graphql.lists import Education, Subject
from api.graphql.places import Jurisdiction
from models.catalogue import Exam as ExamRow
from models.catalogue import ExamRule as ExamRuleRow
from models.catalogue import Item as ItemRow
from models.catalogue import ItemRule as ItemRuleRow
from scheduler.calendar import SHANGHAI
from scheduler.catalogue import order_of_precedence
from scheduler.visibility import visible


@strawberry.type(description="Where a number of a rule comes from.")
class Provenance:
    """The source of one field."""

    field: str = strawberry.field(description="The field it is about.")
    source: str = strawberry.field(description="The rule, notice or assumption.")
    confidence: str = strawberry.field(description="FOUND in a source, BELIEVED, or ASSUMED.")


@strawberry.type(description="A work item of TSG Z6001-2019 (作业项目).")
class Item(Entity, relay.Node):
    """What a certificate is for."""

    TABLE: ClassVar = ItemRow
    id: relay.NodeID[int]
    code: str = strawberry.field(description="The regulator's code, such as N1.")
    scope_limit: str | None = strawberry.field(description="The scope limit (限), where the code carries one.")
    name: str = strawberry.field(description="The Chinese name.")
    english_name: str = strawberry.field(description="The English name.")

    @strawberry.field(description="Its subjects (科目).")
    async def exams(self, info: Info) -> list["Exam"]:
        """All exams of the item, theory first."""
        loader = info.context.loader("exams of items", lambda ids: exams_of_items(info, ids))
        return [Exam.from_row(row) for row in await loader.load(self.id)]

    @strawberry.field(description="The rule in force on a day in your bureau; today's if no day is given.")
    async def rule_in_force(
        self, info: Info, on: Annotated[date | None, strawberry.argument(description="The day.")] = None
    ) -> "ItemRule | None":
        """The latest version that is in force by then; auditors and operators, of no bureau, see the common one."""
        day = on or info.context.now().astimezone(SHANGHAI).date()
        own = (None, info.context.caller.bureau_id)
        rules = [rule for rule in await self.versions(info) if rule.in_force_from <= day and rule.bureau_id in own]
        return rules[-1] if rules else None

    @strawberry.field(description="Every version of its rule: the common ones, then your bureau's; oldest first.")
    async def rules(self, info: Info) -> list["ItemRule"]:
        """The versions in order."""
        return await self.versions(info)

    async def versions(self, info: Info) -> list["ItemRule"]:
        """The versions of the rule, loaded together with the siblings'."""
        loader = info.context.loader("rules of items", lambda ids: rules_of_items(info, ids))
        return [ItemRule.from_row(row) for row in await loader.load(self.id)]


@strawberry.type(description="One subject of one item: the unit that is scheduled.")
class Exam(Entity, relay.Node):
    """What a session examines."""

    TABLE: ClassVar = ExamRow
    id: relay.NodeID[int]
    item_id: strawberry.Private[int]
    subject: Subject = strawberry.field(description="Theory or practical.")

    @strawberry.field(description="Its item.")
    async def item(self, info: Info) -> Item:
        """The item it belongs to."""
        return await get(info, Item, self.item_id)


@strawberry.type(description="The numbers of one subject under a version of the rule.")
class ExamRule(Entity, relay.Node):
    """How one subject is held and judged."""

    TABLE: ClassVar = ExamRuleRow
    id: relay.NodeID[int]
    exam_id: strawberry.Private[int]
    full_mark: int = strawberry.field(description="The best mark.")
    pass_mark: int = strawberry.field(description="The least mark that passes.")
    minutes_a_candidate: int = strawberry.field(
        description="Minutes that one candidate takes, for whoever says what a site holds in a half-day (siteOfferSet)."
    )
    staff: int = strawberry.field(description="Examiners on duty.")
    least_people: int = strawberry.field(description="The least people for a session to be held.")

    @strawberry.field(description="The exam it is about.")
    async def exam(self, info: Info) -> Exam:
        """Its exam."""
        return await get(info, Exam, self.exam_id)


@strawberry.type(description="The numbers of an item's rule from a day on: the regulator's, or a bureau's own.")
class ItemRule(Entity, relay.Node):
    """A version of an item's rule; a result is judged by the one in force on its day."""

    TABLE: ClassVar = ItemRuleRow
    id: relay.NodeID[int]
    bureau_id: strawberry.Private[int | None]
    in_force_from: date = strawberry.field(description="The first day it holds.")
    valid_years: int = strawberry.field(description="Years that a certificate is valid.")
    least_age: int = strawberry.field(description="Least age on application.")
    most_age: int = strawberry.field(description="Highest age on application.")
    renewal_most_age: int = strawberry.field(description="Highest age on renewal.")
    renewal_lead_months: int = strawberry.field(description="Months before expiry by which renewal is applied for.")
    least_education: Education = strawberry.field(description="Least schooling.")
    least_years_of_work: int = strawberry.field(description="Least years of work.")
    retakes: int = strawberry.field(description="Retakes after a failure.")
    retake_window_months: int = strawberry.field(description="Months in which a retake is open.")
    provenance_rows: strawberry.Private[dict[str, dict[str, str]]]

    @classmethod
    def from_row(cls, row: ItemRuleRow) -> "ItemRule":
        """Shape a row; its provenance is a document."""
        own = {name: getattr(row, name) for name in cls.__annotations__ if hasattr(row, name) and name != "TABLE"}
        return cls(**own, provenance_rows=row.provenance)

    @strawberry.field(description="The bureau whose own version it is; empty for the one that is common to all.")
    async def bureau(self, info: Info) -> Jurisdiction | None:
        """Whose it is."""
        return None if self.bureau_id is None else await get(info, Jurisdiction, self.bureau_id)

    @strawberry.field(description="Where each number comes from.")
    async def provenance(self) -> list[Provenance]:
        """The sources by field."""
        return [
            Provenance(field=name, source=given["source"], confidence=given["confidence"])
            for name, given in sorted(self.provenance_rows.items())
        ]

    @strawberry.field(description="The numbers of each subject.")
    async def exam_rules(self, info: Info) -> list[ExamRule]:
        """The subjects under this version."""
        loader = info.context.loader("exam rules of rules", lambda ids: exam_rules_of(info, ids))
        return [ExamRule.from_row(row) for row in await loader.load(self.id)]


async def exams_of_items(info: Info, item_ids: list[int]) -> list[list[ExamRow]]:
    """The exams of each item, theory first, in one statement."""
    wanted = visible(ExamRow, info.context.caller).where(col(ExamRow.item_id).in_(item_ids)).order_by(col(ExamRow.id))
    async with info.context.reading() as db:
        rows = (await db.exec(wanted)).all()
    return [[row for row in rows if row.item_id == item_id] for item_id in item_ids]


async def rules_of_items(info: Info, item_ids: list[int]) -> list[list[ItemRuleRow]]:
    """The versions of each item's rule, oldest first, in one statement."""
    wanted = visible(ItemRuleRow, info.context.caller).where(col(ItemRuleRow.item_id).in_(item_ids))
    async with info.context.reading() as db:
        rows = (await db.exec(wanted.order_by(*order_of_precedence()))).all()
    return [[row for row in rows if row.item_id == item_id] for item_id in item_ids]


async def exam_rules_of(info: Info, rule_ids: list[int]) -> list[list[ExamRuleRow]]:
    """The exam rules of each version, in one statement."""
    wanted = visible(ExamRuleRow, info.context.caller).where(col(ExamRuleRow.rule_id).in_(rule_ids))
    async with info.context.reading() as db:
        rows = (await db.exec(wanted.order_by(col(ExamRuleRow.id)))).all()
    return [[row for row in rows if row.rule_id == rule_id] for rule_id in rule_ids]


@strawberry.type
class CatalogueQuery:
    """Reads of the catalogue."""

    @strawberry.field(description="Every item that can be examined (作业项目).")
    async def items(self, info: Info) -> list[Item]:
        """All items in the order of their codes."""
        wanted = visible(ItemRow, info.context.caller).order_by(col(ItemRow.code), col(ItemRow.scope_limit))
        async with info.context.reading() as db:
            return [Item.from_row(row) for row in (await db.exec(wanted)).all()]
