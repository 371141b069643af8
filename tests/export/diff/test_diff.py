"""Two galleries held against each other: what is matched, what moved, and what is not compared."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from generator.analysis.compare.readings import MEASURES, diverged, readings
from generator.cli import main
from generator.present.site.write import build_site
from generator.records.record import AttentionRecord
from generator.records.run import Cell, Sweep, SweepStep
from generator.records.store import Store
from generator.text.numbers import number, plain
from tests.export.conftest import Exportable
from tests.present.filmed import with_frames
from tests.present.gallery import Gallery, gallery
from tests.present.sweeping import STEPS, sweeping


@dataclass(frozen=True)
class Two:
    """Two sites with one store, and the galleries that they show."""

    before: Gallery
    after: Gallery
    a: Path
    b: Path
    store: Path

    def run(self, *words: str, a: Path | None = None, b: Path | None = None) -> Result:
        given = ["diff", str(a or self.a), str(b or self.b), *words, "--store", str(self.store)]
        return CliRunner().invoke(main, given)

    def rows(self, *words: str) -> dict[tuple[str, str], dict[str, str]]:
        """The CSV by model and quantity."""
        result = self.run("--format", "csv", *words)
        assert result.exit_code == 0, result.output
        found = list(csv.DictReader(io.StringIO(result.stdout)))
        return {(row["model_a"], row["quantity"]): row for row in found}


def _moved(record: AttentionRecord) -> AttentionRecord:
    """One entropy moved by 0.25, everything measured in another dtype, at another commit."""
    entropy = record.entropy.copy()
    entropy[1, 1] += np.float32(0.25)
    return replace(
        record,
        key=record.key[::-1],
        entropy=entropy,
        model=replace(record.model, commit="d" * 40),
        environment=replace(record.environment, dtype="bfloat16"),
    )


def _changed(trial: Gallery) -> Gallery:
    """The same pictures by other names; ``plain`` moved on the second; ``deep`` lacks the first."""
    run = trial.run
    images = tuple(replace(image, name=f"new-{image.name}") for image in run.images)
    records, cells = dict(trial.records), []
    for cell in run.cells:
        found = cell
        if (cell.model, cell.image) == ("plain", "image1"):
            record = _moved(trial.records[cell.record])
            records[record.key] = record
            found = replace(cell, record=record.key)
        elif (cell.model, cell.image) == ("deep", "image0"):
            found = Cell(cell.model, cell.image)
        cells.append(found)
    return Gallery(replace(run, title="After", images=images, cells=tuple(cells)), records)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Two:
    folder = tmp_path_factory.mktemp("diff")
    before = gallery(folder / "pictures")
    after = _changed(before)
    store = Store(folder / "store")
    for record in after.records.values():
        store.put(record)
    for trial, name in ((before, "a"), (after, "b")):
        build_site(trial.run, trial.read, folder / name, version="1.2.3")
    return Two(before, after, folder / "a", folder / "b", folder / "store")


# --- readings ------------------------------------------------------------------------------------


def test_every_measure_has_values_along_its_axes(two: Two) -> None:
    record = two.before.record("registers", "image0")
    found = {**readings(record), "divergence": diverged(record, record)}
    assert list(found) == [measure.id for measure in MEASURES]
    layers, heads = record.entropy.shape
    for measure in MEASURES:
        values = found[measure.id]
        if measure.id in ("sink-value", "channel-max"):
            assert "not measured" in getattr(values, "reason", ""), measure.id
            continue
        counts = {"layer": layers, "start layer": layers, "layer + 1": layers + 1, "head": heads}
        axes = [axis for axis in measure.axes if axis != "image"]
        assert np.shape(values) == tuple(counts[axis] for axis in axes), measure.id
    mass = sum(found[f"cls-mass-{group}"] for group in ("cls", "registers", "patches"))
    np.testing.assert_allclose(mass, 1, rtol=1e-5)
    assert np.all(found["divergence"] == 0)


# --- what is matched and what moved --------------------------------------------------------------


def test_a_site_and_itself_differ_in_nothing(two: Two) -> None:
    result = two.run("--threshold", "entropy=0", "--threshold", "norm=0%", b=two.a)
    assert result.exit_code == 0, result.output
    assert "Not the same" not in result.stdout and "Renamed" not in result.stdout
    table = [line for line in result.stdout.splitlines() if line.startswith("entropy ")]
    assert table and all(line.split()[-2:] == ["0", "0"] for line in table)


def test_the_value_that_moved_furthest_is_found_and_its_mean(two: Two) -> None:
    row = two.rows()["Plain", "entropy"]
    old = two.before.record("plain", "image1").entropy[1, 1]
    every = [two.before.record("plain", f"image{n}").entropy for n in range(2)]
    assert (row["image"], row["layer"], row["head"]) == ("image1.jpg", "2", "2")
    assert float(row["largest_a"]) == pytest.approx(old, rel=1e-6)
    assert float(row["largest_change"]) == pytest.approx(0.25, rel=1e-6)
    assert float(row["mean_a"]) == pytest.approx(np.mean(every), rel=1e-6)
    assert float(row["change"]) == pytest.approx(0.25 / np.size(every), rel=1e-5)
    assert two.rows()["Registers", "entropy"]["change"] == "0.0"


def test_what_is_not_alike_is_said_at_the_top(two: Two) -> None:
    said = two.run().stdout.split("\n\n")[1].splitlines()
    assert said == [
        "Compared: 5 models on 2 images.",
        "Images in A only: broken.jpg.",
        "Images in B only: new-broken.jpg.",
        "Renamed: image0.jpg is new-image0.jpg in B; image1.jpg is new-image1.jpg in B.",
        "Not the same in A and B:",
        f"  commit: {'c' * 12} -> {'d' * 12}  (Plain)",
        "  dtype: float32 -> bfloat16  (Plain)",
    ]


def test_what_is_not_there_is_neither_zero_nor_a_change(two: Two) -> None:
    rows = two.rows()
    probe = rows["Probe", "max-attention"]
    assert (probe["images"], probe["mean_a"], probe["change"]) == ("0", "", "")
    assert probe["note"] == "in neither: there is no CLS token"
    assert rows["Probe", "rollout-prefix"]["mean_a"] == ""
    assert "in A only: Plain" not in two.run("--models", "Probe").stdout
    unlike = two.rows("--models", "Plain=Registers")["Plain", "cls-mass-registers"]
    assert unlike["change"] == "" and unlike["note"] == "not in A: there are no registers"
    assert rows["Deep", "entropy"]["images"] == "1"
    assert "Not compared: image0.jpg: no record in B" in two.run().stdout


def test_models_of_other_depth_are_compared_by_their_means(two: Two) -> None:
    row = two.rows("--models", "Plain=Deep", "--quantities", "entropy")["Plain", "entropy"]
    assert (row["layer"], row["head"], row["image"]) == ("", "", "image1.jpg")
    assert row["note"].startswith("3 layers and 2 heads in A, 6 layers and 4 heads in B: ")
    ours = two.after.record("plain", "image1").entropy
    deep = two.after.record("deep", "image1").entropy
    before = two.before.record("plain", "image1").entropy
    assert ours.mean() != before.mean()
    assert float(row["mean_a"]) == pytest.approx(before.mean(), rel=1e-6)
    assert float(row["mean_b"]) == pytest.approx(deep.mean(), rel=1e-6)


# --- sweeps and sequences ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Two:
    """Two runs of one training, whose checkpoints are called otherwise; B lacks one, has another.

    The second image of both is a frame of a clip.
    """
    folder = tmp_path_factory.mktemp("trained")
    before = sweeping(folder / "pictures", images=3)
    images = with_frames(before.run, 1).images
    before = Gallery(replace(before.run, images=images), before.records)
    slugs = {f"checkpoint-{step}": f"epoch-{step}" for step in STEPS if step != 500}
    other = replace(before.run.models[2], slug="epoch-900", label="again, step 900", id="epoch-900")
    models = tuple(
        replace(m, slug=slugs[m.slug], label=m.label.replace("our run", "again"), id=slugs[m.slug])
        if m.slug in slugs
        else other
        if m.slug == "checkpoint-500"
        else m
        for m in before.run.models
    )
    names = {old.slug: new.slug for old, new in zip(before.run.models, models, strict=True)}
    cells = tuple(replace(cell, model=names[cell.model]) for cell in before.run.cells)
    steps = (SweepStep(0, "epoch-0"), SweepStep(900, "epoch-900"))
    steps += tuple(SweepStep(step, f"epoch-{step}") for step in STEPS[2:])
    sweeps = (Sweep("again", "again", named=True, steps=steps),)
    run = replace(before.run, title="Again", models=models, cells=cells, sweeps=sweeps)
    after = Gallery(run, before.records)
    store = Store(folder / "store")
    for record in before.records.values():
        store.put(record)
    for trial, name in ((before, "a"), (after, "b")):
        build_site(trial.run, trial.read, folder / name, version="1.2.3")
    return Two(before, after, folder / "a", folder / "b", folder / "store")


def test_checkpoints_are_matched_by_their_step(trained: Two) -> None:
    found = trained.rows("--quantities", "entropy")
    assert [(row["model_a"], row["model_b"], row["step"]) for row in found.values()] == [
        ("Plain", "Plain", ""),
        ("our run, step 0", "again, step 0", "0"),
        ("our run, step 2000", "again, step 2000", "2000"),
        ("our run, step 16000", "again, step 16000", "16000"),
    ]
    assert all(row["change"] == "0.0" for row in found.values())
    named = trained.rows("--quantities", "entropy", "--models", "our run=again")
    assert list(named) == list(found)[1:]


def test_a_sweep_and_a_sequence_are_counted_as_one(trained: Two) -> None:
    said = trained.run("--quantities", "entropy").stdout.split("\n\n")[1].splitlines()
    assert (
        said
        == [
            "Compared: 2 models (one at 3 steps) on 1 image and a sequence of 2 frames.",
            "Models in A only: our run at step 500.",
            "Models in B only: again at step 900.",
            "Not the same in A and B:",
            "  id: checkpoint-0 -> epoch-0  (our run, step 0)",
        ][: len(said)]
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            "our run=Plain",
            "--models: our run is a sweep of 4 checkpoints, and Plain is one model. Name a "
            'checkpoint, such as "our run, step 16000".',
        ),
        (
            "our run=agian",
            "No model of the gallery is called agian. Did you mean again?",
        ),
    ],
)
def test_a_sweep_is_not_held_against_a_single_model(trained: Two, words: str, said: str) -> None:
    result = trained.run("--models", words)
    assert (result.exit_code, result.stderr) == (2, f"Error: {said}\n")


# --- thresholds and their exit codes -------------------------------------------------------------


def test_a_threshold_that_is_passed_is_named_with_its_place(two: Two) -> None:
    result = two.run("--threshold", "entropy=0.2", "--threshold", "distance=1")
    old = two.before.record("plain", "image1").entropy[1, 1]
    assert result.exit_code == 1
    assert result.stderr == (
        f"Passed entropy=0.2: entropy (share of the maximum) changed by +0.25, from "
        f"{plain(number(old))} to {plain(number(old + 0.25))}, at Plain, "
        "image1.jpg, layer 2, head 2.\n"
    )


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--threshold", "entropy=0.26"), 0),
        (("--threshold", "entropy=10%"), 1),
        (("--threshold", "entropy=90%"), 0),
        (("--threshold", "entropy=0.2", "--threshold-on", "means"), 0),
        (("--threshold", "entropy=0.02", "--threshold-on", "means"), 1),
    ],
)
def test_thresholds_hold_for_values_shares_and_means(
    two: Two, words: tuple[str, ...], code: int
) -> None:
    assert two.run(*words).exit_code == code


def test_a_threshold_on_what_was_not_measured_says_so(two: Two) -> None:
    result = two.run("--threshold", "sink-value=0.1")
    assert result.exit_code == 0
    assert result.stderr == (
        "Threshold sink-value=0.1 was held against nothing: no model has it in both.\n"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--threshold", "entrpy=1"),
            "--threshold: no quantity is called entrpy. Did you mean entropy?",
        ),
        (
            ("--threshold", "entropy=a"),
            "--threshold entropy=a names no limit from 0. Write entropy=0.1, in the quantity's "
            "unit, or entropy=5%.",
        ),
        (
            ("--quantities", "sink", "--threshold", "entropy=1"),
            "--threshold entropy=1 is not among --quantities sink. Add it there, or leave "
            "--quantities out.",
        ),
        (
            ("--models", "Plain=Plane"),
            "No model of the gallery is called Plane. Did you mean Plain?",
        ),
    ],
)
def test_bad_input_ends_with_two(two: Two, words: tuple[str, ...], said: str) -> None:
    result = two.run(*words)
    assert (result.exit_code, result.stderr, result.stdout) == (2, f"Error: {said}\n", "")


def test_a_folder_that_is_no_site_ends_with_two(two: Two, tmp_path: Path) -> None:
    result = two.run(b=tmp_path)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: {tmp_path} is not a site")


def test_galleries_of_other_pictures_have_nothing_to_compare(
    two: Two, made: Exportable, tmp_path: Path
) -> None:
    run = made.trial.run
    images = tuple(replace(image, sha256="0" * 64) for image in run.images)
    trial = Gallery(replace(run, images=images), made.trial.records)
    build_site(trial.run, trial.read, tmp_path / "other", version="1.2.3")
    result = two.run(b=tmp_path / "other")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: The galleries share no image: ")


# --- formats -------------------------------------------------------------------------------------


def test_json_holds_what_the_csv_holds_and_fits_its_schema(two: Two, tmp_path: Path) -> None:
    path = tmp_path / "change.json"
    result = two.run("-o", str(path), "--threshold", "entropy=0.2")
    assert result.exit_code == 1
    found = json.loads(path.read_text(encoding="utf-8"))
    schema = json.loads((tmp_path / "change.schema.json").read_text(encoding="utf-8"))
    assert list(found) == list(schema["properties"])
    texts = [
        {name: "" if value is None else str(value) for name, value in row.items()}
        for row in found["rows"]
    ]
    assert texts == list(two.rows().values())
    assert set(found["rows"][0]) == set(schema["$defs"]["DifferenceRow"]["properties"])
    assert [(p["model"], p["layer"], p["head"]) for p in found["passed"]] == [("Plain", 2, 2)]
    assert found["a"]["images_alone"] == ["broken.jpg"] and found["images"] == 2


def test_the_same_two_give_the_same_bytes(two: Two, tmp_path: Path) -> None:
    for kind in ("text", "csv", "json"):
        paths = [tmp_path / f"{n}.{kind}" for n in range(2)]
        for path in paths:
            assert two.run("--format", kind, "-o", str(path)).exit_code == 0
        assert paths[0].read_bytes() == paths[1].read_bytes()
