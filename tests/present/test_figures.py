"""Pictures of the analyses: their pixels, marks and captions come from the record."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from generator.analysis.cell_maps import CellMaps, cell_maps
from generator.analysis.cosine import cosine_matrix
from generator.analysis.lost import Lost, lost
from generator.analysis.objects import find_objects
from generator.extras import EXTRAS
from generator.packing import pack, unpack
from generator.present import Settings, build_site
from generator.present.chunk import read_gray
from generator.present.colours import colour_table, diverging_table
from generator.present.figures import drawings, ramp_of
from generator.present.heatmap import ramp_png
from generator.present.manifest import read_manifest
from generator.present.outlines import outline
from generator.present.ramps import Ramp, chances, octaves
from generator.present.scale import Scale
from generator.records import AttentionRecord
from generator.run import ObjectBox
from tests import tiny
from tests.present.gallery import Gallery, gallery

OUTLIER = (3, 4)
"""Row and column of the planted outlier: where a transposed grid of 4 x 6 has no such place."""


def planted(registers: int = 2, seed: int = 0) -> AttentionRecord:
    """A record with every part and one outlier patch in layer 2."""
    record = tiny.record(tiny.layout(registers=registers), seed=seed, extras=EXTRAS)
    norms = np.full(record.norms.shape, 2.0, dtype=np.float32)
    norms[2, record.layout.patch_token(*OUTLIER)] = 24
    return tiny.with_norms(record, norms)


def maps_of(record: AttentionRecord) -> CellMaps:
    return cell_maps(record, find_objects(record))


def complete(trial: Gallery) -> Gallery:
    """The same gallery with every part measured, and a planted outlier in ``registers``."""
    records = {}
    for key, found in trial.records.items():
        layers, heads = found.model.layers, found.model.heads
        parts = tiny.parts(
            found.layout, layers=layers, heads=heads, seed=len(records), extras=EXTRAS
        )
        records[key] = replace(found, **parts)
    key = trial.run.cell("registers", "image0").record
    records[key] = replace(planted(), key=key, model=records[key].model)
    key = trial.run.cell("plain", "image0").record
    features, prediction = records[key].features, records[key].prediction
    assert features is not None and features.keys is not None and prediction is not None
    records[key] = replace(
        records[key],
        features=replace(features, values=features.keys[::-1].copy()),
        prediction=replace(prediction, target=7, target_label="yak", target_probability=0.000_4),
    )
    return Gallery(trial.run, records)


@pytest.fixture(scope="module")
def analysed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Gallery, Path]:
    """A site of complete records, whose first image has a mask and a box."""
    folder = tmp_path_factory.mktemp("analysed")
    trial = complete(gallery(folder / "pictures"))
    mask = Image.new("L", (96, 64))
    mask.paste(255, (48, 16, 96, 64))
    mask.save(folder / "mask.png")
    first, *others = trial.run.images
    marked = replace(first, mask=folder / "mask.png", boxes=(ObjectBox(48, 16, 96, 64),))
    trial.run = replace(trial.run, images=(marked, *others))
    build_site(trial.run, trial.read, folder / "site", version="1.2.3")
    return trial, folder / "site"


def drawn(site: Path, model: str, name: str) -> np.ndarray:
    [path] = site.glob(f"data/{model}/image0.{name}.*.png")
    return np.asarray(Image.open(path).convert("RGB"))


def section(site: Path, name: str) -> str:
    """One analysis of the first image's page, as HTML."""
    html = (site / "i/image0/index.html").read_text(encoding="utf-8")
    found = re.search(
        rf'<details class="study" id="analysis-{name}".*?\n      </details>', html, re.S
    )
    assert found, f"no analysis {name}"
    return found[0]


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


# --- from the record to maps ----------------------------------------------------------------------


