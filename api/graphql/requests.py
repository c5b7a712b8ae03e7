"""What a client sent, read strictly by *GraphQL over HTTP*: whatever is not well formed is told so, and never more."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"
# A hundred bookings or two hundred results are some 50 kB.
MOST_BYTES = 1_000_000
# Our deepest input has five levels.
DEEPEST_JSON = 32
_PARAMETER = re.compile(r'\s*;\s*([\w-]+)\s*=\s*(?:"([^"]*)"|([^\s;"]+))\s*')


class NotWellFormed(Exception):
    """The request is none that GraphQL over HTTP knows; the text says what is wrong and the way out."""

    def __init__(self, status: int, message: str, *, allow: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.allow = allow


@dataclass(frozen=True, slots=True)
class Asked:
    """A well-formed request."""

    query: str
    variables: dict[str, Any] | None
    operation_name: str | None
    extensions: dict[str, Any] | None


async def read(request: Request) -> Asked:
    """
    The request's parameters: of the address for GET, of the body for POST.

    Raises:
        NotWellFormed: It is malformed, too large, of another content type or method.
    """
    if request.method == "GET":
        return asked(from_address(request.query_params))
    if request.method != "POST":
        raise NotWellFormed(405, "Send queries by GET or POST, and mutations by POST.", allow="GET, POST")
    refuse_other_content(request.headers.get("content-type", ""))
    return asked(json_of(await body_of(request), "The body"))


def from_address(given: Mapping[str, str]) -> dict[str, Any]:
    """What an address says: texts as they are, objects as JSON."""
    texts = {name: given[name] for name in ("query", "operationName") if name in given}
    objects = {name: json_of(given[name].encode(), name) for name in ("variables", "extensions") if given.get(name)}
    return {**texts, **objects}


def refuse_other_content(content_type: str) -> None:
    """
    Let only JSON in UTF-8 pass, compared exactly.

    Raises:
        NotWellFormed: 415.
    """
    kind, parameters = media_type(content_type)
    if kind != JSON or parameters.get("charset", "utf-8").lower() != "utf-8":
        raise NotWellFormed(415, f"Send the body as {JSON} in UTF-8 and say so in the header Content-Type.")


def media_type(header: str) -> tuple[str, dict[str, str]]:
    """A media type and its parameters; empty where the header is none."""
    kind, semicolon, rest = header.partition(";")
    rest = f"{semicolon}{rest}"
    found = {name.lower(): quoted or bare for name, quoted, bare in _PARAMETER.findall(rest)}
    is_whole = not _PARAMETER.sub("", rest).strip()
    return (kind.strip().lower() if is_whole else ""), found


async def body_of(request: Request) -> bytes:
    """
    The body, as far as it is of a sensible size.

    Raises:
        NotWellFormed: 413.
    """
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_BYTES:
            raise NotWellFormed(413, f"The body is longer than {MOST_BYTES:,} bytes: send it in parts.")
    return bytes(body)


def json_of(text: bytes, what: str) -> Any:
    """
    The value that is written there.

    Raises:
        NotWellFormed: It is no JSON in UTF-8, or deeper than any input of ours.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise NotWellFormed(400, f"{what} is not JSON in UTF-8: check its brackets, quotes and encoding.") from error
    if is_deeper(value, DEEPEST_JSON):
        raise NotWellFormed(400, f"{what} is nested deeper than {DEEPEST_JSON} levels: no input of ours is.")
    return value


def is_deeper(value: Any, levels: int) -> bool:
    """Whether objects and lists are nested deeper than that; level by level, so that depth costs no stack."""
    level = [value]
    for _ in range(levels + 1):
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return False
    return True


def asked(said: Any) -> Asked:
    """
    The parameters, each of its kind.

    Raises:
        NotWellFormed: One is missing or of another kind.
    """
    if not isinstance(said, dict):
        raise NotWellFormed(
            400, 'Send one JSON object such as {"query": "{ viewer { name } }"}; batches are not taken.'
        )
    query = said.get("query")
    if not isinstance(query, str) or not query.strip():
        raise NotWellFormed(400, "The parameter query is missing or no text: give it a GraphQL document.")
    name = said.get("operationName")
    if name is not None and not isinstance(name, str):
        raise NotWellFormed(400, "The parameter operationName is no text: name an operation of the document.")
    # Some clients send an empty name where the document has one operation.
    return Asked(query, object_of(said, "variables"), name or None, object_of(said, "extensions"))


def object_of(said: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    """
    A parameter that is an object, or is not given.

    Raises:
        NotWellFormed: It is something else.
    """
    value = said.get(name)
    if value is not None and not isinstance(value, dict):
        raise NotWellFormed(400, f"The parameter {name} is no JSON object.")
    return value


def wanted_type(accept: str | None) -> str:
    """
    The media type to answer in: the one that the client prefers, `application/json` where it does not say.

    Raises:
        NotWellFormed: 406, as it takes none of ours.
    """
    if accept is None or not accept.strip():
        return JSON
    best, preference = None, 0.0
    for each in accept.split(","):
        kind, parameters = media_type(each)
        ours = {"*/*": JSON, "application/*": JSON, JSON: JSON, GRAPHQL_JSON: GRAPHQL_JSON}.get(kind)
        weight = weight_of(parameters.get("q", "1"))
        if ours and weight > preference and parameters.get("charset", "utf-8").lower() == "utf-8":
            best, preference = ours, weight
    if best is None:
        raise NotWellFormed(406, f"Answers are {GRAPHQL_JSON} or {JSON}: name one of them in the header Accept.")
    return best


def weight_of(text: str) -> float:
    """A quality value of the header Accept; 0 where it is none."""
    return float(text) if re.fullmatch(r"[01](\.\d{0,3})?", text) else 0.0
