"""An interactive comparison of models on one picture, as one frame for notebooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

from generator.errors import SpecError
from generator.export.single.file import framed_file
from generator.images.find import load_images
from generator.pipeline.opened import Picture, name_of, picture_file
from generator.present.files.manifest_file import read_manifest
from generator.present.files.settings import Settings
from generator.present.pages.paths import image_path
from generator.present.site.write import build_site
from generator.records.record import AttentionRecord
from generator.records.run import Cell, ImageEntry, ModelEntry, Run
from generator.temporary import scratch
from generator.text.phrases import listed
from generator.text.slugs import unique_slugs
from generator.version import __version__

HEIGHT = 720
"""Height of a frame in CSS pixels."""


@dataclass(frozen=True, slots=True, repr=False)
class Comparison:
    """The image page of a gallery, for a notebook: it shows itself in one frame, without a server.

    Attributes:
        html: the document: pages, numbers, pictures, styles and scripts.
        models: labels of the models.
        image: name of the picture.
        height: of the frame, in CSS pixels.
    """

    html: str
    models: tuple[str, ...]
    image: str
    height: int = HEIGHT

    def __repr__(self) -> str:
        return f"<Comparison of {listed(self.models)} on {self.image}>"

    def _repr_html_(self) -> str:
        """The frame. It may run its own scripts and nothing of the notebook's page."""
        title = escape(f"{listed(self.models)} on {self.image}")
        return (
            f'<iframe title="{title}" sandbox="allow-scripts allow-downloads" '
            f'style="width: 100%; height: {self.height}px; border: 0" '
            f'srcdoc="{escape(self.html)}"></iframe>'
        )


def comparison_of(
    records: Mapping[str, AttentionRecord], image: Picture, height: int = HEIGHT
) -> Comparison:
    """Compare records of one picture.

    Args:
        records: by label of their models.
        image: the picture that all are of.
        height: of the frame, in CSS pixels.

    Raises:
        SpecError: there are no records, or one is of another picture.
        ImageError: the picture cannot be used.
    """
    if not records:
        raise SpecError("There is nothing to compare.", "Give records or models.")
    with scratch() as folder:
        name = name_of(image)
        path = picture_file(image, folder / "picture.png")
        (entry,) = load_images([path])
        entry = replace(entry, name=name, title=Path(name).stem)
        _expect_of(entry, records)
        run = _run(entry, records)
        held = {record.key: record for record in records.values()}
        site = folder / "site"
        build_site(
            run,
            held.__getitem__,
            site,
            version=__version__,
            settings=Settings(analyses="none"),
        )
        manifest = read_manifest(site)
        assert manifest is not None
        html = framed_file(site, manifest, image_path(entry.slug)).decode()
    return Comparison(html, tuple(records), name, height)


def _expect_of(image: ImageEntry, records: Mapping[str, AttentionRecord]) -> None:
    """Check that the records are of this picture, bit for bit."""
    for label, record in records.items():
        if record.image_sha256 != image.sha256:
            raise SpecError(
                f"The record of {label} is of {record.image}, which is not the picture "
                f"{image.name} bit for bit.",
                "Give the picture that was measured.",
            )


def _run(image: ImageEntry, records: Mapping[str, AttentionRecord]) -> Run:
    slugs: Sequence[str] = unique_slugs(list(records))
    models = tuple(
        ModelEntry(
            slug=slug,
            label=label,
            id=record.model.id,
            revision=record.model.revision,
            commit=record.model.commit,
        )
        for slug, (label, record) in zip(slugs, records.items(), strict=True)
    )
    found = list(records.values())
    return Run(
        title="Comparison",
        description="",
        command="generator.compare(...)",
        field_of_view=found[0].preprocessing.field_of_view,
        models=models,
        images=(image,),
        cells=tuple(
            Cell(model=model.slug, image=image.slug, record=record.key)
            for model, record in zip(models, found, strict=True)
        ),
        mixed=len({record.layout.cls is None for record in found}) == 2,
        pairs=(),
    )


def labeled(records: Sequence[AttentionRecord]) -> dict[str, AttentionRecord]:
    """Records by the ids of their models; equal ids get the version, then a number."""
    ids = [record.model.id for record in records]
    found: dict[str, AttentionRecord] = {}
    for record in records:
        label = record.model.id
        if ids.count(label) > 1:
            label = f"{label} @ {record.model.version[:7]}"
        same = sum(known == label or known.startswith(f"{label} #") for known in found)
        found[f"{label} #{same + 1}" if same else label] = record
    return found
