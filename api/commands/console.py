"""Where the commands speak: results to stdout, progress and notices to stderr."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import orjson
from rich.console import Console

results = Console(highlight=False)
notices = Console(stderr=True, highlight=False)
_WORTH_A_TIME = 1.0


@contextmanager
def step(words: str) -> Iterator[None]:
    """Show that something is under way, and how long it took if that was long."""
    started = time.monotonic()
    if not notices.is_terminal:
        notices.print(f"  {words} …")
    with notices.status(f"{words} …"):
        yield
    seconds = time.monotonic() - started
    if notices.is_terminal:
        took = f" [dim]{seconds:.1f} s[/dim]" if seconds >= _WORTH_A_TIME else ""
        notices.print(f"  [green]✓[/green] {words}{took}")


@contextmanager
def live() -> Iterator[Callable[[str], None]]:
    """A line below the notices that says what is so at the moment; only a terminal shows it."""
    if not notices.is_terminal:
        yield lambda _: None
        return
    with notices.status("") as line:
        yield line.update


def say_no(sentence: str) -> None:
    """Say in one sentence why there is no result."""
    notices.print(f"[bold red]doorstep:[/bold red] {_plain(sentence)}", soft_wrap=True)


def print_document(document: Any) -> None:
    """Print one JSON document, for programs."""
    print(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode(), end="")  # noqa: T201


def _plain(sentence: str) -> str:
    """Keep the brackets of addresses from being read as markup."""
    return sentence.replace("[", r"\[")
