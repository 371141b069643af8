"""Workflows, issue forms and hooks of the project: they name what exists."""

from __future__ import annotations

import contextlib
import re
import shlex
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from generator.export.publish import workflow
from tests.docs.blocks import ROOT
from tests.docs.test_documents import parse

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
OURS = {
    action.partition("@")[0]: action
    for action in vars(workflow).values()
    if isinstance(action, str) and action.startswith("actions/")
}
"""Actions of the workflow that ``publish`` writes, with their versions."""


def steps(path: Path) -> list[dict[str, Any]]:
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values()
    return [step for job in jobs for step in job["steps"]]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_use_one_version_of_each_action(path: Path) -> None:
    used = [step["uses"] for step in steps(path) if "uses" in step]
    assert used
    for action in used:
        name = action.partition("@")[0]
        assert action == OURS.get(name, action)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_commands_of_workflows_are_understood(path: Path) -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    for command in (step["run"] for step in steps(path) if "run" in step):
        words = shlex.split(command)
        if words[0] == "attention-gallery":
            parse(words[1:])
        for extra in re.findall(r"\.\[(\w+)\]", command):
            assert extra in extras
        for script in re.findall(r"[\w.]+/run\b|constraints\.txt", command):
            assert (ROOT / script).is_file()


def test_each_job_may_take_so_long_and_no_longer() -> None:
    for path in WORKFLOWS:
        jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
        assert all(job["timeout-minutes"] <= 60 for job in jobs.values()), path.name


def test_issue_forms_ask_for_the_version_by_a_command_that_exists() -> None:
    forms = list((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
    assert len(forms) == 4
    for path in forms:
        text = path.read_text(encoding="utf-8")
        assert yaml.safe_load(text)
        for command in re.findall(r"`attention-gallery ([a-z][^`]*)`", text):
            words = command.replace("MODEL", "org/model").replace("PICTURE", "cat.jpg").split()
            if "--check" not in words:
                parse(words)


def test_hooks_run_what_continuous_integration_runs() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    entries = {hook["entry"] for repo in hooks["repos"] for hook in repo["hooks"]}
    assert entries == {"ruff format", "ruff check", "mypy"}


def needed(name: str, extra: str, found: dict[str, Requirement]) -> None:
    """All that a distribution needs, and what that needs, on this machine."""
    for line in metadata.requires(name) or ():
        requirement = Requirement(line)
        marker = requirement.marker
        if marker and not any(marker.evaluate({"extra": each}) for each in ("", extra)):
            continue
        own = canonicalize_name(requirement.name)
        if own not in found:
            found[own] = requirement
            for each in ("", *requirement.extras):
                with contextlib.suppress(metadata.PackageNotFoundError):
                    needed(requirement.name, each, found)


def test_constraints_pin_all_that_the_tests_install() -> None:
    found: dict[str, Requirement] = {}
    needed("attention-gallery", "test", found)
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {canonicalize_name(line.split("==")[0]) for line in lines if "==" in line}
    own = ("attention-gallery", "nvidia-", "cuda-", "triton")  # what a build for GPUs brings
    assert sorted(name for name in found if name not in pinned and not name.startswith(own)) == []
    assert len(found) > 50


def test_pinned_versions_take_the_oldest_python_that_is_promised() -> None:
    """Debian 12 has Python 3.11.2, where pip tries for an hour if one pin does not fit."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    oldest = project["requires-python"].removeprefix(">=") + ".0"
    checked = 0
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        name, _, version = line.partition("==")
        with contextlib.suppress(metadata.PackageNotFoundError):
            if version and metadata.version(name) == version:
                takes = metadata.metadata(name).get("Requires-Python") or ""
                assert SpecifierSet(takes).contains(oldest), f"{line} takes Python {takes} only"
                checked += 1
    assert checked > 50
