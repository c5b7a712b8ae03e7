"""Puts the ASGI application together."""

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import RedirectResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from api.graphql.context import Service
from api.graphql.view import GRAPHIQL_PAGE, Door
from api.same_origin import SameOrigin

VENDOR = GRAPHIQL_PAGE.parent / "vendor"


async def home(_request: object) -> RedirectResponse:
    """The door itself is the first page."""
    return RedirectResponse("/graphql")


def application(service: Service) -> Starlette:
    """The service as an ASGI application."""
    return Starlette(
        routes=[
            Route("/", home),
            Route("/graphql", Door(service), methods=["GET", "POST"]),
            Mount("/vendor", StaticFiles(directory=VENDOR, check_dir=False)),
        ],
        middleware=[Middleware(SameOrigin)],
    )
