"""
Writes that may be sent again: a caller's key stands for one answer, kept in the transaction that did the write.

`docs/adr/0003-idempotent-writes.md` says why the answer is rendered before the commit.
"""

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated

import strawberry
from graphql import (
    DirectiveNode,
    ExecutionResult,
    FieldNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    get_operation_ast,
    print_ast,
    value_from_ast_untyped,
)
from strawberry.directive import DirectiveLocation
from strawberry.extensions import FieldExtension, SchemaExtension
from strawberry.types import ExecutionContext
from strawberry.types.base import StrawberryObjectDefinition

from api.graphql.context import Context
from api.graphql.mutation import OneTransaction, OwnTransactions
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
    """Declared for the schema; `Idempotent` reads it from the operation."""


class Unanswered(Exception):
    """The operation failed, so that its key is free again and nothing of it stays."""


class Idempotent(SchemaExtension):
    """Do a keyed write once: take the key, act, render and keep the answer in one transaction."""

    async def on_execute(self) -> AsyncIterator[None]:
        """Run the operation as it is, inside its key's transaction, or not at all."""
        try:
            write = keyed_write(self.execution_context)
        except Refused as refused:
            self.execution_context.result = failed(refused)
            write = None
        if write is None or keeps_its_own(self.execution_context):
            self.execution_context.context.write = write
            yield
            return
        with suppress(Unanswered):
            async with self.execution_context.context.one_transaction():
                is_repeat = await self._is_answered(write)
                yield
                if not is_repeat:
                    await self._keep(write)

    async def _is_answered(self, write: KeyedWrite) -> bool:
        """Whether there is an answer already; a key that cannot be taken is the field's own refusal."""
        context: Context = self.execution_context.context
        try:
            before = await answer_before(context.operation, write, now=context.now())
        except Refused as refused:
            context.refusal = refused
            return False
        if before is not None:
            self.execution_context.result = ExecutionResult(data=before)
        return before is not None

    async def _keep(self, write: KeyedWrite) -> None:
        result, context = self.execution_context.result, self.execution_context.context
        if context.refusal is not None:
            raise Unanswered
        if not isinstance(result, ExecutionResult) or result.errors or result.data is None:
            # Data beside errors would look as if it had been done.
            if isinstance(result, ExecutionResult):
                result.data = None
            raise Unanswered
        await keep_answer(context.operation, write, result.data)


def keyed_write(execution: ExecutionContext) -> KeyedWrite | None:
    """
    The write that the request's key stands for; None without a key.

    Raises:
        Refused: The key or the operation cannot be used this way.
    """
    context: Context = execution.context
    operation = operation_of(execution)
    key = key_of(operation, execution, header=context.idempotency_key)
    if key is None:
        return None
    refuse_unkeyable(operation, execution)
    return KeyedWrite(context.caller.account_id, key, fingerprint(operation, execution))


def operation_of(execution: ExecutionContext) -> OperationDefinitionNode:
    """The operation that will run."""
    document = execution.graphql_document
    operation = get_operation_ast(document, execution.operation_name) if document else None
    if operation is None:
        message = "an operation is executed only after it was parsed and chosen"
        raise RuntimeError(message)
    return operation


def key_of(operation: OperationDefinitionNode, execution: ExecutionContext, *, header: str | None) -> str | None:
    """
    The key of the directive or the header.

    Raises:
        Refused: BAD_INPUT for two different ones, or one that is too long or empty.
    """
    said = {value_of(directive, execution) for directive in operation.directives or () if is_ours(directive)}
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


def value_of(directive: DirectiveNode, execution: ExecutionContext) -> object:
    """The key that a directive gives, itself or by a variable."""
    argument = next(each for each in directive.arguments or () if each.name.value == "key")
    value: object = value_from_ast_untyped(argument.value, execution.variables)
    return value if isinstance(value, str) else None


def refuse_unkeyable(operation: OperationDefinitionNode, execution: ExecutionContext) -> None:
    """
    Let only a mutation of one field pass that leaves its transaction to us.

    Raises:
        Refused: BAD_INPUT, with the way out.
    """
    fields = [each for each in operation.selection_set.selections if isinstance(each, FieldNode)]
    written_out = len(fields) == len(operation.selection_set.selections) == 1
    if operation.operation is not OperationType.MUTATION or not written_out:
        raise refuse(
            Code.BAD_INPUT,
            "Only a mutation of exactly one field may carry an idempotency key: send each field as an operation of its"
            " own, written out, and queries without a key.",
        )
    name = fields[0].name.value
    if name not in keyable(execution, OneTransaction) | keyable(execution, OwnTransactions):
        raise refuse(
            Code.BAD_INPUT, f"{name} takes no idempotency key, as its answer is not to be kept: send it without."
        )


def keeps_its_own(execution: ExecutionContext) -> bool:
    """Whether the operation's one field keeps its answer under the key itself."""
    (field,) = operation_of(execution).selection_set.selections
    return isinstance(field, FieldNode) and field.name.value in keyable(execution, OwnTransactions)


def keyable(execution: ExecutionContext, kind: type[FieldExtension]) -> set[str]:
    """The mutation fields with an extension of this kind."""
    mutation = execution.schema.get_type_by_name("Mutation")
    if not isinstance(mutation, StrawberryObjectDefinition):
        return set()
    named = execution.schema.config.name_converter.get_graphql_name
    return {named(field) for field in mutation.fields if any(isinstance(e, kind) for e in field.extensions)}


def fingerprint(operation: OperationDefinitionNode, execution: ExecutionContext) -> str:
    """What the operation asks for: its text without the directive, its fragments, its variables."""
    others = execution.graphql_document.definitions if execution.graphql_document else ()
    fragments = sorted(print_ast(each) for each in others if not isinstance(each, OperationDefinitionNode))
    bare = OperationDefinitionNode(
        operation=operation.operation,
        variable_definitions=operation.variable_definitions,
        directives=tuple(each for each in operation.directives or () if not is_ours(each)),
        selection_set=operation.selection_set,
    )
    return fingerprint_of("\n".join((print_ast(bare), *fragments)), execution.variables)


def failed(refused: Refused) -> ExecutionResult:
    """The answer of an operation that was not begun."""
    return ExecutionResult(data=None, errors=[GraphQLError(refused.reasons[0].message, original_error=refused)])