def test_maps_are_the_records_own_numbers_on_a_grid_that_is_not_square() -> None:
    record = planted()
    maps, layout = maps_of(record), record.layout
    for row in range(layout.rows):
        for col in range(layout.cols):
            token = layout.patch_token(row, col)
            assert maps.norms.peak[row, col] == pytest.approx(record.norms[2, token] / 2)
            assert maps.rollout[row, col] == pytest.approx(
                record.rollout[0, token] * layout.tokens, rel=2e-3
            )
            for query in maps.queries:
                own = record.rows(query.token)[-1, :, token].astype(float).mean()
                assert query.values[row, col] == pytest.approx(own, rel=2e-3)
    assert [query.token for query in maps.queries] == ["CLS", "reg1", "reg2"]


def test_the_planted_outlier_is_the_only_one_and_in_its_place() -> None:
    norms = maps_of(planted()).norms
    assert norms.layer == 2
    assert np.argwhere(norms.outliers).tolist() == [list(OUTLIER)]
    assert norms.peak.max() == 12


def test_shares_of_a_query_say_what_is_not_on_the_map() -> None:
    record = planted()
    for query in maps_of(record).queries:
        prefix = (
            record.rows(query.token)[-1, :, :3].astype(float).mean(0).sum() / record.layout.tokens
        )
        assert query.on_patches == pytest.approx(1 - prefix, abs=2e-3)


def test_what_was_not_measured_is_not_drawn_and_not_zero() -> None:
    names = {each.name for each in drawings(maps_of(tiny.record()))}
    assert names == {"norms-peak", "norms-last", "query-cls", "rollout"}


def test_the_component_without_outliers_is_there_where_there_are_outliers() -> None:
    assert "without" in {each.name for each in drawings(maps_of(planted()))}
    flat = tiny.with_norms(planted(), np.full((4, 27), 2.0, dtype=np.float32))
    assert "without" not in {each.name for each in drawings(maps_of(flat))}


def test_maps_survive_being_stored() -> None:
    maps = maps_of(planted())
    again = unpack(CellMaps, pack(maps))
    assert pack(again) == pack(maps)
    assert again.norms.layer == maps.norms.layer


# --- scales and colours ---------------------------------------------------------------------------


def test_a_map_of_two_models_has_one_scale_that_holds_both() -> None:
    one, two = np.array([[0.3, 1.0]]), np.array([[2.0, 11.0]])
    ramp = octaves([one, two])
    assert (ramp.low, ramp.high) == (-2, 4)
    assert ramp.clipped(one) == ramp.clipped(two) == 0
    assert [tick.label for tick in ramp.ticks][:3] == ["1/4", "1/2", "1"]


def test_what_lies_beyond_a_scale_is_counted() -> None:
    assert Ramp(-3, 3, signed=True).clipped(np.array([-4.0, 0, 1, 3.5])) == 0.5


def test_a_probability_never_lies_above_its_scale() -> None:
    assert chances([np.array([[1e-7, 1.0]])], floor=-10) == Ramp(-10, 0, log=True)


def test_pixels_are_the_values_through_the_scale() -> None:
    for each in drawings(maps_of(planted())):
        ramp = ramp_of(each.family, [each.values], Scale(-4, 4))
        pixels = np.asarray(
            Image.open(io.BytesIO(ramp_png(each.values, ramp, "magma"))).convert("RGB")
        )
        table = diverging_table() if ramp.signed else colour_table("magma")
        assert pixels.shape == (4, 6, 3)
        for (row, col), value in np.ndenumerate(each.values.astype(float)):
            bent = value if not ramp.log else np.log2(value) if value > 0 else -np.inf
            place = min(max((bent - ramp.low) / (ramp.high - ramp.low), 0), 1)
            step = min(int(np.float32(place) * 256), 255)
            near = table[max(step - 1, 0) : step + 2].tolist()
            assert pixels[row, col].tolist() in near, (each.name, row, col)


def test_zero_is_neutral_and_signs_have_their_own_colours() -> None:
    low, middle, high = diverging_table()[[0, 128, 255]].astype(int)
    assert np.ptp(middle) <= 5
    assert low[2] > low[0]
    assert high[0] > high[2]


