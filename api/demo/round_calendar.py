"""When a round of the demo collects, consults and publishes, and which days it plans."""

from datetime import date, datetime, timedelta

COLLECTING = timedelta(days=7)
CONSULTING = timedelta(days=16)
UNTIL_PUBLICATION = timedelta(days=3)
LEAD = timedelta(days=11)
HORIZON = timedelta(days=92)


def calendar_from(now: datetime, first_wish: date) -> dict[str, str]:
    """A round's calendar from now on; its days begin with the first wish, after the lead time at least."""
    collect_until = now + COLLECTING
    consult_until = collect_until + CONSULTING
    publish_at = consult_until + UNTIL_PUBLICATION
    first_day = max((publish_at + LEAD).date(), first_wish)
    return {
        "firstDay": first_day.isoformat(),
        "lastDay": (first_day + HORIZON).isoformat(),
        "collectUntil": collect_until.isoformat(),
        "consultUntil": consult_until.isoformat(),
        "publishAt": publish_at.isoformat(),
    }
