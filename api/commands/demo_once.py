"""`doorstep demo --once`: the main job, played once with a clock of its own."""

from collections.abc import Callable
from functools import partial
from random import Random

from api.commands.console import live, notices, print_document, results, say_no
from api.commands.environment import Running
from api.demo.people import Crowd
from api.demo.season import play
from api.demo.stage import Stage
from api.demo.tables import tables
from scheduler.audit.auditor import verdicts
from scheduler.clock import SetClock
from scheduler.district.identities import documents


async def run_once(everything: Running, *, as_json: bool) -> int:
    """
    Play the main job and show what happened; 0 when every plan came and the auditor finds nothing.

    Raises:
        TypeError: The clock cannot be set: only the demo's own can.
    """
    if not isinstance(everything.clock, SetClock):
        message = "the play needs a clock that can be set"
        raise TypeError(message)
    with live() as watch:
        stage = stage_of(everything, everything.clock, watch)
        try:
            story = await play(stage)
        finally:
            await stage.crowd.go_home()
    stage.say("the auditor derives every promise once more from the rows")
    async with everything.database.reading() as db:
        found = await verdicts(db)
    story["audit"] = [
        {"invariant": each.sentence, "holds": each.holds, "violations": [str(row) for row in each.violations[:5]]}
        for each in found
    ]
    if as_json:
        print_document(story)
    else:
        for each in tables(story):
            results.print(each)
            results.print()
    failures = [f"round {each['number']}: {each['failure']}" for each in story["rounds"] if each["failure"]]
    for failure in failures:
        say_no(f"A plan failed in {failure}")
    return 1 if failures or not all(each.holds for each in found) else 0


def stage_of(everything: Running, clock: SetClock, watch: Callable[[str], None]) -> Stage:
    """What the play is played with, in the district that runs."""
    known = {worker.document.number for worker in everything.district.workers}
    chance = Random(everything.recipe.seed)  # noqa: S311  # a demo must repeat, not be unguessable
    return Stage(
        crowd=Crowd(everything.application, password=everything.password),
        clock=clock,
        worker=everything.worker,
        district=everything.district,
        logins=everything.logins,
        chance=chance,
        tell=partial(notices.print, soft_wrap=True),
        watch=watch,
        papers=documents(chance, on=clock().date(), given=known),
    )