@pytest.mark.parametrize(
    ("mask", "path"),
    [
        ([[0, 0], [0, 0]], ""),
        ([[0, 0, 0], [0, 1, 0]], "M1 1H2M1 2H2M1 1V2M2 1V2"),
        ([[1, 1, 0], [0, 1, 0]], "M0 0H2M0 1H1M1 2H2M0 0V1M1 1V2M2 0V2"),
    ],
)
def test_outlines_go_around_what_is_inside(mask: list[list[int]], path: str) -> None:
    assert outline(np.array(mask, dtype=bool)) == path


# --- on the page ----------------------------------------------------------------------------------


def test_the_outlier_is_outlined_at_its_place_on_the_page(analysed: tuple[Gallery, Path]) -> None:
    row, col = OUTLIER
    edge = f"M{col} {row}H{col + 1}M{col} {row + 1}H{col + 1}M{col} {row}V{row + 1}"
    assert section(analysed[1], "norms").count(f'class="mark mark-outline" d="{edge}') == 1
    assert "1 outlier patch in layer 2, the largest norm 12 × the median" in text_of(
        section(analysed[1], "norms")
    )


def test_pictures_of_the_site_show_the_outlier_where_it_is(analysed: tuple[Gallery, Path]) -> None:
    pixels = drawn(analysed[1], "registers", "norms-peak").astype(int)
    assert pixels.shape == (4, 6, 3)
    brightness = pixels.sum(axis=2)
    assert np.unravel_index(brightness.argmax(), brightness.shape) == OUTLIER
    assert len(np.unique(brightness)) == 2


def test_norms_of_all_layers_stand_in_order_in_one_picture(analysed: tuple[Gallery, Path]) -> None:
    pixels = drawn(analysed[1], "registers", "norm-layers").astype(int).sum(axis=2)
    # the embedding and three layers, 4 x 6 patches each, with a gap between them
    assert pixels.shape == (4, 4 * 7 - 1)
    row, col = OUTLIER
    assert np.unravel_index(pixels.argmax(), pixels.shape) == (row, 2 * 7 + col)
    text = text_of(section(analysed[1], "norms"))
    assert "The embedding, then layers 1 to 3, in rows of 4." in text


def test_every_model_stands_in_every_analysis(analysed: tuple[Gallery, Path]) -> None:
    html = (analysed[1] / "i/image0/index.html").read_text(encoding="utf-8")
    found = re.findall(r'<details class="study" id="analysis-([a-z-]+)"', html)
    assert found == [
        *("norms", "queries", "values", "rollout", "massive", "mass-mask", "lost", "tokencut"),
        *("components", "alike", "class-head", "marked"),
    ]
    for name in found:
        text = text_of(section(analysed[1], name))
        for label in ("Plain", "Registers", "Probe", "Deep", "Gone"):
            assert label in text, (name, label)


def test_models_without_registers_and_those_that_failed_say_so(
    analysed: tuple[Gallery, Path],
) -> None:
    text = text_of(section(analysed[1], "queries"))
    assert text.count("This model has no registers.") == 3
    assert "This model has no CLS token: what patches receive stands in." in text
    assert "The model tiny/gone is not on the hub." in text


def test_the_registers_maps_print_their_mass(analysed: tuple[Gallery, Path]) -> None:
    trial, site = analysed
    record = trial.record("registers", "image0")
    values = record.rows("reg2")[-1].astype(float).mean(0)[3:]
    share = f"{100 * values.sum() / record.layout.tokens:.0f}\u00a0% on patches"
    found = re.search(
        r'panel-label">register 2<.*?panel-text">([^<]*)<', section(site, "queries"), re.S
    )
    assert found
    assert found[1].startswith(share)


