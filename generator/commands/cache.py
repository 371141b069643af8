"""The command ``cache``."""

from __future__ import annotations

from pathlib import Path

import click

from generator.commands.shared.options import STORE, one_line_errors, say
from generator.errors import StoreError


@click.command()
@STORE
@click.option(
    "--clear", is_flag=True, help="Remove every record, the frames of clips and fetched pictures."
)
def cache(store: Path | None, clear: bool) -> None:
    """Print the folder and the size of the cache of measured records."""
    from generator.images.frames import cached_bytes, clear_frames
    from generator.images.remote import clear_fetched, fetched_bytes
    from generator.present.files.kept import clear_kept, kept_bytes
    from generator.records.store import Store
    from generator.spec.gallery import default_store
    from generator.text.amounts import size_in_words

    with one_line_errors():
        records = Store(store or default_store())
        records.check_place()
        if store is not None and not records.root.is_dir():
            raise StoreError(
                f"There is no record store {records.root}.", "Check the path (--store).", usage=True
            )
        count = len(records.keys())
        others = (cached_bytes, fetched_bytes, kept_bytes)
        size = records.bytes() + sum(of(records.root) for of in others)
        if clear:
            from generator.pipeline.unchanged import forget_sites

            clear_kept(records.root)
            records.gc(keep=())
            clear_frames(records.root)
            clear_fetched(records.root)
            forget_sites(records.root)
        verb = "removed from" if clear else "in"
        say(f"{count} records, {size_in_words(size)}, {verb} {records.root}")
