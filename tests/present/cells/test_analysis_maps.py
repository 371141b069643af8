"""Pictures of the analyses: their pixels, marks and captions come from the record."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from generator.analysis.attention.rollout import Fusion, Rollout, rollout_variant
from generator.analysis.features.cosine import cosine_matrix
from generator.analysis.features.lost import Lost, lost
from generator.present.cells.chunks.chunk import read_gray
from generator.present.files.manifest_file import read_manifest
from generator.present.files.settings import Settings
from generator.present.site.write import build_site
from generator.text.numbers import number, percent
from tests.present.analyzed import OUTLIER, complete, drawn, marked, section, text_of
from tests.present.gallery import KEPT, Gallery, gallery
from tests.tiny import patch_token


def test_the_outlier_is_outlined_at_its_place_on_the_page(analyzed: tuple[Gallery, Path]) -> None:
    row, col = OUTLIER
    edge = f"M{col} {row}h1v1h-1z"
    assert marked(section(analyzed[1], "norms"), "outline").count(edge) == 1
    assert "1 outlier patch in layer 2, the largest norm 12 × the median" in text_of(
        section(analyzed[1], "norms")
    )


def test_pictures_of_the_site_show_the_outlier_where_it_is(analyzed: tuple[Gallery, Path]) -> None:
    pixels = drawn(analyzed[1], "registers", "norms-peak").astype(int)
    assert pixels.shape == (4, 6, 3)
    brightness = pixels.sum(axis=2)
    assert np.unravel_index(brightness.argmax(), brightness.shape) == OUTLIER
    assert len(np.unique(brightness)) == 2


def test_norms_of_all_layers_stand_in_order_in_one_picture(analyzed: tuple[Gallery, Path]) -> None:
    pixels = drawn(analyzed[1], "registers", "norm-layers").astype(int).sum(axis=2)
    # the embedding and three layers, 4 x 6 patches each, with a gap between them
    assert pixels.shape == (4, 4 * 7 - 1)
    row, col = OUTLIER
    assert np.unravel_index(pixels.argmax(), pixels.shape) == (row, 2 * 7 + col)
    text = text_of(section(analyzed[1], "norms"))
    assert "Embedding and layers 1 to 3. Range" in text


def test_every_model_stands_in_every_analysis(analyzed: tuple[Gallery, Path]) -> None:
    html = (analyzed[1] / "i/image0/index.html").read_text(encoding="utf-8")
    found = re.findall(r'<details class="study" id="analysis-([a-z-]+)"', html)
    assert found == [
        *("norms", "queries", "values", "rollout", "massive", "mass-mask", "lost", "tokencut"),
        *("components", "alike", "class-head", "marked"),
    ]
    for name in found:
        text = text_of(section(analyzed[1], name))
        for label in ("Plain", "Registers", "Probe", "Deep", "Gone"):
            assert label in text, (name, label)


def test_models_without_registers_and_those_that_failed_say_so(
    analyzed: tuple[Gallery, Path],
) -> None:
    text = text_of(section(analyzed[1], "queries"))
    assert text.count("This model has no registers.") == 3
    assert "This model has no CLS token: the map is received attention." in text
    assert "The model tiny/gone is not on the hub." in text


def test_the_registers_maps_print_their_mass(analyzed: tuple[Gallery, Path]) -> None:
    trial, site = analyzed
    record = trial.record("registers", "image0")
    values = record.rows("reg2")[-1].astype(float).mean(0)[3:]
    share = f"{percent(values.sum() / record.layout.tokens)} on patches"
    found = re.search(
        r'panel-label">register 2<.*?panel-text">([^<]*)<', section(site, "queries"), re.S
    )
    assert found
    assert found[1].startswith(share)


def test_every_drawn_map_has_a_text_with_numbers(analyzed: tuple[Gallery, Path]) -> None:
    html = (analyzed[1] / "i/image0/index.html").read_text(encoding="utf-8")
    studies = html[html.index('class="studies"') :]
    alts = re.findall(r'<img class="map"[^>]*alt="([^"]*)"', studies)
    assert len(alts) > 40
    assert [alt for alt in alts if not re.search(r"\d", alt)] == []
    assert all('loading="lazy"' in tag for tag in re.findall(r'<img class="map"[^>]*>', studies))


def test_every_bar_of_an_analysis_has_numbers(analyzed: tuple[Gallery, Path]) -> None:
    for name in ("norms", "queries", "values", "rollout", "lost", "tokencut", "components"):
        labels = re.findall(r'aria-label="Color scale, ([^"]*)"', section(analyzed[1], name))
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


def test_class_maps_name_their_class(analyzed: tuple[Gallery, Path]) -> None:
    text = text_of(section(analyzed[1], "class-head"))
    assert text.count("Class 3: cat, probability 50 %.") == 3
    assert "cat 50 % dog 20 %" in text


def test_a_target_beyond_the_first_guesses_has_its_probability(
    analyzed: tuple[Gallery, Path],
) -> None:
    text = text_of(section(analyzed[1], "class-head"))
    assert "Class 7: yak, probability 0.04 %." in text
    assert "owl 2 % yak (the target) 0.04 %" in text
    assert text.count("(the target)") == 1


def test_probabilities_that_do_not_sum_to_one_are_said_not_to(
    analyzed: tuple[Gallery, Path], tmp_path: Path
) -> None:
    trial, site = analyzed
    said = "Multi-label: probabilities do not sum to 1."
    assert said not in text_of(section(site, "class-head"))
    key = trial.run.cell("plain", "image0").record
    record = trial.records[key]
    assert record.prediction is not None
    several = replace(record, prediction=replace(record.prediction, exclusive=False))
    again = Gallery(trial.run, {**trial.records, key: several})
    build_site(again.run, again.read, tmp_path / "site", version="1.2.3")
    assert text_of(section(tmp_path / "site", "class-head")).count(said) == 1


def test_objects_in_several_vectors_stand_beside_each_other(
    analyzed: tuple[Gallery, Path],
) -> None:
    """And where there is one kind only, a line names it."""
    trial, site = analyzed
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


def test_every_page_of_objects_says_in_which_vectors(analyzed: tuple[Gallery, Path]) -> None:
    pages = {
        name: text_of((analyzed[1] / name).read_text(encoding="utf-8"))
        for name in ("m/plain/index.html", "m/deep/index.html", "methods/index.html")
    }
    assert "Object discovery uses keys and values of the last layer" in pages["m/plain/index.html"]
    assert "Object discovery uses keys of the last layer" in pages["m/deep/index.html"]
    assert (
        "Object discovery uses keys (Plain, Registers, Probe, Deep); values (Plain), of the last "
        "layer"
    ) in pages["methods/index.html"]


def test_colors_say_what_they_are_fitted_to_and_how_well_they_are_aligned(
    analyzed: tuple[Gallery, Path],
) -> None:
    text = text_of(section(analyzed[1], "components"))
    assert text.count("components of all 2 images of this model") == 4
    assert text.count("Other models are rotated onto this one.") == 1
    turned = (
        r"Rotated onto those of Plain. Residual: [\d.]+ × their squared size "
        r"\(patches paired at random: [\d.]+ ×\); "
    )
    assert len(re.findall(turned, text)) == 3
    background = Image.open(next(analyzed[1].glob("data/plain/image0.features.*.png")))
    assert background.size == (6, 4)
    assert 0 in np.asarray(background)[..., 3]


def test_cosines_with_stated_patches_say_which_and_how_far_the_others_are(
    analyzed: tuple[Gallery, Path],
) -> None:
    html = section(analyzed[1], "alike")
    labels = re.findall(r'<figcaption class="panel-label">([^<]*)</figcaption>', html)
    # only one model has an outlier patch
    assert labels.count("the seed of LOST") == labels.count("the patch in the middle") == 4
    assert labels.count("the patch of the largest norm") == 1
    assert text_of(html).count("There are no outlier patches to compare with.") == 3
    row, col = OUTLIER
    assert f"at row {row + 1}, column {col + 1}; others" in text_of(html)
    assert marked(html, "seed").count(f"M{col} {row}h1v1h-1z") >= 1


def test_any_patch_can_be_compared_from_what_the_page_names(
    analyzed: tuple[Gallery, Path],
) -> None:
    html = (analyzed[1] / "i/image0/index.html").read_text(encoding="utf-8")
    assert html.count('"alike": "../../data/') + html.count('"alike":"../../data/') == 4
    record = analyzed[0].record("registers", "image0")
    [path] = analyzed[1].glob("data/registers/image0.alike.*.js")
    header, codes = read_gray(path)
    fields = json.loads(header)
    vectors = (codes.astype(float) - 128).T * np.array(fields["scales"])
    assert record.features is not None
    error = np.abs(np.clip(vectors @ vectors.T, -1, 1) - cosine_matrix(record.features.last))
    assert error.max() <= 1.1 * fields["error"][0] + 1e-4
    assert fields["grid"] == [4, 6]


def test_a_page_says_nothing_of_analyses_that_were_not_asked_for(tmp_path: Path) -> None:
    trial = gallery(tmp_path / "pictures", images=1)
    build_site(
        trial.run, trial.read, tmp_path / "site", version="1", settings=Settings(analyses="none")
    )
    html = (tmp_path / "site/i/image0/index.html").read_text(encoding="utf-8")
    assert "analyses" not in html.lower()
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
    value[2, 0], token[2, 0] = -5000, patch_token(record.layout, *OUTLIER)
    massive = replace(record.massive, value=value, token=token)
    trial.records[key] = replace(record, massive=massive)
    build_site(trial.run, trial.read, tmp_path / "site", version="1")
    html = section(tmp_path / "site", "massive")
    channel = int(massive.channel[2, 0])
    row = f'<th scope="row">2</th><td>row 4, column 5</td><td>{channel}</td><td>\u22125,000</td>'
    assert html.count(row) == 1
    assert text_of(html).count("No value meets the rule. The largest value is") == 3


# --- rollouts otherwise ---------------------------------------------------------------------------


def test_rollouts_otherwise_are_drawn_as_far_as_attention_was_kept(tmp_path: Path) -> None:
    trial = gallery(tmp_path / "pictures", images=1)
    build_site(trial.run, trial.read, tmp_path / "site", version="1.2.3")
    names = {
        "off": {"", "-late"},
        "mean": {"", "-late", "-strong"},
        "heads": {"", "-late", "-strong", "-max", "-min"},
    }
    for model, patches in KEPT.items():
        found = {
            path.name.split(".")[1]
            for path in (tmp_path / f"site/data/{model}").glob("image0.rollout*.png")
        }
        assert found == {f"rollout{name}" for name in names[patches]}, model
    text = text_of(section(tmp_path / "site", "rollout")).replace("\u00a0", " ")
    [every] = (model for model, patches in KEPT.items() if patches == "heads")
    record = trial.record(every, "image0")
    kinds: tuple[tuple[Fusion, str], ...] = (("max", "Maximum"), ("min", "Minimum"))
    for fusion, words in kinds:
        variant = rollout_variant(record, fusion=fusion)
        assert isinstance(variant, Rollout)
        share = percent(variant.prefix_mass).replace("\u00a0", " ")
        assert (
            f"{words} over heads: {share} on the prefix, mean cosine {number(variant.cosine)}."
            in text
        )
    lacking = list(KEPT.values())
    needs = "Maximum and minimum over heads need --patch-queries heads."
    assert text.count(needs) == lacking.count("mean")
    needs = "Discarding weights, or fusing heads otherwise, needs --patch-queries heads."
    assert text.count(needs) == lacking.count("off")