def test_every_drawn_map_has_a_text_with_numbers(analysed: tuple[Gallery, Path]) -> None:
    html = (analysed[1] / "i/image0/index.html").read_text(encoding="utf-8")
    studies = html[html.index('class="studies"') :]
    alts = re.findall(r'<img class="map"[^>]*alt="([^"]*)"', studies)
    assert len(alts) > 40
    assert [alt for alt in alts if not re.search(r"\d", alt)] == []
    assert all('loading="lazy"' in tag for tag in re.findall(r'<img class="map"[^>]*>', studies))


def test_every_bar_of_an_analysis_has_numbers(analysed: tuple[Gallery, Path]) -> None:
    for name in ("norms", "queries", "values", "rollout", "lost", "tokencut", "components"):
        labels = re.findall(r'aria-label="Colour scale, ([^"]*)"', section(analysed[1], name))
        assert labels, name
        assert all(re.search(r"from \S+ to \S+$", label) for label in labels)


def test_what_was_not_measured_says_so_instead_of_looking_empty(
    built: tuple[Gallery, Path, object],
) -> None:
    assert text_of(section(built[1], "lost")).count("Vectors of tokens were not measured.") == 4
    assert (
        text_of(section(built[1], "values")).count("norms of value vectors were not measured") == 4
    )
    assert text_of(section(built[1], "massive")).count("were not measured") == 4
    assert text_of(section(built[1], "class-head")).count("was not measured") == 4


def test_class_maps_name_their_class(analysed: tuple[Gallery, Path]) -> None:
    text = text_of(section(analysed[1], "class-head"))
    assert text.count("Class 3: cat, probability 50 %.") == 3
    assert "cat 50 % dog 20 %" in text


def test_a_target_beyond_the_first_guesses_has_its_probability(
    analysed: tuple[Gallery, Path],
) -> None:
    text = text_of(section(analysed[1], "class-head"))
    assert "Class 7: yak, probability 0.04 %." in text
    assert "owl 2 % yak (the target) 0.04 %" in text
    assert text.count("(the target)") == 1


def test_probabilities_that_do_not_sum_to_one_are_said_not_to(
    analysed: tuple[Gallery, Path], tmp_path: Path
) -> None:
    trial, site = analysed
    said = "Its classes do not exclude each other: each has a probability of its own"
    assert said not in text_of(section(site, "class-head"))
    key = trial.run.cell("plain", "image0").record
    record = trial.records[key]
    assert record.prediction is not None
    several = replace(record, prediction=replace(record.prediction, exclusive=False))
    again = Gallery(trial.run, {**trial.records, key: several})
    build_site(again.run, again.read, tmp_path / "site", version="1.2.3")
    assert text_of(section(tmp_path / "site", "class-head")).count(said) == 1


def test_objects_in_several_vectors_stand_beside_each_other(
    analysed: tuple[Gallery, Path],
) -> None:
    """And where there is one kind only, a line names it."""
    trial, site = analysed
    record = trial.record("plain", "image0")
    assert record.features is not None and record.features.values is not None
    found = lost(record.features.values, record.layout, record.view)
    assert isinstance(found, Lost)
    labels = re.findall(r'panel-label">([^<]*)<', section(site, "lost"))
    steps = ["inverse degree", "dot product with the seed", "seed expansion", "object and box"]
    assert labels[:8] == [f"{step}, {name}" for name in ("keys", "values") for step in steps]
    assert labels[8:] == [*steps] * 3
    text = text_of(section(site, "lost"))
    assert text.count("Found in the keys of the last layer.") == 4
    row, col = found.seed
    assert (
        f"Found in the values of the last layer. Seed at row {row + 1}, column {col + 1};" in text
    )
    pixels = drawn(site, "plain", "lost-degree-2").astype(int).sum(axis=2)
    assert pixels[found.seed] == pixels.max()
    labels = re.findall(r'panel-label">([^<]*)<', section(site, "tokencut"))
    assert labels[:4] == [
        f"{step}, {name}"
        for name in ("keys", "values")
        for step in ("eigenvector", "object and box")
    ]


