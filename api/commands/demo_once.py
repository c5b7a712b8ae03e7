"""The whole path once, from requests to renewals."""

from api.commands.environment import Running


async def run_once(everything: Running, *, as_json: bool) -> int:
    """Run it, and show what happened; the exit code."""
    raise NotImplementedError(everything, as_json)
