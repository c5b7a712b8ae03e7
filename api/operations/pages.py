"""The pages for those who run a node: `/livez`, `/readyz` and `/metrics`."""

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from api.operations.health import Answer, Health

NOT_KEPT = {"Cache-Control": "no-store"}
METRICS_FORMAT = "text/plain; version=0.0.4; charset=utf-8"

Metrics = Callable[[], Awaitable[bytes]]


async def livez(_request: Request) -> PlainTextResponse:
    """This process answers; whatever else is wrong, starting it anew would not mend it."""
    return PlainTextResponse("ok", headers=NOT_KEPT)


def health_routes(health: Health) -> list[Route]:
    """`/livez` and `/readyz`; they name checks and no details, so that any port may show them."""

    async def readyz(_request: Request) -> JSONResponse:
        found = await health.readiness()
        is_ready = Answer.FAILED not in found.values()
        return JSONResponse({"ready": is_ready, "checks": found}, 200 if is_ready else 503, headers=NOT_KEPT)

    return [Route("/livez", livez), Route("/readyz", readyz)]


def operations(health: Health, metrics: Metrics) -> Starlette:
    """The application behind the operators' own port."""

    async def show_metrics(_request: Request) -> Response:
        return Response(await metrics(), headers={"Content-Type": METRICS_FORMAT} | NOT_KEPT)

    return Starlette(routes=[*health_routes(health), Route("/metrics", show_metrics)])
