"""What a gallery file can say."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.records.extras import EXTRAS, Measuring
from generator.spec.gallery import GallerySpec, ModelSpec
from generator.spec.options import load_spec, merge
from tests.spec.gallery_file import ENOUGH, MODELS


def test_everything_a_file_can_say(file: Path) -> None:
    file.write_text(
        """
        title = "With and without"
        description = "A comparison."
        images = ["photos/", "extra/cat.jpg", "/data/x.png"]
        out = "site"
        field_of_view = "whole"
        resolution = 518
        device = "cuda:1"
        dtype = "bfloat16"
        patch_queries = "heads"
        batch_size = 4
        trust_remote_code = true
        strict = true
        store = "cache"
        templates = "mine"

        [[models]]
        id = "facebook/dinov2-small"
        label = "DINOv2-S"
        revision = "main"

        [[models]]
        id = "facebook/dinov2-with-registers-small@v1"
        resolution = 448
        """
    )
    spec = load_spec(file)
    assert spec.title == "With and without"
    assert spec.description == "A comparison."
    assert spec.images == (Path("work/photos"), Path("work/extra/cat.jpg"), Path("/data/x.png"))
    assert (spec.out, spec.store, spec.templates) == (
        Path("work/site"),
        Path("work/cache"),
        Path("work/mine"),
    )
    assert (spec.field_of_view, spec.resolution, spec.device) == ("whole", 518, "cuda:1")
    assert (spec.dtype, spec.patch_queries, spec.batch_size) == ("bfloat16", "heads", 4)
    assert (spec.trust_remote_code, spec.strict) == (True, True)
    first, second = spec.models
    assert (first.id, first.revision, first.label) == ("facebook/dinov2-small", "main", "DINOv2-S")
    assert (second.id, second.revision) == ("facebook/dinov2-with-registers-small", "v1")
    assert second.label == "facebook/dinov2-with-registers-small"
    assert [spec.resolution_of(model) for model in spec.models] == [518, 448]


def test_what_a_file_need_not_say(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTENTION_GALLERY_CACHE", "/elsewhere")
    spec = load_spec(file)
    assert spec == GallerySpec(
        title="Attention gallery",
        description="",
        models=(ModelSpec(id="a/b"),),
        images=(Path("work/photos"),),
        out=Path("site"),  # in the current folder: nobody said it is the file's
        field_of_view="square",
        resolution=None,
        device="auto",
        dtype="auto",
        patch_queries="auto",
        batch_size=None,
        trust_remote_code=False,
        strict=False,
        store=Path("/elsewhere"),
        templates=None,
    )
    monkeypatch.delenv("ATTENTION_GALLERY_CACHE")
    assert load_spec(file).store.name == "attention-gallery"


def test_short_and_long_forms_of_a_model_mix(file: Path) -> None:
    file.write_text('images = ["p"]\nmodels = ["a/b@v1.0", {id = "a/b", revision = "v2"}, "gpt"]\n')
    spec = load_spec(file)
    assert [(m.id, m.revision) for m in spec.models] == [
        ("a/b", "v1.0"),
        ("a/b", "v2"),
        ("gpt", "main"),
    ]


def test_a_byte_order_mark_is_no_obstacle(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + ENOUGH.encode())
    assert load_spec(file).models[0].id == "a/b"


def test_a_spec_is_frozen(file: Path) -> None:
    spec = load_spec(file)
    with pytest.raises(Exception, match="frozen"):
        spec.title = "other"  # type: ignore[misc]
    assert hash(spec) == hash(load_spec(file))


@pytest.mark.parametrize(
    ("given", "extras"),
    [
        ('extras = ["values", "features"]', ("features", "values")),
        ('extras = "lens, values,lens"', ("lens", "values")),
        ('extras = "all"', ("features", "lens", "massive", "relevance", "values")),
        ('extras = ["all"]', ("features", "lens", "massive", "relevance", "values")),
        ('extras = "none"', ()),
        ("extras = []", ()),
        ("", ("features", "massive", "values")),
    ],
)
def test_extras_are_a_set_in_any_writing(given: str, extras: tuple[str, ...], file: Path) -> None:
    file.write_text(f"{given}\n{ENOUGH}")
    assert load_spec(file).measuring == Measuring(extras)  # type: ignore[arg-type]


def test_extras_of_the_command_line_go_before_the_file(file: Path) -> None:
    file.write_text(f'extras = "all"\nobjects = "values"\ntarget = 7\n{ENOUGH}')
    assert load_spec(file).measuring == Measuring(EXTRAS, ("values",), 7)
    options = {"extras": "features,relevance", "objects": "values, keys", "target": 2}
    chosen = Measuring(("features", "relevance"), ("keys", "values"), 2)
    assert load_spec(file, **options).measuring == chosen


def test_what_no_part_needs_does_not_tell_records_apart(file: Path) -> None:
    """Objects without features, or a target without relevance, must not measure anew."""
    file.write_text(f'extras = "massive"\nobjects = "values"\ntarget = 7\n{ENOUGH}')
    assert load_spec(file).measuring == Measuring(("massive",))


@pytest.mark.parametrize(
    ("given", "size"),
    [
        ('"900 MB"', 900_000_000),
        ('"1.5GB"', 1_500_000_000),
        ('"20 kb"', 20_000),
        ('"250000"', 250_000),
        ("250000", 250_000),
        ('"none"', None),
    ],
)
def test_a_size_in_any_writing(given: str, size: int | None, file: Path) -> None:
    file.write_text(f"max_site_size = {given}\n{ENOUGH}")
    assert load_spec(file).max_site_size == size


def test_a_site_stays_below_the_limit_of_its_hosts_unless_said_otherwise(file: Path) -> None:
    file.write_text(f'max_site_size = "2 GB"\n{ENOUGH}')
    assert load_spec(file, max_site_size="1 GB").max_site_size == 1_000_000_000
    file.write_text(ENOUGH)
    assert load_spec(file).max_site_size == 900_000_000
    assert load_spec(file, max_site_size="none").max_site_size is None


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("", None),
        ("compare = []", ()),
        ('compare = "none"', ()),
        ('compare = [["without", "a/registers"]]', ((0, 1),)),
        ('compare = [["a/registers", "a/plain"], ["a/registers", "without"]]', ((1, 0),)),
    ],
)
def test_pairs_are_named_by_label_or_id(
    text: str, pairs: tuple[tuple[int, int], ...] | None, file: Path
) -> None:
    file.write_text(MODELS + text)
    spec = load_spec(file)
    assert spec.pairs == pairs
    assert merge(spec, title="Another").pairs == pairs


def test_pairs_of_the_command_line_go_before_the_files(file: Path) -> None:
    file.write_text(MODELS + 'compare = [["a/plain", "a/registers"]]')
    assert load_spec(file, compare=("a/registers, without",)).pairs == ((1, 0),)
    assert load_spec(file, compare=("none",)).pairs == ()


def test_figures_are_tables_of_the_file(file: Path) -> None:
    file.write_text(f'{ENOUGH}\n[[figure]]\nname = "fig1"\npreset = "registers-1"\noverlay = 60\n')
    (figure,) = load_spec(file).figure
    assert (figure.preset, figure.overlay) == ("registers-1", 60)
    assert figure.files == ("fig1.pdf", "fig1.tex", "fig1.bib")


def test_a_figure_takes_places_and_british_spelling(file: Path) -> None:
    table = 'name = "a"\ncolours = "magma"\nplaces = [["a/b", "11", "3"], ["a/b", "2", "mean"]]'
    file.write_text(f"{ENOUGH}\n[[figure]]\n{table}\n")
    (figure,) = load_spec(file).figure
    assert figure.colors == "magma"
    assert figure.places == (("a/b", "11", "3"), ("a/b", "2", "mean"))
