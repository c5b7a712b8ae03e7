"""Puts the ASGI application together."""

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from api.auth import caller_from, token_of
from api.graphiql import VENDOR
from api.graphql.context import Service
from api.graphql.event_stream import EventStream
from api.graphql.schema import schema
from api.graphql.socket import SocketDoor
from api.graphql.view import Door
from api.operations.health import Health
from api.operations.pages import health_routes
from api.same_origin import SameOrigin

SIGN_IN_FIRST = "Sign in first, at /graphql: the schema is for those who are.\n"


async def home(_request: object) -> RedirectResponse:
    """The door itself is the first page."""
    return RedirectResponse("/graphql")


class Sdl:
    """The schema in GraphQL's own language, for those who are signed in."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the schema, or with 401."""
        token = token_of(Request(scope), is_secure=self.service.is_secure)
        caller = await caller_from(self.service.database, self.service.clock, token)
        answer = PlainTextResponse(schema.as_str()) if caller else PlainTextResponse(SIGN_IN_FIRST, 401)
        await answer(scope, receive, send)


def application(service: Service, health: Health | None = None) -> Starlette:
    """The service as an ASGI application; with its health, it tells load balancers whether to send requests here."""
    streams = service.streams
    return Starlette(
        routes=[
            Route("/", home),
            Route("/graphql", Door(service)),
            Route("/graphql/stream", EventStream(service, streams), methods=["POST"]),
            WebSocketRoute("/graphql", SocketDoor(service, streams)),
            Route("/schema.graphql", Sdl(service), methods=["GET"]),
            *(health_routes(health) if health else ()),
            Mount("/vendor", StaticFiles(directory=VENDOR, check_dir=False)),
        ],
        middleware=[Middleware(SameOrigin)],
    )
