"""`doorstep schema`: what the API speaks, in GraphQL's own language."""

import sys
from pathlib import Path

from api.commands.console import say_no
from api.graphql.schema import schema as api_schema


def sdl() -> str:
    """The schema as text; a file of it ends with a line's end."""
    return api_schema.as_str().rstrip("\n") + "\n"


def schema(*, check: Path | None = None) -> int:
    """
    Print the schema, or compare a file with it.

    Parameters
    ----------
    check
        A file that must hold exactly this; exits 1 if it does not.
    """
    if check is None:
        sys.stdout.write(sdl())
        return 0
    if check.exists() and check.read_bytes() == sdl().encode():
        return 0
    say_no(f"{check} is not the schema of this code: `doorstep schema > {check}` writes it anew.")
    return 1
