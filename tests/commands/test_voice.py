"""How much commands say, each failure once, and their exit status."""

from __future__ import annotations

import importlib
import logging
import signal
import subprocess
import sys
from contextlib import suppress
from importlib.abc import MetaPathFinder
from pathlib import Path

import pytest

from generator import cli, entry, pipeline
from tests.commands.running import fails, run

WORDS = ("build", "-m", "models/plain", "-i", "photos", "--no-analyses")


def test_quiet_verbose_and_debug(here: Path) -> None:
    (here / "photos" / "zero.jpg").touch()
    said = "failed: zero.jpg is empty (0 bytes). Copy the file again.\n"
    quiet = run(*WORDS, "-q")
    assert (quiet.exit_code, quiet.stdout, quiet.stderr) == (1, "", said)
    usual = run(*WORDS)
    assert usual.stderr.count(said) == 1
    assert "3 images found" not in usual.stderr
    assert "in place of" not in usual.stderr
    loud = run(*WORDS, "-v", "--resolution", "57")
    assert "plain gets 64 px, not 57 px: its patches stay whole\n" in loud.stderr
    assert "3 images found\n" in loud.stderr and "3 layers of 4 heads\n" in loud.stderr
    debug = run(*WORDS, "--debug")
    assert debug.stderr.endswith("Log: attention-gallery.log\n")
    log = (here / "attention-gallery.log").read_text()
    assert "Python 3." in log and "torch 2." in log and "3 images found" in log
    assert not logging.getLogger("generator").handlers, "nothing is left behind"
    assert run(*WORDS, "-q", "-v").exit_code == 2


def test_a_log_has_the_traceback_of_an_error(here: Path) -> None:
    result = run("build", "-m", "models/plain", "-i", "photos", "--masks", "nowhere", "--debug")
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr
    assert "Traceback" in (here / "attention-gallery.log").read_text()


def test_the_log_has_what_a_bug_report_needs(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a fault of the program")

    monkeypatch.setattr("generator.pipeline.site.build_site", broken)
    with pytest.raises(ZeroDivisionError):
        run(*WORDS, "--debug")
    log = (here / "attention-gallery.log").read_text()
    assert log.count("ZeroDivisionError: a fault of the program") == 1
    assert "Traceback (most recent call last)" in log
    assert "STREAM b" not in log  # pages of lines of the library that reads pictures


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_a_lone_model_s_failure_is_said_once(here: Path, more: list[str]) -> None:
    (here / "empty").mkdir()
    (here / "empty" / "config.json").write_text("{}")
    result = run("build", "-m", "./empty", "-i", "photos", *more)
    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert [line for line in lines if not line.startswith("resolving ")] == lines[-1:]
    assert lines[-1].startswith("failed: ") and "config.json" in lines[-1]


def test_a_device_that_is_not_there_is_said_once(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    result = run(*WORDS, "--device", "cuda")
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].startswith("Error: This machine has no device cuda")
    assert sum("cuda" in line for line in result.stderr.splitlines()) == 1


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["--dtype", "fp16"], "Did you mean float16?"),
        (["--dtype", "float23"], "Did you mean float32?"),
        (["--field-of-view", "sqare"], "Did you mean square?"),
        (["--device", "gpu"], "Did you mean cuda?"),
        (["--extras", "lenz"], "Did you mean lens?"),
    ],
)
def test_values_are_suggested_and_the_status_is_that_of_usage(words: list[str], hint: str) -> None:
    result = run(*WORDS, *words)
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].endswith(hint)


def test_ctrl_c_at_any_moment_ends_in_one_way(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*args: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("generator.spec.options.spec_from_options", stopped)
    result = run(*WORDS)
    assert (result.exit_code, result.stderr) == (130, f"{cli.KEPT}\n")
    monkeypatch.setattr("generator.spec.gallery.default_store", stopped)
    assert run("cache").stderr == "Stopped.\n", "nothing is measured there"
    monkeypatch.setattr("generator.capture.checkpoint.hub.unfinished", ["model.safetensors"])
    assert run(*WORDS).stderr == (f"{cli.KEPT} The download of model.safetensors begins again.\n")
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


class Interrupting(MetaPathFinder):
    """Ctrl-C while a module loads."""

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        if name == "generator.cli":
            raise KeyboardInterrupt


def test_ctrl_c_while_the_program_loads_is_one_line_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "generator.cli")
    monkeypatch.setattr(sys, "meta_path", [Interrupting(), *sys.meta_path])
    with pytest.raises(SystemExit) as ended:
        entry.main()
    assert (ended.value.code, capsys.readouterr().err) == (130, "Stopped.\n")


class Dropping(MetaPathFinder):
    """Ctrl-C while a module loads, in compiled code that drops exceptions."""

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        if name == "generator.pipeline.build":
            with suppress(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_is_not_lost_in_compiled_code(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "build", importlib.import_module("generator.pipeline.build"))
    monkeypatch.delitem(sys.modules, "generator.pipeline.build")
    monkeypatch.setattr(sys, "meta_path", [Dropping(), *sys.meta_path])
    result = run(*WORDS)
    assert (result.exit_code, result.stderr) == (130, f"{cli.KEPT}\n")
    assert not (here / "site").exists()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


WITHOUT_AN_END = """
import sys, threading
from generator import cli, entry, pipeline

def stopped(prog_name):
    print("Stopped.", file=sys.stderr)
    sys.exit(130)

threading.Thread(target=threading.Event().wait).start()
cli.main = stopped
entry.main()
"""


@pytest.mark.slow
def test_a_thread_without_an_end_does_not_keep_a_stopped_program() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_AN_END],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (130, "Stopped.\n")


@pytest.mark.parametrize(
    "words",
    [
        [*WORDS[:-3], "nowhere"],
        [*WORDS, "-i", "*.gif"],
        [*WORDS, "--jobs", "0"],
        [*WORDS, "--groups", "nowhere.csv"],
        [*WORDS, "-o", "photos/one.png"],
        ["build", "-m", "./nowhere", "-i", "photos"],
        ["build", "-m", "./photos", "-i", "photos", "-q"],
        ["build", "-m", "not a name", "-i", "photos", "-q"],
        ["inspect", "photos"],
        ["serve"],
        ["export", "maps", "nowhere"],
        ["figure", "photos"],
        ["publish", "nowhere", "--to", "branch"],
    ],
)
@pytest.mark.usefixtures("here")
def test_what_was_typed_wrong_ends_with_2(words: list[str]) -> None:
    fails(*words)


def test_what_is_broken_ends_with_1(here: Path) -> None:
    (here / "photos" / "zero.jpg").touch()
    fails(*WORDS, "--strict", code=1)
    fails(*WORDS[:-2], "photos/zero.jpg", "-q", code=1)
    (here / "broken").mkdir()
    (here / "broken" / "config.json").write_text("{}")
    fails("inspect", "broken", code=1)
    (here / "broken" / "manifest.json").write_text("{}")
    fails("export", "single", "broken", code=1)
