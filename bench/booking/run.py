"""
The booking desk beside pgbench: the same rows with the same locks, on the same durable server, in the same run.

`python bench/booking/run.py` prints a table and writes nothing. Each figure is the median over rounds in which the two
sides take turns, so that what else the machine does meets both.
"""

import argparse
import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psutil
from ground import FIRMS, SCENARIOS, Scenario, forget_holds, held_and_kept, lay, wait_at_commits
from rich.console import Console
from rich.table import Table
from sqlalchemy import make_url

from models.embedded import EmbeddedServer, remove_data
from models.postgres_programs import find, server_user

HERE = Path(__file__).parent
GOALS = {"one hot session": 0.6, "1,000 sessions": 0.35}
SLOWER_AT_MOST = 10


@dataclass(frozen=True)
class Measured:
    """
    What one turn came to: bookings a second, latencies and CPU in milliseconds.

    p50 and p99 are of answers that gave a place; place_p99 counts from the first try, through every BUSY and its wait.
    """

    rate: float
    p50: float = 0.0
    p99: float = 0.0
    place_p99: float = 0.0
    busy: float = 0.0
    client_cpu: float = 0.0
    server_cpu: float = 0.0


def pgbench(url: str, scenario: Scenario, given: argparse.Namespace) -> Measured:
    """What pgbench does with the same rows, its statements prepared."""
    place = make_url(url)
    command = [
        str(find(server_user()) / "pgbench"), "--no-vacuum", "--protocol=prepared", f"--file={HERE / 'hold.pgbench'}",
        f"--client={given.clients}", f"--jobs={given.processes}", f"--time={given.seconds}",
        f"--define=first={scenario.first}", f"--define=last={scenario.last}", f"--define=firms={FIRMS}",
        f"--host={place.query['host']}", f"--username={place.username}", str(place.database),
    ]  # fmt: skip
    environment = {"PATH": os.environ["PATH"], "PGPASSWORD": str(place.password)}
    done = subprocess.run(  # noqa: S603  # the wheel's own program
        command, capture_output=True, text=True, check=True, env=environment
    )
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    assert found, done.stdout
    return Measured(float(found[1]))


def ours(url: str, scenario: Scenario, given: argparse.Namespace, *, clients: int, graphql: bool = False) -> Measured:
    """What our own clients do, spread over processes."""
    processes = min(given.processes, clients)
    before = server_cpu()
    share = clients // processes
    running = [
        subprocess.Popen(  # noqa: S603  # our own program
            [
                sys.executable, str(HERE / "clients.py"), url, f"--clients={share}", f"--number={n * share}",
                f"--seconds={given.seconds}", "--sessions", str(scenario.first), str(scenario.last),
                *(["--graphql"] if graphql else []),
            ],
            stdout=subprocess.PIPE, text=True,
        )
        for n in range(processes)
    ]  # fmt: skip
    told = [json.loads(process.communicate()[0]) for process in running]
    took, place = (sorted(second * 1000 for each in told for second in each[what]) for what in ("answer", "place"))
    counted, kept = asyncio.run(held_and_kept(url)), len(took) + sum(each["warm"] for each in told)
    assert counted == (kept,) * 4, f"{kept} bookings were answered; counters, holds, entries, answers: {counted}"
    return Measured(
        rate=len(took) / given.seconds,
        p50=took[len(took) // 2],
        p99=took[int(len(took) * 0.99)],
        place_p99=place[int(len(place) * 0.99)],
        busy=sum(len(each["busy"]) for each in told) / len(took),
        client_cpu=sum(each["cpu"] for each in told) * 1000 / len(took),
        server_cpu=(server_cpu() - before) * 1000 / len(took),
    )


def server_cpu() -> float:
    """Seconds of CPU that our server's living processes took so far, and those that ended."""
    (server,) = [p for p in psutil.Process().children() if p.name() == "postgres"]
    own = server.cpu_times()
    alive = sum(sum(child.cpu_times()[:2]) for child in server.children())
    return alive + own.user + own.system + own.children_user + own.children_system


def median(turns: list[Measured]) -> Measured:
    """The median of each figure."""
    fields = Measured.__dataclass_fields__
    return Measured(**{name: statistics.median(getattr(turn, name) for turn in turns) for name in fields})


def compare(url: str, scenario: Scenario, given: argparse.Namespace) -> dict[str, Measured]:
    """Take turns, and give the medians of all."""
    turns: dict[str, list[Measured]] = {"pgbench": [], "use case": [], "GraphQL": [], "idle": []}
    for _ in range(given.rounds):
        for name, measure in (
            ("pgbench", lambda: pgbench(url, scenario, given)),
            ("use case", lambda: ours(url, scenario, given, clients=given.clients)),
            ("GraphQL", lambda: ours(url, scenario, given, clients=given.clients, graphql=True)),
            ("idle", lambda: ours(url, scenario, given, clients=1)),
        ):
            asyncio.run(forget_holds(url))
            turns[name].append(measure())
    return {name: median(measured) for name, measured in turns.items()}


def show(console: Console, title: str, found: dict[str, Measured], goal: float | None) -> None:
    """One scenario as a table."""
    table = Table(title=title)
    for heading in (
        "",
        "bookings/s",
        "x pgbench",
        "p50 ms",
        "p99 ms",
        "with BUSY",
        "BUSYs",
        "client CPU",
        "server CPU",
    ):
        table.add_column(heading, justify="right" if heading else "left")
    base = found["pgbench"].rate
    for name, m in found.items():
        figures = () if name == "pgbench" else (m.p50, m.p99, m.place_p99, m.busy, m.client_cpu, m.server_cpu)
        table.add_row(name, f"{m.rate:,.0f}", f"{m.rate / base:.2f}", *(f"{figure:.2f}" for figure in figures))
    console.print(table)
    if goal is not None:
        ratio, slower = found["use case"].rate / base, found["use case"].p99 / found["idle"].p50
        console.print(f"  rate >= {goal} x pgbench: {ratio:.2f}, {'met' if ratio >= goal else 'MISSED'}")
        said = "met" if slower <= SLOWER_AT_MOST else "MISSED"
        console.print(f"  p99 under load <= {SLOWER_AT_MOST} x p50 of one client alone: {slower:.1f}, {said}")


def main() -> None:
    """Measure every scenario, as the disk is and with commits that wait."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--clients", type=int, default=64)
    asked.add_argument("--processes", type=int, default=2, help="of our clients, and threads of pgbench")
    asked.add_argument("--seconds", type=int, default=10)
    asked.add_argument("--rounds", type=int, default=3)
    given, console = asked.parse_args(), Console(width=110)
    with tempfile.TemporaryDirectory(prefix="doorstep-bench-") as folder:
        Path(folder).chmod(0o711)
        with EmbeddedServer.start(Path(folder) / "server", durable=True) as server:
            url = server.url("bench")
            asyncio.run(server.create_database("bench"))
            asyncio.run(lay(url))
            for delay, said in ((0, "as the disk is"), (2000, "2 ms commit latency")):
                asyncio.run(wait_at_commits(url, delay))
                for scenario in SCENARIOS:
                    found = compare(url, scenario, given)
                    show(console, f"{scenario.name}, {said}", found, None if delay else GOALS[scenario.name])
        remove_data(Path(folder) / "server")


if __name__ == "__main__":
    main()
