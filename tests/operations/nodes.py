"""`doorstep serve` and `doorstep work` as processes, asked from outside."""

import base64
import os
import re
import signal
import subprocess
import sys
import threading
from queue import Empty, Queue

import httpx

PATIENCE_SECONDS = 60
_KEY = base64.b64encode(b"a secret for tests only, 32 byte").decode()


class Node:
    """A node in a process of its own; `said` is what it wrote so far."""

    def __init__(self, database_url: str, *words: str) -> None:
        own = {"DATABASE_URL": database_url, "DOORSTEP_SECRET": _KEY, "DOORSTEP_PEPPER": _KEY, "COLUMNS": "200"}
        self.process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "api.cli", *words, "--operations-port", "0"],
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | own,
        )
        self.said = ""
        self._lines: Queue[str] = Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_for(self, words: str) -> str:
        """Wait until it says these words, a pattern, and give its first group."""
        while True:
            try:
                line = self._lines.get(timeout=PATIENCE_SECONDS)
            except Empty as error:
                raise AssertionError(self.said) from error
            if found := re.search(words, line):
                return found[1]

    def operations(self) -> str:
        """Where its operators' pages are."""
        return self.wait_for(r"Operations at (http://127\.0\.0\.1:\d+)")

    def served(self) -> str:
        """Where its API is."""
        return self.wait_for(r"Serving at (http://127\.0\.0\.1:\d+)")

    def tell_to_stop(self) -> None:
        """Send SIGTERM."""
        self.process.send_signal(signal.SIGTERM)

    def ended(self) -> int:
        """Wait until it has ended; its exit code."""
        code = self.process.wait(timeout=PATIENCE_SECONDS)
        self._reader.join()
        return code

    def end(self) -> None:
        """Leave nothing behind."""
        if self.process.poll() is None:
            self.process.kill()
        self.ended()
        if self.process.stderr:
            self.process.stderr.close()

    def _read(self) -> None:
        if self.process.stderr:
            for line in self.process.stderr:
                self.said += line
                self._lines.put(line)


def readiness(url: str) -> tuple[int, dict[str, str]]:
    """What `/readyz` says: its status, and each check's answer."""
    answer = httpx.get(f"{url}/readyz", timeout=PATIENCE_SECONDS)
    return answer.status_code, answer.json()["checks"]


def metric(url: str, name: str) -> float:
    """A figure of `/metrics`; `name` with its labels, if it has any."""
    for line in httpx.get(f"{url}/metrics", timeout=PATIENCE_SECONDS).text.splitlines():
        if line.startswith(f"{name} "):
            return float(line.split()[-1])
    raise AssertionError(name)
