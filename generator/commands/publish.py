"""The command ``publish``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from generator.commands.shared.options import (
    Word,
    one_line_errors,
    say,
)
from generator.errors import PublishError

if TYPE_CHECKING:
    from generator.export.publish.delivery import Delivery
    from generator.export.publish.review import Review

MESSAGE = "Publish the gallery"


class TargetOption(click.Option):
    """An option of some targets only."""

    def __init__(self, *words: Any, targets: tuple[str, ...], **facts: Any) -> None:
        super().__init__(*words, **facts)
        self.targets = targets


class PublishCommand(click.Command):
    """A command whose help groups options by target."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options in groups."""
        groups: dict[tuple[str, ...], list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx) if isinstance(param, click.Option) else None
            if record is not None:
                groups.setdefault(getattr(param, "targets", ()), []).append(record)
        for targets, records in groups.items():
            with formatter.section(f"With --to {' or '.join(targets)}" if targets else "Options"):
                formatter.write_dl(records)

    def fitting(self, given: dict[str, Any], target: str) -> dict[str, Any]:
        """The options of a target."""
        others = {
            param.name
            for param in self.params
            if isinstance(param, TargetOption) and target not in param.targets
        }
        return {name: value for name, value in given.items() if name not in others}

    def expect_fitting(self, ctx: click.Context, target: str) -> None:
        """Refuse options of other targets.

        Raises:
            PublishError: an option belongs to another target.
        """
        for param in self.get_params(ctx):
            given = ctx.get_parameter_source(param.name or "") is ParameterSource.COMMANDLINE
            if isinstance(param, TargetOption) and given and target not in param.targets:
                raise PublishError(
                    f"{param.opts[0]} belongs to --to {' or '.join(param.targets)}, "
                    f"not to --to {target}.",
                    "Leave it out.",
                    usage=True,
                )


