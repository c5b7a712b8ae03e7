"""The command `doorstep`."""

import sys
from collections.abc import Sequence
from importlib.metadata import version

from cyclopts import App, CycloptsError, Group

from api.commands.allocate import allocate_file
from api.commands.alternatives import alternatives
from api.commands.audit import audit
from api.commands.compare import compare
from api.commands.console import say_no
from api.commands.demo import demo
from api.commands.doctor import doctor
from api.commands.environment import NotADemos
from api.commands.explain import explain
from api.commands.locality import locality
from api.commands.migrate import migrate
from api.commands.replan import replan
from api.commands.schema import schema
from api.commands.seed import seed
from api.commands.serve import serve
from api.commands.serving import PortTaken
from api.commands.whatif import whatif
from api.commands.wish import wish
from api.commands.work import work
from models.database import DatabaseError
from models.erasing import HoldsOthersTables
from models.migrations.run import SchemaUnknown
from models.postgres_programs import EmbeddedServerError
from scheduler.refusals import Refused
from scheduler.seeding.loading import AlreadySeeded
from scheduler.settings import SettingsError

DONE, REFUSED, WRONG_USE, INTERRUPTED = 0, 1, 2, 130

# Why a command did not do its work; each text says what is wrong and the way out.
RULES_SAY_NO = (AlreadySeeded, NotADemos, HoldsOthersTables)
CANNOT_START = (DatabaseError, EmbeddedServerError, PortTaken, SchemaUnknown, SettingsError)

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
for command, group in (
    (demo, TRY_IT),
    (serve, RUN_IT),
    (work, RUN_IT),
    (migrate, LOOK_AFTER_IT),
    (seed, LOOK_AFTER_IT),
    (audit, LOOK_AFTER_IT),
    (doctor, LOOK_AFTER_IT),
    (schema, USE_A_PART),
    (explain, ON_FILES),
    (compare, ON_FILES),
    (whatif, ON_FILES),
    (wish, ON_FILES),
    (alternatives, ON_FILES),
    (replan, ON_FILES),
    (locality, ON_FILES),
):
    app.command(command, group=group)

app.command(allocate_file, name="allocate", group=ON_FILES)


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
    except RULES_SAY_NO as error:
        say_no(str(error))
        return REFUSED
    except CANNOT_START as error:
        say_no(str(error))
        return WRONG_USE
    except KeyboardInterrupt:
        return INTERRUPTED
    return code if isinstance(code, int) else DONE


if __name__ == "__main__":
    main()
