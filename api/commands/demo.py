"""`doorstep demo`: everything at once, to look at or to run through."""

import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from api.commands import logs
from api.commands.console import notices, say_no, step
from api.commands.databases import throw_away_database, throw_away_home
from api.commands.demo_once import run_once
from api.commands.demo_welcome import welcome
from api.commands.environment import Running, Wish, running
from api.commands.serving import bind, serving
from api.commands.stopping import INTERRUPTED, run, until_stopped
from api.demo.opening import begin, has_begun
from api.demo.people import Crowd
from api.demo.stage import Cast
from scheduler.clock import SetClock
from scheduler.settings import Settings

# A Monday morning in Shanghai, six weeks before the first exams of spring; the clock is set forward from here.
ONCE_BEGINS = datetime(2027, 1, 11, 1, tzinfo=UTC)
WRONG_USE = 2

Switch = Annotated[bool, Parameter(negative="", show_default=False)]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Options:
    """What the demo can be told."""

    port: int = 8000
    """Where to serve, on 127.0.0.1."""
    seed: int | None = None
    """Which district; the same number gives the same one. Without it, the one that is there, or the first."""
    home: Path | None = None
    """Where its files lie, in place of DOORSTEP_HOME."""
    fresh: Switch = False
    """Begin again. The embedded server's data is removed. A database of DATABASE_URL is emptied only if every table in
    it is doorstep's and a demo filled it."""
    once: Switch = False
    """Run the whole path once, from requests to renewals, on a throw-away database and a clock of its own, and exit."""
    json: Switch = False
    """With --once: print one JSON document."""


def demo(options: Options | None = None) -> int:
    """
    Try everything: a database, the Songjiang district, the API and a worker, until Ctrl-C.

    Uses an embedded PostgreSQL, or that of DATABASE_URL.
    """
    chosen = options or Options()
    if chosen.json and not chosen.once:
        say_no("--json goes with --once: a demo that runs on prints no document.")
        return WRONG_USE
    logs.set_up(least=logging.WARNING if chosen.once else logging.INFO)
    settings = Settings.read()
    if chosen.home:
        settings = replace(settings, home=chosen.home.absolute())
    if chosen.once:
        return run(_once(settings, chosen), when_stopped=INTERRUPTED)
    return run(_until_stopped(settings, chosen), when_stopped=0)


async def _until_stopped(settings: Settings, options: Options) -> int:
    listener = bind("127.0.0.1", options.port)
    with listener:
        async with (
            running(Wish(settings, seed=options.seed, fresh=options.fresh)) as everything,
            serving(everything.application, listener) as url,
        ):
            await _first_season(everything)
            notices.print(*welcome(everything, url), sep="\n")
            try:
                await until_stopped()
            finally:
                notices.print("Stopping …")
    return 0


async def _first_season(everything: Running) -> None:
    crowd = Crowd(everything.application, password=everything.password)
    try:
        cast = Cast(crowd=crowd, district=everything.district, logins=everything.logins)
        if not await has_begun(cast):
            with step("Firms ask for exams, and the bureau has a first round planned"):
                await begin(cast, everything.clock)
    finally:
        await crowd.go_home()


async def _once(settings: Settings, options: Options) -> int:
    with throw_away_home(settings) as lent:
        async with throw_away_database(lent) as own:
            wish = Wish(own, seed=options.seed, clock=SetClock(ONCE_BEGINS), pace=None)
            async with running(wish) as everything:
                return await run_once(everything, as_json=options.json)
