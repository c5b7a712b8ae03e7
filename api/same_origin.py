"""Requests that change something come from our own pages or from programs, never from a foreign page."""

from urllib.parse import urlsplit

from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

FOREIGN = "This request comes from a foreign page: open Doorstep itself and repeat it there."


class SameOrigin:
    """Refuse cross-site posts: browsers tell where a request comes from, and cookies travel with it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request pass, or answer 403."""
        if scope["type"] == "http" and is_foreign(Request(scope)):
            answer = JSONResponse({"errors": [{"message": FOREIGN, "extensions": {"code": "NOT_ALLOWED"}}]}, 403)
            await answer(scope, receive, send)
            return
        if scope["type"] == "websocket" and is_from_elsewhere(HTTPConnection(scope)):
            await send({"type": "websocket.close", "code": 1008, "reason": FOREIGN})
            return
        await self.app(scope, receive, send)


def is_foreign(request: Request) -> bool:
    """Whether a browser says that another site sent this write."""
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return False
    return is_from_elsewhere(request)


def is_from_elsewhere(request: HTTPConnection) -> bool:
    """Whether a browser says that a page of another site sends this."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return True
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host")
