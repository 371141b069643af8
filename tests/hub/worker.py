"""The command line in a process of its own, command after command.

``HF_ENDPOINT`` and its like are read when the hub library is imported, so the real code runs in a
fresh process. One process runs many commands, because importing torch takes longer than any of
them. It reads a JSON list of words from each line of its standard input and answers with the exit
code and what was printed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self


@dataclass(frozen=True)
class Result:
    """What a command did, and whether its process has imported torch by then."""

    code: int
    stdout: str
    stderr: str
    torch: bool

    @property
    def last_line(self) -> str:
        """The last line of the standard error; what comes before is progress."""
        return (self.stderr.splitlines() or [""])[-1]


class Worker:
    """A process that runs commands; a context that ends it.

    Args:
        folder: the current folder of its commands; home and caches are inside.
        environment: more variables.
    """

    def __init__(self, folder: Path, **environment: str) -> None:
        keep = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("HF_", "HUGGING_FACE", "TRANSFORMERS_"))
            and "proxy" not in name.lower()
        }
        defaults = {
            "HOME": str(folder),
            "HF_HOME": str(folder / "hf"),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "ATTENTION_GALLERY_CACHE": str(folder / "store"),
        }
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", __file__],
            cwd=folder,
            env={**keep, **defaults, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.communicate(timeout=60)

    def run(self, *words: str) -> Result:
        """Run ``attention-gallery`` with these words."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        return Result(**answer)


def _serve() -> None:
    import time
    import traceback

    from click.testing import CliRunner

    from generator.cli import main

    time.sleep = lambda seconds: None  # the hub library waits between attempts
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        words = json.loads(line)
        sys.argv = ["attention-gallery", *words]
        result = CliRunner().invoke(main, words)
        stderr = result.stderr
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            stderr += "".join(traceback.format_exception(result.exception))
        answer = {
            "code": result.exit_code,
            "stdout": result.stdout,
            "stderr": stderr,
            "torch": "torch" in sys.modules,
        }
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    _serve()
