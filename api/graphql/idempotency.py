"""
Writes that may be sent again: a caller's key stands for one answer, kept in the transaction that did the write.

`docs/adr/0003-idempotent-writes.md` says why the answer is rendered before the commit.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Annotated, Any

import strawberry
from graphql import (
    DirectiveNode,
    ExecutionResult,
    FieldNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    print_ast,
    value_from_ast_untyped,
)
from strawberry.directive import DirectiveLocation
from strawberry.extensions import FieldExtension
from strawberry.schema.base import BaseSchema
from strawberry.types.base import StrawberryObjectDefinition

from api.graphql.context import Context
from api.graphql.mutation import OneTransaction, OwnTransactions
from api.graphql.operations import Operation
from scheduler.idempotency import LONGEST_KEY, KeyedWrite, answer_before, fingerprint_of, keep_answer
from scheduler.refusals import Code, Refused, refuse

NAME = "idempotent"

Key = Annotated[
    str,
    strawberry.argument(
        description="Chosen by the client, fresh for each write, up to 255 characters; a UUID is a good one."
    ),
]


@strawberry.directive(
    locations=[DirectiveLocation.MUTATION],
    name=NAME,
    description=(
        "Makes a mutation of one field safe to send again: what is sent under a key is done once, and answered alike"
        " each time. The header `Idempotency-Key` says the same."
    ),
)
def idempotent(key: Key) -> None:
    """Declared for the schema; `done_once` reads it from the operation."""


class Unanswered(Exception):
    """The operation failed, so that its key is free again and nothing of it stays."""


async def done_once(asked: Operation, run: Callable[[], Awaitable[ExecutionResult]]) -> ExecutionResult:
    """Run the operation as it is, or inside its key's transaction, or answer what its key stands for already."""
    try:
        write = keyed_write(asked)
    except Refused as refused:
        return failed(refused)
    if write is None or keeps_its_own(asked):
        asked.context.write = write
        return await run()
    with suppress(Unanswered):
        async with asked.context.one_transaction():
            if (before := await answered(asked.context, write)) is not None:
                return ExecutionResult(data=before)
            result = await run()
            await keep(asked.context, write, result)
    return result


async def answered(context: Context, write: KeyedWrite) -> dict[str, Any] | None:
    """The answer that there is already; a key that cannot be taken is the field's own refusal."""
    try:
        return await answer_before(context.operation, write, now=context.now())
    except Refused as refused:
        context.refusal = refused
        return None


async def keep(context: Context, write: KeyedWrite, result: ExecutionResult) -> None:
    """
    Keep the answer under its key.

    Raises:
        Unanswered: There is none.
    """
    if context.refusal is not None:
        raise Unanswered
    if result.errors or result.data is None:
        # Data beside errors would look as if it had been done.
        result.data = None
        raise Unanswered
    await keep_answer(context.operation, write, result.data)


def keyed_write(asked: Operation) -> KeyedWrite | None:
    """
    The write that the request's key stands for; None without a key.

    Raises:
        Refused: The key or the operation cannot be used this way.
    """
    key = key_of(asked)
    if key is None:
        return None
    refuse_unkeyable(asked)
    return KeyedWrite(asked.context.caller.account_id, key, fingerprint(asked))


def key_of(asked: Operation) -> str | None:
    """
    The key of the directive or the header.

    Raises:
        Refused: BAD_INPUT for two different ones, or one that is too long or empty.
    """
    header = asked.context.idempotency_key
    said = {value_of(directive, asked.variables) for directive in asked.node.directives or () if is_ours(directive)}
    keys = said if header is None else said | {header.strip()}
    if not keys:
        return None
    if len(keys) > 1:
        raise refuse(Code.BAD_INPUT, "The header Idempotency-Key and @idempotent give different keys: give one.")
    (key,) = keys
    if not isinstance(key, str) or not 1 <= len(key) <= LONGEST_KEY or "\0" in key:
        raise refuse(Code.BAD_INPUT, f"An idempotency key is a text of 1 to {LONGEST_KEY} characters.")
    return key


def is_ours(directive: DirectiveNode) -> bool:
    """Whether a directive is `@idempotent`."""
    return directive.name.value == NAME


def value_of(directive: DirectiveNode, variables: Mapping[str, Any]) -> object:
    """The key that a directive gives, itself or by a variable."""
    argument = next(each for each in directive.arguments or () if each.name.value == "key")
    value: object = value_from_ast_untyped(argument.value, dict(variables))
    return value if isinstance(value, str) else None


def refuse_unkeyable(asked: Operation) -> None:
    """
    Let only a mutation of one field pass that leaves its transaction to us.

    Raises:
        Refused: BAD_INPUT, with the way out.
    """
    chosen = asked.node.selection_set.selections
    fields = [each for each in chosen if isinstance(each, FieldNode)]
    written_out = len(fields) == len(chosen) == 1
    if asked.node.operation is not OperationType.MUTATION or not written_out:
        raise refuse(
            Code.BAD_INPUT,
            "Only a mutation of exactly one field may carry an idempotency key: send each field as an operation of its"
            " own, written out, and queries without a key.",
        )
    name = fields[0].name.value
    if name not in keyable(asked.schema, OneTransaction) | keyable(asked.schema, OwnTransactions):
        raise refuse(
            Code.BAD_INPUT, f"{name} takes no idempotency key, as its answer is not to be kept: send it without."
        )


def keeps_its_own(asked: Operation) -> bool:
    """Whether the operation's one field keeps its answer under the key itself."""
    (field,) = asked.node.selection_set.selections
    return isinstance(field, FieldNode) and field.name.value in keyable(asked.schema, OwnTransactions)


def keyable(schema: BaseSchema, kind: type[FieldExtension]) -> set[str]:
    """The mutation fields with an extension of this kind."""
    mutation = schema.get_type_by_name("Mutation")
    if not isinstance(mutation, StrawberryObjectDefinition):
        return set()
    named = schema.config.name_converter.get_graphql_name
    return {named(field) for field in mutation.fields if any(isinstance(e, kind) for e in field.extensions)}


def fingerprint(asked: Operation) -> str:
    """What the operation asks for: its text without the directive, its fragments, its variables."""
    others = (each for each in asked.document.tree.definitions if not isinstance(each, OperationDefinitionNode))
    bare = OperationDefinitionNode(
        operation=asked.node.operation,
        variable_definitions=asked.node.variable_definitions,
        directives=tuple(each for each in asked.node.directives or () if not is_ours(each)),
        selection_set=asked.node.selection_set,
    )
    return fingerprint_of("\n".join((print_ast(bare), *sorted(map(print_ast, others)))), dict(asked.variables))


def failed(refused: Refused) -> ExecutionResult:
    """The answer of an operation that was not begun."""
    return ExecutionResult(data=None, errors=[GraphQLError(refused.reasons[0].message, original_error=refused)])
