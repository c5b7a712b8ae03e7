"""A mutation field: one input, one transaction, one payload; a refusal rolls back and becomes data here alone."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import strawberry
from sqlalchemy.exc import DBAPIError
from strawberry.extensions import FieldExtension
from strawberry.types.field import StrawberryField

from api.graphql.context import Context, Info
from api.graphql.errors import Payload, as_user_errors
from scheduler.constraints import refusal_of
from scheduler.refusals import Refused


class Answering(FieldExtension):
    """Run the field within what its kind needs; turn a refusal into the payload's user errors."""

    def apply(self, field: StrawberryField) -> None:
        """Remember which payload a refusal is put into."""
        self.payload: Callable[..., Payload] = field.type  # type: ignore[assignment]

    def within(self, context: Context) -> AbstractAsyncContextManager[object]:
        """What the field runs in."""
        raise NotImplementedError

    async def resolve_async(
        self, next_: Callable[..., Awaitable[Payload]], source: Any, info: Info, **kwargs: Any
    ) -> Payload:
        """Let the resolver act, or say why not."""
        context = info.context
        try:
            async with self.within(context):
                return await next_(source, info, **kwargs)
        except Refused as refused:
            return self.payload(user_errors=as_user_errors(refused))
        except DBAPIError as error:
            if (raced := refusal_of(error)) is None:
                raise
            return self.payload(user_errors=as_user_errors(raced))
        finally:
            context.forget()


class Transaction(Answering):
    """One transaction: what the resolver did is committed when it answers, and rolled back by a refusal."""

    def within(self, context: Context) -> AbstractAsyncContextManager[object]:
        """The field's transaction."""
        return context.writing()


class OneTransaction(Transaction):
    """The usual write, whose answer may be kept under the operation's key."""


class SecretTransaction(Transaction):
    """A write whose answer or input is a secret: it takes no key, as nothing of it is to be kept."""


class OwnTransactions(Answering):
    """
    Let the use case open its transactions itself, and keep what it answers under the operation's key.

    For the booking desk alone, whose usual write begins and ends on the server.
    """

    def within(self, context: Context) -> AbstractAsyncContextManager[object]:
        """A turn in the desk's line."""
        return context.service.desk.turn()


def desk_mutation(description: str) -> Any:  # Strawberry's decorator is untyped this way
    """A mutation field of the booking desk, whose use case opens its transactions itself."""
    return strawberry.mutation(extensions=[OwnTransactions()], description=description)


def mutation(description: str) -> Any:  # Strawberry's decorator is untyped this way
    """A mutation field with its description."""
    return strawberry.mutation(extensions=[OneTransaction()], description=description)


def secret_mutation(description: str) -> Any:  # Strawberry's decorator is untyped this way
    """A mutation field whose answer or input is a secret."""
    return strawberry.mutation(extensions=[SecretTransaction()], description=description)
