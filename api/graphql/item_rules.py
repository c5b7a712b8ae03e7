"""Revising the regulator's numbers of an item."""

from datetime import date

import strawberry

from api.graphql.catalogue import Item
from api.graphql.context import Info
from api.graphql.entity import key_of
from api.graphql.errors import Payload
from api.graphql.lists import Confidence, Education, Subject
from api.graphql.mutation import mutation
from scheduler import item_rules
from scheduler.item_rules import RuleField

strawberry.enum(RuleField, name="RuleField", description="A number of an item's rule; the last five are a subject's.")


@strawberry.input(description="One number that is to change, with where it comes from.")
class RuleChangeInput:
    """A change of itemRuleRevise."""

    field: RuleField = strawberry.field(description="Which number.")
    subject: Subject | None = strawberry.field(
        default=None, description="The subject, for marks, minutes, staff and least people; empty for the others."
    )
    number: int | None = strawberry.field(default=None, description="What is to stand there.")
    education: Education | None = strawberry.field(
        default=None, description="What is to stand there, for LEAST_EDUCATION."
    )
    source: str = strawberry.field(description="The rule, notice or assumption it comes from.")
    confidence: Confidence = strawberry.field(description="How sure we are of it.")

    def change(self) -> item_rules.Change:
        """The change as the use case takes it."""
        return item_rules.Change(
            field=self.field,
            source=self.source,
            confidence=self.confidence,
            subject=self.subject,
            number=self.number,
            education=self.education,
        )


@strawberry.input(description="A new version of an item's rule: the version before it, with these changes.")
class ItemRuleReviseInput:
    """What itemRuleRevise takes."""

    item_id: strawberry.ID = strawberry.field(description="The item.")
    in_force_from: date = strawberry.field(description="The first day it holds: tomorrow or later.")
    changes: list[RuleChangeInput] = strawberry.field(description="What changes, each number once.")

    def order(self) -> item_rules.RevisionOrder:
        """The input as the use case takes it."""
        return item_rules.RevisionOrder(
            item_id=key_of(self.item_id, Item, "input", "itemId"),
            in_force_from=self.in_force_from,
            changes=tuple(change.change() for change in self.changes),
        )


@strawberry.type(description="The answer to a revision of an item's rule.")
class ItemPayload(Payload):
    """The item with its versions."""

    item: Item | None = strawberry.field(default=None, description="The item; empty if refused.")


@strawberry.type
class ItemRuleMutation:
    """Acts on rules."""

    @mutation("Let a changed rule be in force in your bureau from a day on; earlier days keep theirs. For bureaus.")
    async def item_rule_revise(self, info: Info, input: ItemRuleReviseInput) -> ItemPayload:
        """A new version."""
        context = info.context
        row = await item_rules.revise_rule(context.db, input.order(), caller=context.caller, now=context.now())
        return ItemPayload(item=Item.from_row(row))