def test_every_page_of_objects_says_in_which_vectors(analysed: tuple[Gallery, Path]) -> None:
    pages = {
        name: text_of((analysed[1] / name).read_text(encoding="utf-8"))
        for name in ("m/plain/index.html", "m/deep/index.html", "methods/index.html")
    }
    assert "Objects looked for in keys and values of the last layer" in pages["m/plain/index.html"]
    assert "Objects looked for in keys of the last layer" in pages["m/deep/index.html"]
    assert (
        "Objects looked for in keys (Plain, Registers, Probe, Deep); values (Plain), of the last "
        "layer"
    ) in pages["methods/index.html"]


def test_colours_say_what_they_are_fitted_to_and_how_well_they_are_aligned(
    analysed: tuple[Gallery, Path],
) -> None:
    text = text_of(section(analysed[1], "components"))
    assert text.count("components of all 2 images of this model") == 4
    assert text.count("Other models are turned onto this one.") == 1
    assert len(re.findall(r"Turned onto those of Plain, which leaves \d+\s% over", text)) == 3
    background = Image.open(next(analysed[1].glob("data/plain/image0.features.*.png")))
    assert background.size == (6, 4)
    assert 0 in np.asarray(background)[..., 3]


def test_cosines_with_stated_patches_say_which_and_how_far_the_others_are(
    analysed: tuple[Gallery, Path],
) -> None:
    html = section(analysed[1], "alike")
    labels = re.findall(r'<figcaption class="panel-label">([^<]*)</figcaption>', html)
    # only one model has an outlier patch
    assert labels.count("the seed of LOST") == labels.count("the patch in the middle") == 4
    assert labels.count("the patch of the largest norm") == 1
    assert text_of(html).count("There are no outlier patches to compare with.") == 3
    row, col = OUTLIER
    assert f"at row {row + 1}, column {col + 1}; others" in text_of(html)
    assert html.count(f'class="mark mark-seed" d="M{col} {row}h1v1h-1z"') >= 1


def test_any_patch_can_be_compared_from_what_the_page_names(
    analysed: tuple[Gallery, Path],
) -> None:
    html = (analysed[1] / "i/image0/index.html").read_text(encoding="utf-8")
    assert html.count('"alike": "../../data/') + html.count('"alike":"../../data/') == 4
    record = analysed[0].record("registers", "image0")
    [path] = analysed[1].glob("data/registers/image0.alike.*.js")
    header, codes = read_gray(path)
    fields = json.loads(header)
    vectors = (codes.astype(float) - 128).T * np.array(fields["scales"])
    assert record.features is not None
    error = np.abs(np.clip(vectors @ vectors.T, -1, 1) - cosine_matrix(record.features.last))
    assert error.max() <= 1.1 * fields["error"][0] + 1e-4
    assert fields["grid"] == [4, 6]


# --- marked objects -------------------------------------------------------------------------------


def test_scores_stand_beside_those_of_maps_that_know_nothing(
    analysed: tuple[Gallery, Path],
) -> None:
    rows = re.findall(
        r'<th scope="row">([^<]*)</th>' + 4 * "<td>([^<]*)</td>",
        section(analysed[1], "marked"),
    )
    uniform = [row for row in rows if row[0] == "uniform"]
    # the mask covers 3 of 6 columns and 3 of 4 rows: exactly 9 of 24 patches
    assert [row[1] for row in uniform] == ["38\u00a0%"] * 4
    assert [row[4] for row in uniform] == ["0.38"] * 4
    assert [row[2] for row in uniform] == ["\u2013"] * 4
    names = (
        "last layer",
        "rollout",
        "last layer of another picture",
        "uniform",
        "centred Gaussian",
    )
    assert [row[0] for row in rows] == [*names] * 4


