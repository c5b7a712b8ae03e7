"""GraphQL over HTTP: the caller found, errors shaped, GraphiQL from our own files."""

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.http import GraphQLHTTPResponse
from strawberry.types import ExecutionResult

from api import graphiql
from api.auth import caller_from, token_of
from api.graphql.context import Context, Service
from api.graphql.errors import as_public
from api.graphql.schema import schema


class Door(GraphQL[Context, None]):
    """The one GraphQL endpoint."""

    def __init__(self, service: Service) -> None:
        super().__init__(schema, graphql_ide="graphiql", allow_queries_via_get=False, subscription_protocols=())
        self.service = service

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        """The context of one request: its caller is looked up once."""
        if not isinstance(request, Request) or not isinstance(response, Response):
            message = "this door speaks HTTP only"
            raise TypeError(message)
        token = token_of(request, is_secure=self.service.is_secure)
        caller = await caller_from(self.service.database, self.service.clock, token)
        context = Context(self.service, caller=caller, token=token, response=response)
        context.idempotency_key = request.headers.get("idempotency-key")
        return context

    async def process_result(self, request: Request, result: ExecutionResult) -> GraphQLHTTPResponse:
        """Shape the errors that a client may see."""
        if result.errors:
            result.errors = [as_public(error) for error in result.errors]
        return await super().process_result(request, result)

    def encode_json(self, data: object) -> bytes:
        """Chinese as it is written, not as escapes."""
        return orjson.dumps(data)

    async def render_graphql_ide(self, request: Request) -> Response:  # noqa: ARG002  # Strawberry's signature
        """GraphiQL, served without any foreign host."""
        return HTMLResponse(graphiql.page())
