"""The bureau's own numbers."""

from typing import Self

import strawberry

from api.graphql.context import Info
from api.graphql.errors import Payload
from api.graphql.mutation import mutation
from scheduler import policy_changes


@strawberry.type(description="A number of the bureau's own: a weight, a limit, lead days.")
class PolicyNumber:
    """One number with its unit and source."""

    name: str = strawberry.field(description="Its name.")
    value: float = strawberry.field(description="Its value.")
    unit: str = strawberry.field(description="Its unit.")
    source: str = strawberry.field(description="Where it comes from.")

    @classmethod
    def of(cls, number: policy_changes.PolicyNumber) -> Self:
        """A number as the policy has it."""
        return cls(name=number.name, value=number.value, unit=number.unit, source=number.source)


@strawberry.input(description="A new value for one of the bureau's own numbers.")
class PolicySetInput:
    """What policySet takes."""

    name: str = strawberry.field(description="Its name, as the policy lists it.")
    value: float = strawberry.field(description="The new value.")
    source: str = strawberry.field(description="Where it comes from.")


@strawberry.type(description="The answer to policySet.")
class PolicyPayload(Payload):
    """The number as it now stands."""

    policy_number: PolicyNumber | None = strawberry.field(default=None, description="The number; empty if refused.")


@strawberry.type
class PolicyQuery:
    """Reads of the policy."""

    @strawberry.field(description="Every number of the caller's bureau; auditors and operators see the defaults.")
    async def policy(self, info: Info) -> list[PolicyNumber]:
        """The numbers."""
        bureau_id = info.context.caller.bureau_id
        async with info.context.reading() as db:
            return [PolicyNumber.of(number) for number in await policy_changes.numbers_of(db, bureau_id)]


@strawberry.type
class PolicyMutation:
    """Acts on the policy."""

    @mutation("Set one of the bureau's own numbers. For bureaus.")
    async def policy_set(self, info: Info, input: PolicySetInput) -> PolicyPayload:
        """One number."""
        context = info.context
        number = await policy_changes.set_policy(
            context.db, input.name, input.value, input.source, caller=context.caller
        )
        return PolicyPayload(policy_number=PolicyNumber.of(number))
