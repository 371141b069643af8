"""What is assumed about preprocessing is told everywhere; what no view follows costs its column."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from generator.pipeline.build import build_gallery
from generator.progress import Silent
from generator.spec.gallery import GallerySpec
from tests.capture.families import FAMILIES
from tests.pipeline.galleries import build, gallery, manifest, picture, replace_models

ASSUMED = "no preprocessing is declared: the defaults of {} were assumed"


class Told(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, text: str) -> None:
        self.lines.append(text)


@pytest.mark.parametrize(
    ("family", "kind"),
    [("vit", "ViTImageProcessor"), ("siglip vision", "SiglipImageProcessor")],
)
def test_an_assumption_is_told_by_build_pages_and_manifest(
    family: str, kind: str, checkpoints: Path, tmp_path: Path
) -> None:
    silent = next(f for f in FAMILIES if f.name == family).save(tmp_path / "models" / "silent")
    for name in ("preprocessor_config.json", "processor_config.json"):
        (silent / name).unlink(missing_ok=True)
    picture(tmp_path / "photos" / "one.png", 0)
    spec = gallery(tmp_path, silent, checkpoints / "plain")
    told = Told()
    build_gallery(spec, command="", reporter=told)
    said = ASSUMED.format(kind)
    assert told.lines.count(f"silent: {said}") == 1
    assert not any("plain" in line and "assumed" in line for line in told.lines)
    sentence = f"{said[0].upper()}{said[1:]}."
    for page in ("index.html", "i/one/index.html"):
        assert sentence in (spec.out / page).read_text(), page
    assert said in (spec.out / "m/silent/index.html").read_text()  # the last of its steps
    assert "assumed" not in (spec.out / "m/plain/index.html").read_text()
    found = manifest(spec)
    (cell,) = (cell for cell in found.cells if cell.model == "silent")
    assert cell.measurement is not None
    assert found.measurements[cell.measurement].preprocessing.assumed == said


@pytest.mark.parametrize(
    ("keys", "does"),
    [
        ({"keep_aspect_ratio": True}, "keeps the aspect ratio"),
        ({"ensure_multiple_of": 14}, "makes both sides multiples of 14 px"),
        ({"size": {"longest_edge": 80}}, "scales the long side to 80 px"),
        ({"crop_pct": 0.9}, "crops by crop_pct"),
        ({"do_pad": True, "pad_size": {"height": 99, "width": 99}}, "pads pictures to 99 x 99 px"),
    ],
)
def test_what_the_checkpoint_view_does_not_follow_is_one_failed_column(
    keys: dict[str, object], does: str, spec: GallerySpec, checkpoints: Path, tmp_path: Path
) -> None:
    other = shutil.copytree(checkpoints / "plain", tmp_path / "models" / "other")
    file = other / "preprocessor_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | keys))
    spec = replace_models(spec, other, checkpoints / "registers").model_copy(
        update={"field_of_view": "checkpoint"}
    )
    outcome = build(spec)
    assert outcome.measured == 2
    (failure,) = {failure.message for failure in outcome.failures}
    assert failure == (
        f"other {does} in its own preprocessing, which the view of the checkpoint does not follow."
    )
    failed = {cell.model for cell in manifest(spec).cells if cell.failure}
    assert failed == {"other"}
