"""GraphQL over HTTP: the caller found, errors shaped, GraphiQL from our own files."""

import asyncio
import math
from http import HTTPStatus
from typing import Any

import orjson
from graphql import GraphQLError
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from api import graphiql
from api.auth import caller_from, token_of
from api.graphql.context import Context, Service
from api.graphql.errors import as_public, too_slow
from api.graphql.requests import GRAPHQL_JSON, JSON, Asked, NotWellFormed, media_type, read, wanted_type
from api.graphql.schema import schema
from api.graphql.stops import Stop, Stopped
from scheduler.refusals import Code

BY_METHOD = {"GET": {OperationType.QUERY}, "POST": {OperationType.QUERY, OperationType.MUTATION}}
STATUS = {
    Code.NOT_SIGNED_IN.value: HTTPStatus.UNAUTHORIZED,
    Stop.THROTTLED.value: HTTPStatus.TOO_MANY_REQUESTS,
    Stop.TIMEOUT.value: HTTPStatus.SERVICE_UNAVAILABLE,
    Stop.INTERNAL.value: HTTPStatus.INTERNAL_SERVER_ERROR,
}


class Door:
    """The one GraphQL endpoint."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; Starlette calls this."""
        answer = await self.answer(Request(scope, receive))
        await answer(scope, receive, send)

    async def answer(self, request: Request) -> Response:
        """GraphiQL for a browser that asks nothing, and what was asked for everybody else."""
        if wants_a_page(request):
            return HTMLResponse(graphiql.page())
        try:
            kind = wanted_type(request.headers.get("accept"))
        except NotWellFormed as wrong:
            return refusal(wrong, JSON)
        try:
            asked = await read(request)
            return await self.executed(request, asked, kind)
        except NotWellFormed as wrong:
            return refusal(wrong, kind)

    async def executed(self, request: Request, asked: Asked, kind: str) -> Response:
        """
        The operation's answer, with the cookies that it sets.

        Raises:
            NotWellFormed: The document has no such operation, or one that this method does not take.
        """
        context = await self.context_of(request)
        try:
            async with asyncio.timeout(self.service.most_seconds):
                result = await schema.execute(
                    asked.query,
                    variable_values=asked.variables,
                    context_value=context,
                    operation_name=asked.operation_name,
                    operation_extensions=asked.extensions,
                    allowed_operation_types=BY_METHOD[request.method],
                )
        except TimeoutError:
            result = stopped(too_slow())
        except CannotGetOperationTypeError as error:
            raise no_such_operation(asked.operation_name, kind) from error
        except InvalidOperationTypeError as error:
            raise other_method(error.operation_type) from error
        answer = encoded(result, kind, with_hints=context.viewer is not None)
        if len(answer.body) > self.service.most_bytes:
            answer = encoded(stopped(too_large(self.service.most_bytes)), kind)
        answer.headers.raw.extend(context.response.headers.raw)
        return answer

    async def context_of(self, request: Request) -> Context:
        """The context of one request: its caller is looked up once."""
        token = token_of(request, is_secure=self.service.is_secure)
        caller = await caller_from(self.service.database, self.service.clock, token)
        cookies = Response()
        del cookies.headers["content-length"]
        context = Context(self.service, caller=caller, token=token, response=cookies)
        context.idempotency_key = request.headers.get("idempotency-key")
        return context


def wants_a_page(request: Request) -> bool:
    """Whether a browser comes to look, and asks no query."""
    kinds = {media_type(each)[0] for each in request.headers.get("accept", "").split(",")}
    return request.method == "GET" and "query" not in request.query_params and "text/html" in kinds


def no_such_operation(name: str | None, kind: str) -> NotWellFormed:
    """Why no operation of the document can be run: the request is well formed, which plain JSON answers with 200."""
    status = HTTPStatus.BAD_REQUEST if kind == GRAPHQL_JSON else HTTPStatus.OK
    if name is None:
        return NotWellFormed(status, "The document has several operations, or none: name one in operationName.")
    return NotWellFormed(status, "The document has no operation of the name in operationName.")


def other_method(operation: OperationType) -> NotWellFormed:
    """Why this method does not run such an operation."""
    if operation is OperationType.MUTATION:
        return NotWellFormed(HTTPStatus.METHOD_NOT_ALLOWED, "Send mutations by POST.", allow="POST")
    return NotWellFormed(HTTPStatus.BAD_REQUEST, "Subscriptions are not answered to a single request.")


def refusal(wrong: NotWellFormed, kind: str) -> Response:
    """The answer to a request that cannot be run."""
    error = {"message": str(wrong), "extensions": {"code": Code.BAD_INPUT.value}}
    answer = json_response({"errors": [error]}, kind, wrong.status)
    if wrong.allow:
        answer.headers["allow"] = wrong.allow
    return answer


def stopped(why: Stopped) -> ExecutionResult:
    """The result of an operation that was ended, or whose answer is not given."""
    return ExecutionResult(data=None, errors=[GraphQLError(str(why), original_error=why)])


def too_large(most: int) -> Stopped:
    """The answer in place of one that is too long to be sent."""
    return Stopped(Stop.ANSWER_TOO_LARGE, f"The answer is longer than {most:,} bytes: ask for smaller pages.")


def encoded(result: ExecutionResult, kind: str, *, with_hints: bool = True) -> Response:
    """The result as it goes over the wire; a request that was not begun has no data, not even an empty one."""
    errors = [as_public(error, with_hints=with_hints) for error in result.errors or ()]
    was_begun = result.data is not None or any(error.path for error in errors)
    said: dict[str, Any] = {"data": result.data} if was_begun else {}
    if errors:
        said["errors"] = [error.formatted for error in errors]
    if result.extensions:
        said["extensions"] = result.extensions
    status = HTTPStatus.OK if was_begun or kind == JSON else status_of(errors)
    answer = json_response(said, kind, status)
    if (wait := wait_of(errors)) is not None:
        answer.headers["retry-after"] = str(wait)
    return answer


def wait_of(errors: list[GraphQLError]) -> int | None:
    """After how many seconds to come again, where an error says so."""
    milliseconds = (errors[0].extensions or {}).get("retryAfterMilliseconds") if errors else None
    return math.ceil(milliseconds / 1000) if isinstance(milliseconds, int) else None


def status_of(errors: list[GraphQLError]) -> int:
    """The status of a request that was not begun."""
    code = (errors[0].extensions or {}).get("code") if errors else None
    return STATUS.get(str(code), HTTPStatus.BAD_REQUEST)


def json_response(said: Any, kind: str, status: int) -> Response:
    """JSON, with Chinese as it is written and not as escapes."""
    return Response(orjson.dumps(said), status, media_type=f"{kind}; charset=utf-8")
