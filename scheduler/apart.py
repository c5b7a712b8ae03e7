"""Runs the allocator's components in processes of their own, as many at once as there are processors."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from multiprocessing.synchronize import Event

from scheduler.allocation.errands import Errand, Fetched, go
from scheduler.allocation.errors import ProblemError

STOPS = (signal.SIGINT, signal.SIGTERM)
A_LOOK = 0.1  # seconds between two looks whether somebody asked to stop

Answer = Fetched | ProblemError


class ErrandLost(RuntimeError):
    """A process ended without an answer: killed, or out of memory."""


class Processes:
    """
    A process for each errand: one that is killed loses its own errand and breaks nothing else.

    The processes end with whoever started them, however that ends.
    """

    def __init__(self, width: int | None = None) -> None:
        self.width = width or os.cpu_count() or 1
        self._context = multiprocessing.get_context("spawn")

    def __call__(self, errands: Iterator[Errand], cancelled: Callable[[], bool]) -> Iterator[tuple[int, Fetched]]:
        """
        Run the errands, the next whenever there is room.

        Raises:
            ErrandLost: A process died.
            ProblemError: The pins of a component contradict each other.
        """
        stop, numbered = self._context.Event(), enumerate(errands)
        running: dict[Connection, tuple[int, SpawnProcess]] = {}
        try:
            while True:
                while len(running) < self.width and (following := next(numbered, None)):
                    number, errand = following
                    connection, process = self._started(errand, stop)
                    running[connection] = number, process
                if not running:
                    return
                for connection in self._answering(running, stop, cancelled):
                    number, process = running.pop(connection)
                    yield number, _received(connection, process)
        finally:
            for connection, (_, process) in running.items():
                process.kill()
                process.join()
                connection.close()

    def _started(self, errand: Errand, stop: Event) -> tuple[Connection, SpawnProcess]:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_run, args=(theirs, stop), daemon=True)
        with _no_signals():
            process.start()
        theirs.close()
        try:
            ours.send(errand)
        except OSError as error:
            ours.close()
            raise _lost(process) from error
        return ours, process

    def _answering(
        self, running: dict[Connection, tuple[int, SpawnProcess]], stop: Event, cancelled: Callable[[], bool]
    ) -> list[Connection]:
        """The errands that have an answer, or died."""
        while True:
            if cancelled():
                stop.set()
            if ready := wait(list(running), timeout=A_LOOK):
                return [each for each in ready if isinstance(each, Connection)]


def _received(connection: Connection, process: SpawnProcess) -> Fetched:
    try:
        answer: Answer = connection.recv()
    except (EOFError, OSError) as error:
        raise _lost(process) from error
    finally:
        connection.close()
    process.join()
    if isinstance(answer, ProblemError):
        raise answer
    return answer


def _lost(process: SpawnProcess) -> ErrandLost:
    process.join()
    return ErrandLost(f"a process of the allocator ended without an answer (exit {process.exitcode})")


@contextmanager
def _no_signals() -> Iterator[None]:
    """Ctrl-C reaches the whole group: a process that is only starting must not die of it. It inherits what we block."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _run(talk: Connection, stop: Event) -> None:
    """What a process does: its errand, and no more than that. Whoever started it tells it to stop."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    errand: Errand = talk.recv()
    try:
        talk.send(go(errand, clock=time.monotonic, cancelled=stop.is_set))
    except ProblemError as error:
        talk.send(error)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
