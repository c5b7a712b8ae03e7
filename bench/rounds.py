"""
One whole round with 1 and with 10 bureaus, through the use cases: people, sessions, seconds, peak memory.

    python bench/rounds.py [BUREAUS …]
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ground import machine
from rich.console import Console
from rich.table import Table

BUREAUS = (1, 10)
ONE_ROUND = Path(__file__).with_name("one_round.py")
COUNTED = ("requests", "people", "sessions", "consents", "placed", "booked")


def played(bureaus: int) -> Mapping[str, Any]:
    """One round in a process of its own, so that each size has its own peak of memory."""
    command = [sys.executable, str(ONE_ROUND), str(bureaus)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)  # noqa: S603  # our own file
    found: Mapping[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def table(rounds: Sequence[Mapping[str, Any]]) -> Table:
    """What there was, what each step took, and what it took of the processor; at the end how the sizes compare."""
    shown = Table(title="One whole round", title_justify="left")
    shown.add_column("")
    for one in rounds:
        shown.add_column(f"{one['bureaus']} bureau{'s'[: one['bureaus'] > 1]}", justify="right")
    shown.add_column("Ratio", justify="right")
    for name in COUNTED:
        add(shown, name.capitalize(), [one["counts"][name] for one in rounds], "{:,.0f}")
    shown.add_section()
    for step in rounds[0]["seconds"]:
        add(shown, f"{step.capitalize()}, s", [one["seconds"][step] for one in rounds], "{:,.1f}")
        add(shown, "  of our processor", [one["processor"][step] for one in rounds], "{:,.1f}")
    add(shown, "Searched within planning, s", [one["searched"] for one in rounds], "{:,.1f}")
    add(shown, "Whole round, s", [sum(one["seconds"].values()) for one in rounds], "{:,.1f}")
    shown.add_section()
    for part, what in (("process", "Service and worker, MB"), ("solver", "Solver's process, MB")):
        add(shown, what, [one["megabytes"][part] for one in rounds], "{:,.0f}")
    return shown


def add(shown: Table, name: str, values: Sequence[float], form: str) -> None:
    """A row with the last value over the first."""
    ratio = f"× {values[-1] / values[0]:.1f}" if values[0] else ""
    shown.add_row(name, *map(form.format, values), ratio)


def main(sizes: Sequence[int]) -> None:
    """Play and print."""
    where, rounds = machine(), []
    for bureaus in sizes:
        print(f"{bureaus} bureaus", file=sys.stderr)
        rounds.append(played(bureaus))
    console = Console(width=120)
    console.print(table(rounds))
    console.print(f"PostgreSQL {rounds[0]['server']} with durable settings; {where}.")


if __name__ == "__main__":
    main(tuple(map(int, sys.argv[1:])) or BUREAUS)
