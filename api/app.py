"""Puts the ASGI application together."""

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from api.graphiql import VENDOR
from api.graphql.context import Service
from api.graphql.schema import schema
from api.graphql.view import Door
from api.operations.health import Health
from api.operations.pages import health_routes
from api.same_origin import SameOrigin


async def home(_request: object) -> RedirectResponse:
    """The door itself is the first page."""
    return RedirectResponse("/graphql")


async def sdl(_request: object) -> PlainTextResponse:
    """The schema in GraphQL's own language."""
    return PlainTextResponse(schema.as_str())


def application(service: Service, health: Health | None = None) -> Starlette:
    """The service as an ASGI application; with its health, it tells load balancers whether to send requests here."""
    return Starlette(
        routes=[
            Route("/", home),
            Route("/graphql", Door(service)),
            Route("/schema.graphql", sdl),
            *(health_routes(health) if health else ()),
            Mount("/vendor", StaticFiles(directory=VENDOR, check_dir=False)),
        ],
        middleware=[Middleware(SameOrigin)],
    )
