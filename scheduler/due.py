"""Everything that falls due by itself, in the order in which it is looked after."""

from models.sealing import Sealer
from scheduler.awarding import RANKINGS
from scheduler.certificates import EXPIRIES
from scheduler.change_pruning import CHANGES
from scheduler.consent_notices import NOTICES
from scheduler.deliveries import carriers_of, deliveries
from scheduler.displaced import LOOKS
from scheduler.jobs import AnyJob
from scheduler.minimum_class import DECISIONS
from scheduler.planning import PLANNING
from scheduler.pruning import prunings
from scheduler.publication import PUBLICATION
from scheduler.reminders import NAMING, OVERDUE
from scheduler.renewals_due import LAPSES, PROPOSALS
from scheduler.request_changes import LAPSING
from scheduler.rosters import FREEZES, RELEASES
from scheduler.round_calendars import OPENINGS
from scheduler.rounds import CLOSING, REPLANS
from scheduler.settings import Settings
from scheduler.silence import SILENCE
from scheduler.staff_granting import RETURNS
from scheduler.waiting import LAPSES as WAITS


def all_jobs(settings: Settings, sealer: Sealer) -> tuple[AnyJob, ...]:
    """Every job of the program; what leaves the house goes by the channels that are set up."""
    return (
        OPENINGS,
        CLOSING,
        SILENCE,
        NOTICES,
        PUBLICATION,
        REPLANS,
        PLANNING,
        LAPSING,
        RANKINGS,
        DECISIONS,
        NAMING,
        RELEASES,
        RETURNS,
        FREEZES,
        WAITS,
        LOOKS,
        OVERDUE,
        PROPOSALS,
        LAPSES,
        EXPIRIES,
        deliveries(carriers_of(settings), sealer),
        *prunings(settings),
        CHANGES,
    )
