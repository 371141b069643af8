"""A small gallery of synthetic records and drawn pictures, with everything that can go wrong."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from PIL import Image

from generator.present.files.settings import Settings
from generator.records.record import AttentionRecord, FieldOfView, PatchQueries
from generator.records.run import Cell, Failure, ImageEntry, ModelEntry, Run
from tests import tiny

HOSTILE = '</script><img src=x onerror=alert(1)>{{ 7*7 }} & "Ünï" 猫'
KEPT: dict[str, PatchQueries] = {
    "plain": "mean",
    "registers": "heads",
    "probe": "off",
    "deep": "mean",
}
"""Which rows of patches each model's records keep."""

BARE = Settings(walls=False, analyses="none")
"""For pages on which no picture of an image page is: they take half the time to build."""

COMMAND = "attention-gallery build -m tiny/plain -i pictures -o site"


@dataclass
class Gallery:
    """A run and its records, and which of them were read."""

    run: Run
    records: dict[str, AttentionRecord]
    reads: list[str] = field(default_factory=list)

    def read(self, key: str) -> AttentionRecord:
        self.reads.append(key)
        return self.records[key]

    def record(self, model: str, image: str) -> AttentionRecord:
        return self.records[self.run.cell(model, image).record]


def picture(path: Path, seed: int, size: tuple[int, int] = (96, 64)) -> ImageEntry:
    """Draw a picture with a camera's metadata in it, and describe it."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 255, (8, 12, 3), dtype=np.uint8))
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 29.0)})
    small.resize(size, Image.Resampling.BICUBIC).save(path, exif=exif, comment=b"SecretComment")
    return ImageEntry(
        slug=path.stem,
        name=path.name,
        path=path,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        width=size[0],
        height=size[1],
        title=path.stem.capitalize(),
        credit="A. Painter",
        license="CC0",
    )


def gallery(
    folder: Path,
    *,
    images: int = 2,
    rows: int = 4,
    cols: int = 6,
    field_of_view: FieldOfView = "whole",
) -> Gallery:
    """Four models on some images.

    ``plain`` has a class token, ``registers`` two registers more, ``probe`` no class token but a
    pooling probe, ``deep`` twice the layers and heads on a finer grid. ``gone`` failed. The last
    image failed too. ``KEPT`` says whose records hold the rows of patches.
    """
    folder.mkdir(parents=True, exist_ok=True)
    layouts = {
        "plain": tiny.layout(rows=rows, cols=cols),
        "registers": tiny.layout(registers=2, rows=rows, cols=cols),
        "probe": tiny.layout(cls=False, rows=rows, cols=cols),
        "deep": tiny.layout(rows=2 * rows, cols=2 * cols),
    }
    entries = [picture(folder / f"image{n}.jpg", n) for n in range(images)]
    broken = ImageEntry(
        slug="broken",
        name="broken.jpg",
        path=folder / "broken.jpg",
        sha256="",
        width=0,
        height=0,
        title="broken",
        failure=Failure("The picture broken.jpg is cut short.", "Copy it again."),
    )
    gone = Failure("The model tiny/gone is not on the hub.", "Check the spelling.")
    models = (
        *(ModelEntry(slug, slug.capitalize(), f"tiny/{slug}", "main") for slug in layouts),
        ModelEntry("gone", "Gone", "tiny/gone", "main", failure=gone),
    )
    records: dict[str, AttentionRecord] = {}
    cells = []
    for number, image in enumerate((*entries, broken)):
        for model in models:
            failure = model.failure or image.failure
            key = ""
            if failure is None:
                found = tiny.record(
                    layouts[model.slug],
                    model=model.id,
                    layers=6 if model.slug == "deep" else 3,
                    heads=4 if model.slug == "deep" else 2,
                    pooling=model.slug == "probe",
                    patches=KEPT[model.slug],
                    seed=number,
                    image_sha256=image.sha256,
                )
                key = hashlib.sha256(f"{found.key}{image.sha256}".encode()).hexdigest()
                records[key] = replace(found, key=key)
            cells.append(Cell(model.slug, image.slug, key, failure))
    run = Run(
        title="Trial",
        description="A gallery for tests.",
        command=COMMAND,
        field_of_view=field_of_view,
        models=models,
        images=(*entries, broken),
        cells=tuple(cells),
        mixed=True,
    )
    return Gallery(run, records)


def tree(root: Path) -> dict[str, bytes]:
    """Every file of a folder with its bytes."""
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def many(
    folder: Path, images: int, *, models: int = 2, groups: int = 3, grid: tuple[int, int] = (4, 6)
) -> Gallery:
    """A gallery of many images, in groups that take turns; every second model has registers.

    The files are copies of a few pictures, and the records are made as they are read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows, cols = grid
    drawn = [picture(folder / f"drawn{n}.jpg", n, (16 * cols, 16 * rows)) for n in range(4)]
    entries = tuple(
        replace(
            drawn[n % len(drawn)],
            slug=f"picture-{n:04}",
            name=f"picture-{n:04}.jpg",
            title=f"Picture {n}",
            group=f"Group {n % groups + 1}" if groups > 1 else "",
        )
        for n in range(images)
    )
    shown = tuple(
        ModelEntry(f"model-{n}", f"Model {n}", f"tiny/model-{n}", "main") for n in range(models)
    )
    cells = tuple(
        Cell(model.slug, image.slug, hashlib.sha256(f"{m} {n}".encode()).hexdigest())
        for n, image in enumerate(entries)
        for m, model in enumerate(shown)
    )
    plain, registers = (
        tiny.record(
            tiny.layout(registers=r, rows=rows, cols=cols),
            seed=r,
            image_size=(16 * cols, 16 * rows),
        )
        for r in (0, 2)
    )
    records: dict[str, AttentionRecord] = {}
    for number, cell in enumerate(cells):
        image, model = divmod(number, models)
        base = registers if model % 2 else plain
        norms = base.norms.copy()
        norms[-1, base.layout.patch_slice.start :][: image % 7] = 500
        # among the patches only: what the prefix gets stays what the masses say
        attention, patches = base.attention.copy(), base.layout.patch_slice
        attention[..., patches] = np.roll(attention[..., patches], image * (model + 1), axis=-1)
        records[cell.record] = replace(
            tiny.with_norms(base, norms),
            key=cell.record,
            entropy=base.entropy * (1 - image / (2 * images)),
            attention=attention,
        )
    run = Run("Many", "", COMMAND, "whole", shown, entries, cells)
    return Gallery(run, records)
