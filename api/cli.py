"""The command `doorstep`."""

import sys
from collections.abc import Sequence
from importlib.metadata import version

from cyclopts import App, CycloptsError, Group

from api.commands.console import say_no
from models.halts import CannotStart, RulesSayNo
from scheduler.refusals import Refused

DONE, REFUSED, WRONG_USE, INTERRUPTED = 0, 1, 2, 130

TRY_IT = Group("Try it", sort_key=1)
RUN_IT = Group("Run it", sort_key=2)
LOOK_AFTER_IT = Group("Look after it", sort_key=3)
USE_A_PART = Group("Use a part of it", sort_key=4)
ON_FILES = Group("Plan on files, without a database", sort_key=5)

app = App(
    name="doorstep",
    help=(
        "**Doorstep** (家门口) brings exams and training to the enterprise's door: requests of firms, rounds of "
        "allocation, consultation over three tiers, booking by name, the day, results, certificates, renewals."
    ),
    help_format="markdown",
    help_epilogue="Begin with `doorstep demo`. Exit codes: 0 done, 1 refused by the rules, 2 wrong use.",
    version=lambda: version("doorstep"),
    result_action="return_value",
)
app["--help"].group = app["--version"].group = Group("Options", sort_key=9)
# Each command is loaded when it is asked for: the allocator alone should not wait for the server's code.
for command, group, summary in (
    (
        "demo:demo",
        TRY_IT,
        "Try everything, on an embedded PostgreSQL or that of DATABASE_URL, until Ctrl-C.",
    ),
    ("serve:serve", RUN_IT, "Serve the API until Ctrl-C or SIGTERM; start as many as you like."),
    ("work:work", RUN_IT, "Run one worker node until Ctrl-C or SIGTERM; start as many as you like."),
    ("migrate:migrate", LOOK_AFTER_IT, "Bring the database to this version's schema."),
    ("seed:seed", LOOK_AFTER_IT, "Load a synthetic district into an empty database."),
    ("audit:audit", LOOK_AFTER_IT, "Derive every promise of the system once more from the rows."),
    ("jobs:jobs", LOOK_AFTER_IT, "Say what ran, what is due, and what is dead."),
    ("doctor:doctor", LOOK_AFTER_IT, "Look at everything Doorstep needs; exit 1 if something is missing."),
    ("recount:recount_result", USE_A_PART, "Rank a published window again: is it the same?"),
    ("schema:schema", USE_A_PART, "Print the schema, or compare a file with it."),
    ("allocate:allocate_file", ON_FILES, "Plan a problem file and write the plan file."),
    ("explain:explain", ON_FILES, "Say what each session costs, why people are left out, and what is scarce."),
    ("compare:compare", ON_FILES, "Say who moves from one plan to another, what it costs, and why."),
    (
        "whatif:whatif",
        ON_FILES,
        "Say what changes would cost: a first estimate at once, then the solved answer; nothing is changed.",
    ),
    (
        "wish:wish",
        ON_FILES,
        "Say what it would cost to seat everybody of a request at a site, on a half-day, both, or anywhere.",
    ),
    (
        "alternatives:alternatives",
        ON_FILES,
        "Name the cheapest places left for people who ask now, all of them in one session.",
    ),
    (
        "replan:replan",
        ON_FILES,
        "Plan again after objections: what is agreed stays, objections are kept, and moving people has a price.",
    ),
    (
        "locality:locality",
        ON_FILES,
        "Show how much is served in people's own office and town, and at what cost, as the higher tiers get dearer.",
    ),
):
    app.command(f"api.commands.{command}", name=command.split(":")[0], group=group, help=summary)


def main() -> None:
    """Run the command line and exit with its code."""
    sys.exit(answer(sys.argv[1:]))


def answer(words: Sequence[str]) -> int:
    """Run one command; the exit code."""
    try:
        code = app(words, exit_on_error=False)
    except CycloptsError:
        return WRONG_USE
    except Refused as refused:
        for reason in refused.reasons:
            say_no(reason.message)
        return REFUSED
    except RulesSayNo as error:
        say_no(str(error))
        return REFUSED
    except CannotStart as error:
        say_no(str(error))
        return WRONG_USE
    except KeyboardInterrupt:
        return INTERRUPTED
    return code if isinstance(code, int) else DONE


if __name__ == "__main__":
    main()
