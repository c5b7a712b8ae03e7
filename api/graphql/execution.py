"""From a document's text to its answer: the limits, the one cache, the key, and then GraphQL itself."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from inspect import isawaitable
from typing import Any

import strawberry
from graphql import ExecutionResult as Executed
from graphql import GraphQLError, execute
from strawberry.exceptions import MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from api.graphql.documents import Documents, NotValid
from api.graphql.idempotency import done_once
from api.graphql.operations import Operation
from api.graphql.rate_limit import charged, told
from scheduler.refusals import Code, refuse

READS_AND_WRITES = (OperationType.QUERY, OperationType.MUTATION)
THE_REQUESTS_OWN = (MissingQueryError, CannotGetOperationTypeError, InvalidOperationTypeError)


class DoorSchema(strawberry.Schema):
    """
    A schema whose operations all come in by one door.

    Strawberry's own pipeline of extensions is not used: it looks at each of them anew for every request, and its caches
    and limiters know nothing of each other. `docs/adr/0017-one-door-for-documents.md` says why.
    """

    @cached_property
    def documents(self) -> Documents:
        """The documents that were asked last."""
        return Documents(self._schema)

    async def execute(
        self,
        query: str | None,
        variable_values: dict[str, Any] | None = None,
        context_value: Any | None = None,
        root_value: Any | None = None,  # noqa: ARG002  # Strawberry's signature
        operation_name: str | None = None,
        allowed_operation_types: Iterable[OperationType] | None = None,
        operation_extensions: dict[str, Any] | None = None,  # noqa: ARG002  # Strawberry's signature
    ) -> ExecutionResult:
        """
        Run one operation of a document.

        Raises:
            MissingQueryError: There is no document.
            CannotGetOperationTypeError: It has no such operation, or several.
            InvalidOperationTypeError: The operation is of a kind that is not allowed here.
        """
        allowed = READS_AND_WRITES if allowed_operation_types is None else allowed_operation_types
        asked = None
        try:
            asked = self.admitted(query, variable_values or {}, context_value, operation_name, allowed)
            to_run = await charged(asked)
            done = await done_once(to_run, lambda: run(to_run))
        except THE_REQUESTS_OWN:
            raise
        except NotValid as wrong:
            return ExecutionResult(data=None, errors=wrong.errors)
        except GraphQLError as error:
            return ExecutionResult(data=None, errors=[error])
        except Exception as error:  # noqa: BLE001  # whatever it is, it is logged and masked where errors are shaped
            done = Executed(data=None, errors=[GraphQLError(str(error), original_error=error)])
        return ExecutionResult(data=done.data, errors=done.errors, extensions={"cost": told(asked)} if asked else None)

    def admitted(
        self,
        text: str | None,
        variables: Mapping[str, Any],
        context: Any,  # Strawberry leaves open what a context is; ours is a Context
        name: str | None,
        allowed: Iterable[OperationType],
    ) -> Operation:
        """
        The operation, if it is one that may be run.

        Raises:
            Stopped: It is beyond a limit.
            Refused: NOT_SIGNED_IN, as only those who are signed in may look at the schema; NOT_ALLOWED for a key
                that only reads.
            GraphQLError: It cannot be parsed.
            NotValid: The schema does not understand it.
        """
        if not text:
            raise MissingQueryError
        document = self.documents.document(text)
        node = document.operation(name)
        if (kind := OperationType(node.operation.value)) not in allowed:
            raise InvalidOperationTypeError(kind)
        if kind is OperationType.MUTATION and context.viewer is not None and not context.viewer.may_write:
            raise refuse(Code.NOT_ALLOWED, "This key only reads: use one whose scope is WRITE.")
        weight = document.weight(node, variables)
        if weight.introspects:
            _ = context.caller
        return Operation(self, document, document.tree, node, variables, weight, context)


async def run(asked: Operation) -> Executed:
    """Let GraphQL execute the operation."""
    done = execute(
        asked.document.schema,
        asked.tree,
        context_value=asked.context,
        variable_values=dict(asked.variables),
        operation_name=asked.node.name.value if asked.node.name else None,
    )
    result: Executed = await done if isawaitable(done) else done
    return result