def test_the_map_of_another_picture_is_scored_against_this_ones_objects(tmp_path: Path) -> None:
    trial = gallery(tmp_path / "pictures")
    marked = []
    for image, left in zip(trial.run.images, (48, 0, 0), strict=True):
        mask = Image.new("L", (96, 64))
        mask.paste(255, (left, 0, left + 48, 64))
        mask.save(tmp_path / f"{image.slug}.png")
        marked.append(replace(image, mask=tmp_path / f"{image.slug}.png"))
    trial.run = replace(trial.run, images=tuple(marked))
    build_site(trial.run, trial.read, tmp_path / "site", version="1")
    own = trial.record("plain", "image1").rows("CLS")[-1].astype(float).mean(0)[1:].reshape(4, 6)
    inside = own[:, 3:].sum() / own.sum()
    found = re.search(r"of another picture</th><td>(\d+)", section(tmp_path / "site", "marked"))
    assert found
    assert int(found[1]) == pytest.approx(100 * inside, abs=0.6)


def test_the_marked_box_is_drawn_where_it_is(analysed: tuple[Gallery, Path]) -> None:
    assert 'class="mark mark-truth" d="M3 1H6V4H3z"' in section(analysed[1], "marked")


def test_the_index_sums_the_scores_up_over_images(analysed: tuple[Gallery, Path]) -> None:
    html = (analysed[1] / "index.html").read_text(encoding="utf-8")
    text = text_of(html[html.index('id="marked"') :])
    assert "Plain, last layer 1 " in text
    assert "CorLoc" in text


def test_nothing_is_said_of_marks_where_there_are_none(built: tuple[Gallery, Path, object]) -> None:
    for page in ("index.html", "i/image0/index.html"):
        assert "marked objects" not in (built[1] / page).read_text(encoding="utf-8")


# --- when they are drawn --------------------------------------------------------------------------


def test_a_site_without_figures_says_why(tmp_path: Path) -> None:
    trial = gallery(tmp_path / "pictures", images=1)
    build_site(
        trial.run, trial.read, tmp_path / "site", version="1", settings=Settings(figures="none")
    )
    html = (tmp_path / "site/i/image0/index.html").read_text(encoding="utf-8")
    assert "The analyses of each image were not asked for (--no-figures)." in html
    assert not list(tmp_path.glob("site/data/*/*.maps.*"))


def test_a_second_build_takes_the_pictures_over_without_any_record(tmp_path: Path) -> None:
    trial = complete(gallery(tmp_path / "pictures", images=1))
    site = tmp_path / "site"
    build_site(trial.run, trial.read, site, version="1")
    before = {path.name: path.read_bytes() for path in site.glob("data/*/*")}
    trial.reads.clear()
    report = build_site(trial.run, trial.read, site, version="1")
    assert (report.rendered, trial.reads) == (0, [])
    assert {path.name: path.read_bytes() for path in site.glob("data/*/*")} == before
    manifest = read_manifest(site)
    assert manifest is not None
    listed = {file.path for file in manifest.files if file.path.startswith("data/")}
    assert {path.relative_to(site).as_posix() for path in site.glob("data/*/*")} == listed


def test_massive_activations_are_named_with_their_place(tmp_path: Path) -> None:
    trial = complete(gallery(tmp_path / "pictures", images=1))
    key = trial.run.cell("registers", "image0").record
    record = trial.records[key]
    assert record.massive is not None
    value, token = record.massive.value.copy(), record.massive.token.copy()
    value[2, 0], token[2, 0] = -5000, record.layout.patch_token(*OUTLIER)
    massive = replace(record.massive, value=value, token=token)
    trial.records[key] = replace(record, massive=massive)
    build_site(trial.run, trial.read, tmp_path / "site", version="1")
    html = section(tmp_path / "site", "massive")
    channel = int(massive.channel[2, 0])
    row = f'<th scope="row">2</th><td>row 4, column 5</td><td>{channel}</td><td>\u22125000</td>'
    assert html.count(row) == 1
    assert text_of(html).count("None. The largest value is") == 3
