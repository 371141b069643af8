"""Pictures and checkpoints' configs, damaged in every way: read, or refused in one line."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import strategies as st
from PIL import Image

from generator.capture.loaders.resolve import resolve_folder
from generator.images.find import load_images
from tests.capture.families import FAMILIES
from tests.fuzz.fuzzing import altered, edited, fuzz, survives


def pictures() -> list[tuple[str, bytes]]:
    """Small files of every kind, by their endings."""
    noise = np.random.default_rng(0).integers(0, 255, (24, 24, 3), np.uint8)
    color, deep = Image.fromarray(noise), Image.fromarray(noise[..., 0].astype(np.uint16) * 257)
    exif = Image.Exif()
    exif[0x0112] = 6
    found = []
    for ending, image, options in (
        *((kind, color, {"exif": exif}) for kind in ("png", "jpg", "tif", "webp")),
        *((kind, color, {}) for kind in ("gif", "bmp", "ppm", "jp2", "tga")),
        *(("png", deep, {"transparency": 257}), ("tif", deep, {"compression": "tiff_lzw"})),
    ):
        buffer = io.BytesIO()
        Image.init()
        image.save(buffer, Image.EXTENSION[f".{ending}"], **options)
        found.append((ending, buffer.getvalue()))
    return found


@pytest.mark.slow
def test_pictures(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Each costs itself alone; the good one beside it stays."""
    Image.new("RGB", (8, 8)).save(tmp_path / "good.png")

    def check(case: tuple[str, bytes]) -> None:
        path = tmp_path / f"x.{case[0]}"
        path.write_bytes(case[1])
        good, other = load_images([tmp_path / "good.png", path])
        assert good.failure is None
        if other.failure is not None:
            assert other.failure.message.startswith(path.name)
            assert "\n" not in other.failure.message
            assert other.failure.hint
        path.unlink()

    def cases(kind: tuple[str, bytes]) -> st.SearchStrategy[tuple[str, bytes]]:
        heads = edited(kind[1][:400]).map(lambda head: head + kind[1][400:])
        return st.tuples(st.just(kind[0]), st.one_of(heads, edited(kind[1])))

    fuzz(request, st.sampled_from(pictures()).flatmap(cases), check, examples=150)


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    place = tmp_path_factory.mktemp("checkpoints")
    wanted = ("vit", "dinov2 with registers", "clip", "siglip")
    families = [family for family in FAMILIES if family.name.lower() in wanted]
    assert families
    return [family.save(place / str(n)) for n, family in enumerate(families)]


@pytest.mark.parametrize("name", ["config.json", "preprocessor_config.json"])
@pytest.mark.slow
def test_configs(
    request: pytest.FixtureRequest, checkpoints: list[Path], tmp_path: Path, name: str
) -> None:
    """None makes the program fail in a way that it did not foresee."""
    good = [path for path in checkpoints if (path / name).is_file()]
    folders = []
    for number, path in enumerate(good):
        folder = tmp_path / str(number)
        folder.mkdir()
        for file in path.iterdir():
            (folder / file.name).symlink_to(file)
        folders.append((folder, (path / name).read_bytes()))

    def check(case: tuple[Path, bytes]) -> None:
        folder, data = case
        (folder / name).unlink()
        (folder / name).write_bytes(data)
        survives(resolve_folder, folder)

    def cases(kind: tuple[Path, bytes]) -> st.SearchStrategy[tuple[Path, bytes]]:
        data = st.one_of(altered(json.loads(kind[1])), edited(kind[1]))
        return st.tuples(st.just(kind[0]), data)

    fuzz(request, st.sampled_from(folders).flatmap(cases), check)
