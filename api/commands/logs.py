"""
What the program writes while it runs: one line an event, to stderr; coloured for people, JSON for machines.

No personal data: what people typed travels in exceptions (a database quotes the row that it refuses), so
of an exception only its kind, its place and the names of code and constraint are written, never its message.
"""

import logging
import sys
import traceback
from collections.abc import Iterator
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

# What PostgreSQL's errors say by names of ours alone.
_TOLD = ("sqlstate", "constraint_name", "table_name", "column_name")


def set_up(*, least: int = logging.INFO) -> None:
    """Send our own events, from a level on, and the warnings of the packages we stand on to stderr."""
    shape: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        without_messages,
    ]
    last = structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[*shape, last],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    others = logging.StreamHandler(sys.stderr)
    others.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, first_line, *shape],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    logging.basicConfig(handlers=[others], level=logging.WARNING, force=True)
    # A long job is still at work when its next tick comes: that is what ticks are for, and no news.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)


def without_messages(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Write where an exception came from, and leave out what it says."""
    error = as_exception(event.pop("exc_info", None))
    if error is not None:
        event["exception"] = "".join(described(error)).rstrip()
    return event


def first_line(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Of what another package says, the first line: exceptions and their words follow on the next ones."""
    event["event"] = next(iter(str(event["event"]).strip().splitlines()), "")
    return event


def as_exception(given: Any) -> BaseException | None:
    """The exception that a logging call meant: given itself, as a triple, or as the one that is being handled."""
    if isinstance(given, BaseException):
        return given
    if isinstance(given, tuple):
        found: BaseException | None = given[1]
        return found
    return sys.exception() if given else None


def described(error: BaseException) -> Iterator[str]:
    """An exception and what caused it, the cause first: frames, kind, and what names of ours it carries."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        yield from described(cause)
    yield from traceback.format_tb(error.__traceback__)
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    told = [str(value) for name in _TOLD if (value := getattr(error, name, None))]
    yield f"{kind} ({', '.join(told)})\n" if told else f"{kind}\n"
