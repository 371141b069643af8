"""Galleries whose records are in the store: one picture is measured, the others get its record."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from generator.pipeline.build import planned_gallery
from generator.pipeline.measuring import measure_missing
from generator.progress import Silent
from generator.records.store import Store
from generator.spec.gallery import GallerySpec, ModelSpec
from tests.benchmarks.processes import Usage, program


@dataclass(frozen=True)
class Gallery:
    """Options of a gallery on disk.

    Attributes:
        folder: of the store and the site.
        models: folders of checkpoints.
        pictures: folder of pictures, all of one size.
        resolution: short side of the input in pixels.
        patch_queries: as the option.
    """

    folder: Path
    models: tuple[Path, ...]
    pictures: Path
    resolution: int = 518
    patch_queries: str = "auto"

    @property
    def site(self) -> Path:
        """Folder of the site."""
        return self.folder / "site"

    @property
    def options(self) -> tuple[str, ...]:
        """Options of ``build``, without the number of processes."""
        models = (option for model in self.models for option in ("-m", str(model)))
        return (
            *models,
            *("-i", str(self.pictures), "-o", str(self.site), "--device", "cpu"),
            *("--store", str(self.folder / "store"), "--resolution", str(self.resolution)),
            *("--patch-queries", self.patch_queries),
        )

    def build(self, *more: str) -> Usage:
        """Build it in a process of its own."""
        return program("build", *self.options, *more, log=self.folder / "build.log")

    def dry_run(self) -> Usage:
        """Plan it in a process of its own."""
        return self.build("--dry-run")

    def fill(self) -> int:
        """Put the records that are missing into the store, and say how many cells there are."""
        store = Store(self.folder / "store")
        first = sorted(self.pictures.iterdir())[0]
        small = self._spec((first,))
        measure_missing(small, planned_gallery(small, store, Silent()), store, Silent())
        measured = planned_gallery(small, store, Silent()).cells
        templates = {cell.model: store.get(cell.key) for cell in measured}
        cells = planned_gallery(self._spec((self.pictures,)), store, Silent()).cells
        for cell in cells:
            if not cell.cached:
                own = replace(templates[cell.model], key=cell.key, image_sha256=cell.image.sha256)
                store.put(own)
        return len(cells)

    def _spec(self, images: tuple[Path, ...]) -> GallerySpec:
        return GallerySpec(
            models=tuple(ModelSpec.model_validate({"id": str(model)}) for model in self.models),
            images=images,
            out=self.site,
            store=self.folder / "store",
            resolution=self.resolution,
            patch_queries=self.patch_queries,
            device="cpu",
        )
