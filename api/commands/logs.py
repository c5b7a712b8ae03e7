"""What the program writes while it runs: one line an event, to stderr; coloured for people, JSON for machines."""

import logging
import sys

import structlog


def set_up(*, least: int = logging.INFO) -> None:
    """Send our own events, from a level on, and the warnings of the packages we stand on to stderr."""
    last = structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    # A long job is still at work when its next tick comes: that is what ticks are for, and no news.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
