"""Signing in and out, and who one is."""

import strawberry

from api.auth import COOKIE_LIFETIME_SECONDS, cookie_name
from api.graphql.context import Info
from api.graphql.errors import Payload, as_user_errors
from api.graphql.mutation import mutation
from models.vocabulary import Role
from scheduler import accounts
from scheduler.callers import Caller
from scheduler.refusals import Refused

strawberry.enum(Role, name="Role", description="What a signed-in account may do.")


@strawberry.type(description="Who is signed in.")
class Viewer:
    """The caller's own account."""

    name: str = strawberry.field(description="The account's name.")
    role: Role = strawberry.field(description="What it may do.")

    @classmethod
    def of(cls, caller: Caller) -> "Viewer":
        """The caller as it sees itself."""
        return cls(name=caller.name, role=caller.role)


@strawberry.input(description="A login and its password.")
class SignInInput:
    """What signIn takes."""

    login: str = strawberry.field(description="The account's login.")
    password: str = strawberry.field(description="Its password; never logged.")


@strawberry.type(description="The answer to signIn.")
class SignInPayload(Payload):
    """The token, once."""

    viewer: Viewer | None = strawberry.field(default=None, description="Who is now signed in.")
    token: str | None = strawberry.field(
        default=None, description="For the header `Authorization: Bearer …`; browsers get a cookie as well."
    )


@strawberry.type(description="The answer to signOut.")
class SignOutPayload(Payload):
    """Whether it is done."""

    is_signed_out: bool = strawberry.field(default=False, description="Whether the token no longer counts.")


@strawberry.type
class AccountQuery:
    """Who one is."""

    @strawberry.field(description="Who is signed in; empty if nobody.")
    async def viewer(self, info: Info) -> Viewer | None:
        """The caller's own account."""
        return Viewer.of(info.context.viewer) if info.context.viewer else None


@strawberry.type
class AccountMutation:
    """Coming and going."""

    # A wrong password is counted even though it is refused, so this field keeps its own transactions.
    @strawberry.mutation(description="Sign in with a login and a password.")
    async def sign_in(self, info: Info, input: SignInInput) -> SignInPayload:
        """Give out a token and set the browser's cookie."""
        context = info.context
        try:
            done = await accounts.sign_in(context.service.database, input.login, input.password, now=context.now())
        except Refused as refused:
            return SignInPayload(user_errors=as_user_errors(refused))
        context.response.set_cookie(
            cookie_name(is_secure=context.service.is_secure),
            done.token,
            max_age=COOKIE_LIFETIME_SECONDS,
            secure=context.service.is_secure,
            httponly=True,
            samesite="strict",
        )
        return SignInPayload(viewer=Viewer.of(done.caller), token=done.token)

    @mutation("Sign out: the token and the cookie no longer count.")
    async def sign_out(self, info: Info) -> SignOutPayload:
        """End this sign-in."""
        context = info.context
        if context.token:
            await accounts.sign_out(context.db, context.token, now=context.now())
        context.response.delete_cookie(cookie_name(is_secure=context.service.is_secure))
        return SignOutPayload(is_signed_out=True)
