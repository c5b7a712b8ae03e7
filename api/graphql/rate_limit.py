"""What an operation costs and what is left, told beside its answer and asked for by a field."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any

import strawberry
from graphql import (
    BooleanValueNode,
    DocumentNode,
    FieldNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
)

from api.graphql.context import Info
from api.graphql.operations import Operation
from api.graphql.stops import Stop, Stopped
from api.graphql.weights import fragments_of
from scheduler.allowances import Charge, charge

FIELD, DRY_RUN = "rateLimit", "dryRun"


@strawberry.type(description="What this operation costs, and what is left of your party's allowance.")
class RateLimit:
    """A leaky bucket, seen by whoever fills it."""

    cost: int = strawberry.field(description="What this operation costs, known before it is run.")
    limit: int = strawberry.field(description="The most that your party's requests may cost at once.")
    remaining: int = strawberry.field(description="What is left of it at this moment.")
    restore_rate: float = strawberry.field(description="How much comes back each second.")
    reset_at: datetime = strawberry.field(description="When everything is back, if nothing more is asked.")


@strawberry.type
class RateLimitQuery:
    """What asking costs."""

    @strawberry.field(description="What this operation costs, and what is left; empty if nobody is signed in.")
    async def rate_limit(
        self,
        info: Info,
        dry_run: Annotated[
            bool,
            strawberry.argument(description="Only tell the cost: nothing else is run, answered or charged."),
        ] = False,
    ) -> RateLimit | None:
        """The operation's own charge; a dry run was cut down before it came here."""
        _ = dry_run
        if (paid := info.context.charge) is None:
            return None
        return RateLimit(
            cost=paid.cost,
            limit=paid.allowance.most,
            remaining=paid.remaining,
            restore_rate=paid.allowance.a_second,
            reset_at=info.context.now() + timedelta(seconds=paid.seconds_until(paid.allowance.most)),
        )


async def charged(asked: Operation) -> Operation:
    """
    Take the operation's cost out of the caller's allowance; what comes back is what is to be run.

    Raises:
        Stopped: THROTTLED, with the time; or LIMIT_EXCEEDED for what is dearer than the whole allowance.
    """
    context, cost = asked.context, asked.weight.cost
    if context.viewer is None:
        return asked
    dry = list(dry_runs(asked))
    paid = await charge(context.service.database, context.viewer, 0 if dry else cost, context.service.allowance)
    context.charge = replace(paid, cost=cost)
    if dry:
        return cut_down(asked, dry)
    if not paid.is_paid:
        raise unpaid(paid)
    return asked


def unpaid(paid: Charge) -> Stopped:
    """Why an operation is not run now, or never."""
    most = paid.allowance.most
    if paid.cost > most:
        message = f"This costs {paid.cost:,}, and {most:,} is the most at once: ask for smaller pages."
        return Stopped(Stop.LIMIT_EXCEEDED, message, limit="cost", most=most)
    seconds = paid.seconds_until(paid.cost)
    message = f"This costs {paid.cost:,}, and {paid.remaining:,} is left: send it again in {seconds:.1f} s."
    return Stopped(Stop.THROTTLED, message, retryAfterMilliseconds=int(seconds * 1000) + 1)


def told(asked: Operation) -> dict[str, Any]:
    """What goes beside the answer, as `extensions.cost`."""
    paid = asked.context.charge
    if paid is None:
        return {"requested": asked.weight.cost}
    return {
        "requested": paid.cost,
        "limit": paid.allowance.most,
        "remaining": paid.remaining,
        "restoreRate": paid.allowance.a_second,
    }


def dry_runs(asked: Operation) -> Iterator[FieldNode]:
    """The operation's fields that ask for a dry run."""
    for field in root_fields(asked.document.tree, asked.node.selection_set):
        for argument in field.arguments or () if field.name.value == FIELD else ():
            value = argument.value
            given = asked.variables.get(value.name.value) if isinstance(value, VariableNode) else None
            if argument.name.value == DRY_RUN and (
                given is True or (isinstance(value, BooleanValueNode) and value.value)
            ):
                yield field


def root_fields(tree: DocumentNode, chosen: SelectionSetNode) -> Iterator[FieldNode]:
    """The fields of an operation itself, with each of its fragments once."""
    left, fragments = [chosen], fragments_of(tree)
    while left:
        for each in left.pop().selections:
            if isinstance(each, FieldNode):
                yield each
            elif isinstance(each, InlineFragmentNode):
                left.append(each.selection_set)
            elif isinstance(each, FragmentSpreadNode) and each.name.value in fragments:
                left.append(fragments.pop(each.name.value).selection_set)


def cut_down(asked: Operation, fields: list[FieldNode]) -> Operation:
    """The operation with these fields alone."""
    node = OperationDefinitionNode(
        operation=asked.node.operation,
        name=asked.node.name,
        variable_definitions=asked.node.variable_definitions,
        selection_set=SelectionSetNode(selections=tuple(fields)),
    )
    kept = (each for each in asked.document.tree.definitions if not isinstance(each, OperationDefinitionNode))
    return replace(asked, node=node, tree=DocumentNode(definitions=(node, *kept)))