@click.command(cls=PublishCommand)
@click.argument("site", type=click.Path(path_type=Path), default=Path("site"))
@click.option(
    "--to",
    "target",
    type=Word(["branch", "workflow", "space"]),
    required=True,
    help="A branch for GitHub Pages, a workflow of GitHub Actions, or a Hugging Face Space.",
)
@click.option("--dry-run", is_flag=True, help="Show every file that would leave, and stop.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask; for continuous integration.")
@click.option(
    "--force",
    is_flag=True,
    help="Replace what is there: other content of the branch or Space, another workflow.",
)
@click.option(
    "--repository",
    cls=TargetOption,
    targets=("branch", "workflow"),
    type=click.Path(path_type=Path),
    default=Path(),
    metavar="DIR",
    help="A folder in the git repository.  [default: the current folder]",
)
@click.option(
    "--remote",
    cls=TargetOption,
    targets=("branch", "workflow"),
    default="origin",
    show_default=True,
    help="The repository's remote.",
)
@click.option(
    "-m",
    "--message",
    cls=TargetOption,
    targets=("branch", "space"),
    default=MESSAGE,
    show_default=True,
    help="Commit message.",
)
@click.option(
    "--branch",
    cls=TargetOption,
    targets=("branch",),
    default="gh-pages",
    show_default=True,
    help="Branch that holds the site and nothing else.",
)
@click.option(
    "--cname",
    cls=TargetOption,
    targets=("branch",),
    default="",
    metavar="DOMAIN",
    help="The site's own domain.  [default: what the branch says]",
)
@click.option(
    "--push/--no-push",
    cls=TargetOption,
    targets=("branch",),
    default=True,
    help="Push the branch, or leave it on this machine.  [default: push]",
)
@click.option(
    "--history/--no-history",
    cls=TargetOption,
    targets=("branch",),
    default=True,
    help="Keep the branch's earlier commits. Without them the repository stays small, and the "
    "push is forced.  [default: history]",
)
@click.option(
    "--from",
    "source",
    cls=TargetOption,
    targets=("workflow",),
    type=Word(["site", "records"]),
    default="site",
    show_default=True,
    help="Deploy the committed SITE, or draw its pages again from committed records, without "
    "torch and without a GPU.",
)
@click.option(
    "--name",
    cls=TargetOption,
    targets=("workflow",),
    default="pages",
    show_default=True,
    help="Name of the file in .github/workflows.",
)
@click.option(
    "--gallery",
    cls=TargetOption,
    targets=("workflow",),
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The gallery file, for --from records.",
)
@click.option(
    "--store",
    cls=TargetOption,
    targets=("workflow",),
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of the measured records, for --from records.",
)
@click.option(
    "--program",
    cls=TargetOption,
    targets=("workflow",),
    default="",
    metavar="REQUIREMENT",
    help="What pip installs attention-gallery from, for --from records.",
)
@click.option(
    "--space",
    cls=TargetOption,
    targets=("space",),
    default="",
    metavar="OWNER/NAME",
    help="Name of the Space. It is created if it does not exist.",
)
@click.option(
    "--private", cls=TargetOption, targets=("space",), is_flag=True, help="Create a private Space."
)
@click.pass_context
def publish(
    ctx: click.Context, /, site: Path, *, target: str, dry_run: bool, yes: bool, **given: Any
) -> None:
    """Publish a built SITE to GitHub Pages or a Hugging Face Space.

    Everything that would leave is looked at first: sizes, links to this computer, hidden files,
    licenses of pictures and models. Errors stop; then you are asked.

    \b
      attention-gallery publish site --to branch --dry-run
      attention-gallery publish site --to branch
      attention-gallery publish docs/gallery --to workflow
      attention-gallery publish site --to workflow --from records \\
          --gallery gallery.toml --store records --program REQUIREMENT
      attention-gallery publish site --to space --space your-name/attention-of-cats
    """  # noqa: D301 - click's mark for lines that stay as they are
    from generator.export.publish.review import review_site

    with one_line_errors():
        assert isinstance(ctx.command, PublishCommand)
        ctx.command.expect_fitting(ctx, target)
        if not given["message"].strip():
            raise PublishError("A commit needs a message.", "Say it with -m.", usage=True)
        review = review_site(site, target)  # type: ignore[arg-type] # click checked it
        if dry_run:
            _show_files(review)
        _show_problems(review)
        delivery = _delivery(review, target, **ctx.command.fitting(given, target))
        if dry_run:
            for added in delivery.added:
                say(f"\nbeside the site, {added.path}:\n\n{added.text.rstrip()}")
            say(f"\nNothing was published: this was a dry run. {delivery.outlook}")
            return
        _ask(delivery.question, yes=yes)
        say(delivery.send())


def _delivery(review: Review, target: str, **given: Any) -> Delivery:
    """The delivery of a target, after its local checks.

    Raises:
        PublishError: a local check failed.
    """
    if target == "branch":
        from generator.export.publish.pages_branch import branch_delivery

        return branch_delivery(review.site, review.amount, **given)
    if target == "workflow":
        from generator.export.publish.workflow import workflow_delivery

        return workflow_delivery(review.site, review.manifest, **given)
    from generator.export.publish.space import space_delivery

    paths = [file.path for file in review.files]
    return space_delivery(review.site, review.amount, paths, review.manifest, **given)


def _show_files(review: Review) -> None:
    """Print every file with its size, and the total."""
    from generator.text.amounts import size_in_words

    for file in review.files:
        say(f"{size_in_words(file.bytes):>8}  {file.path}")
    say(f"\n{review.amount}")


def _show_problems(review: Review) -> None:
    """Print the problems.

    Raises:
        PublishError: some are errors.
    """
    for problem in review.problems:
        say(str(problem), err=True)
    if review.left_out:
        say(f"note: {review.left_out}", err=True)
    if review.errors:
        count = len(review.errors)
        problems = "1 problem" if count == 1 else f"{count} problems"
        raise PublishError(f"{review.site} is not published: {problems}, see above.")


def _ask(question: str, *, yes: bool) -> None:
    """Ask the user for confirmation.

    Raises:
        PublishError: there is no terminal, or the answer is no.
    """
    if yes:
        return
    from generator.text.terminal import legible

    if not sys.stdin.isatty():
        raise PublishError(
            f"{question}? Nobody is at a terminal to say yes.", "Say it with --yes.", usage=True
        )
    if not click.confirm(legible(f"{question}?", keep="")):
        raise PublishError("Nothing was published.")
