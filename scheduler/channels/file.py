"""The file channel, for the demo: one JSON document a line."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import orjson

from scheduler.channels.letter import Letter, Outcome


@dataclass(frozen=True)
class FileChannel:
    """Appends to a file that it makes with its folder."""

    file: Path

    async def deliver(self, letters: Sequence[Letter], *, now: datetime) -> Sequence[Outcome]:  # noqa: ARG002
        """Write all letters, or say of all why not."""
        try:
            await asyncio.to_thread(self._append, [_line(letter) for letter in letters])
        except OSError as error:
            return [Outcome(f"the file cannot be written: {error.strerror}")] * len(letters)
        return [Outcome()] * len(letters)

    def _append(self, lines: Sequence[bytes]) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("ab") as out:
            out.writelines(lines)
            out.flush()
            os.fsync(out.fileno())


def _line(letter: Letter) -> bytes:
    said = {
        "id": str(letter.key),
        "recipient": letter.recipient,
        "subject": letter.subject,
        "body": letter.body,
        "made_at": letter.made_at,
    }
    return orjson.dumps(said, option=orjson.OPT_APPEND_NEWLINE)
