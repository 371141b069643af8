"""The command ``inspect``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from generator.commands.shared.options import MEASURING, one_line_errors, options


@click.command()
@click.argument("model")
@click.option(
    "--check",
    type=click.Path(path_type=Path),
    metavar="IMAGE",
    help="Run the model on a picture and check what is captured against its eager attention.",
)
@click.option(
    "--golden",
    is_flag=True,
    help="Hold the norms of a known checkpoint's registers against a published table, over the"
    " example pictures at 518 px.",
)
@click.option("--resolution", type=int, metavar="PX", help="Short side of the input.")
@options(MEASURING)
def inspect(
    model: str,
    check: Path | None,
    golden: bool,
    resolution: int | None,
    device: str | None,
    dtype: str | None,
    trust_remote_code: bool | None,
) -> None:
    """Describe a model, and whether it can be shown.

    Its config is enough, without weights. --check downloads and runs the model.
    """
    from generator.commands import inspection
    from generator.images.pixels import reading
    from generator.spec.gallery import ModelSpec
    from generator.text.console import LegibleConsole

    console = LegibleConsole(highlight=False, soft_wrap=True)
    with one_line_errors():
        spec = ModelSpec.model_validate(model)
        if check is not None:
            with reading(check.name), check.open("rb"):  # before the model is looked for
                pass
        resolved = inspection.show(
            console, spec, trust_remote_code=trust_remote_code, resolution=resolution
        )
        passed = check is None or inspection.check(
            console, resolved, check, device=device, dtype=dtype, resolution=resolution
        )
        if golden:
            found = inspection.golden(
                console, resolved, device=device, dtype=dtype, resolution=resolution
            )
            passed = found and passed
        if not passed:
            sys.exit(1)
