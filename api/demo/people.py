"""Somebody who uses Doorstep from outside: signs in, asks, acts."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.applications import Starlette

SIGN_IN = """
mutation SignIn($login: String!, $password: String!) {
  signIn(input: {login: $login, password: $password}) { token userErrors { code message } }
}
"""
PAGE = 100


class Told(RuntimeError):
    """Somebody was told no where the play does not expect it."""


@dataclass
class Person:
    """A signed-in account, in its role; signs in again when its token has expired."""

    client: httpx.AsyncClient
    login: str
    password: str
    token: str | None = field(default=None, repr=False)

    async def ask(self, document: str, *, key: str | None = None, **variables: Any) -> dict[str, Any]:
        """
        Send a document and return its answer; what is sent again under the same `key` is done once.

        Raises:
            Told: The answer carries errors.
        """
        answer = await self._post(document, variables, key=key)
        if any(error["extensions"]["code"] == "NOT_SIGNED_IN" for error in answer.get("errors", ())):
            await self._sign_in()
            answer = await self._post(document, variables, key=key)
        while any(error["extensions"]["code"] == "THROTTLED" for error in answer.get("errors", ())):
            await asyncio.sleep(answer["errors"][0]["extensions"]["retryAfterMilliseconds"] / 1000)
            answer = await self._post(document, variables, key=key)
        if "errors" in answer:
            message = f"{self.login}: {answer['errors'][0]['message']}"
            raise Told(message)
        found: dict[str, Any] = answer["data"]
        return found

    async def act(self, document: str, *, key: str | None = None, **input_fields: Any) -> dict[str, Any]:
        """
        Send a mutation with one input, and return its payload.

        Raises:
            Told: It was refused.
        """
        payload = await self.tried(document, key=key, **input_fields)
        if payload["userErrors"]:
            error = payload["userErrors"][0]
            message = f"{self.login}: {error['code']}: {error['message']}"
            raise Told(message)
        return payload

    async def tried(self, document: str, *, key: str | None = None, **input_fields: Any) -> dict[str, Any]:
        """Send a mutation that may be refused, and return its payload with whatever errors it has."""
        if self.token is None:
            await self._sign_in()
        answer = await self.ask(document, key=key, input=input_fields)
        payload: dict[str, Any] = next(iter(answer.values()))
        if any(error["code"] == "NOT_SIGNED_IN" for error in payload["userErrors"]):
            await self._sign_in()
            payload = next(iter((await self.ask(document, key=key, input=input_fields)).values()))
        return payload

    async def pages(self, document: str, **variables: Any) -> AsyncIterator[dict[str, Any]]:
        """All rows of a connection that is the document's only field, page after page."""
        after = None
        while True:
            connection = next(iter((await self.ask(document, first=PAGE, after=after, **variables)).values()))
            for node in connection["nodes"]:
                yield node
            if not connection["pageInfo"]["hasNextPage"]:
                return
            after = connection["pageInfo"]["endCursor"]

    async def _post(self, document: str, variables: Mapping[str, Any], *, key: str | None = None) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {self.token}"} if self.token else {}
        headers |= {"idempotency-key": key} if key else {}
        response = await self.client.post("/graphql", json={"query": document, "variables": variables}, headers=headers)
        answer: dict[str, Any] = response.json()
        return answer

    async def _sign_in(self) -> None:
        self.token = None
        answer = await self._post(SIGN_IN, {"login": self.login, "password": self.password})
        self.client.cookies.clear()  # people share a client, not a browser
        done = answer["data"]["signIn"]
        if done["userErrors"]:
            message = f"{self.login}: {done['userErrors'][0]['message']}"
            raise Told(message)
        self.token = done["token"]


class Crowd:
    """Everyone who may sign in, each with one connection to the service in this process."""

    def __init__(self, application: Starlette, *, password: str) -> None:
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=application), base_url="http://doorstep.local", timeout=60
        )
        self._password = password
        self._people: dict[str, Person] = {}

    def __call__(self, login: str) -> Person:
        """The person of a login."""
        return self._people.setdefault(login, Person(self._client, login, self._password))

    async def go_home(self) -> None:
        """Close the connection."""
        await self._client.aclose()
