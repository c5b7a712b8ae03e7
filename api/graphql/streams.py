"""A subscription as a stream of answers, whatever it is sent over."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from inspect import isawaitable
from typing import Any

from graphql import ExecutionResult, GraphQLError, subscribe
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.graphql import OperationType

from api.graphql.context import Context
from api.graphql.documents import NotValid
from api.graphql.errors import as_public
from api.graphql.rate_limit import charged
from api.graphql.requests import Asked
from api.graphql.schema import schema

# Who takes nothing for so long is dropped; what changes meanwhile is not queued but adds up to the latest state.
SLOWEST_SECONDS = 30.0
ONE_OF_THEM = "Name one subscription of the document in operationName; queries and mutations go by plain HTTP."


async def answers(context: Context, asked: Asked) -> AsyncIterator[dict[str, Any]]:
    """Each answer of a subscription; an operation that is refused, or ends by a refusal, has it as its last."""
    try:
        source = await begun(context, asked)
        if isinstance(source, ExecutionResult):
            yield as_answer(source)
            return
        async with aclosing(source) as results:
            async for result in results:
                yield as_answer(result)
    except NotValid as wrong:
        yield as_answer(ExecutionResult(errors=list(wrong.errors)))
    except (CannotGetOperationTypeError, InvalidOperationTypeError):
        yield as_answer(ExecutionResult(errors=[GraphQLError(ONE_OF_THEM)]))
    except GraphQLError as error:
        yield as_answer(ExecutionResult(errors=[error]))
    except Exception as error:  # noqa: BLE001 - a refusal is told, whatever else it is is masked and logged
        yield as_answer(ExecutionResult(errors=[GraphQLError(str(error), original_error=error)]))


async def begun(context: Context, asked: Asked) -> Any:
    """The results of the operation, or the one that says why there are none."""
    operation = schema.admitted(
        asked.query, asked.variables or {}, context, asked.operation_name, {OperationType.SUBSCRIPTION}
    )
    paid = await charged(operation)
    found = subscribe(
        paid.document.schema,
        paid.tree,
        context_value=context,
        variable_values=dict(paid.variables),
        operation_name=asked.operation_name,
    )
    return await found if isawaitable(found) else found


def as_answer(result: ExecutionResult) -> dict[str, Any]:
    """A result as it is sent, without what a client may not see."""
    said: dict[str, Any] = {} if result.data is None else {"data": result.data}
    if result.errors:
        said["errors"] = [as_public(error).formatted for error in result.errors]
    return said
