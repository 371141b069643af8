"""Test-time registers: the sink goes from the patch to the new token, as the formula says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from generator.capture.extract import extract
from generator.capture.forward.neurons import mlp_output
from generator.capture.loaders.resolve import resolve_folder
from generator.capture.models.load import LoadedModel, load
from generator.capture.models.registers import calibrate
from generator.errors import GalleryError, ModelError
from generator.pipeline.build import planned_gallery
from generator.pipeline.measuring import measure_missing
from generator.pipeline.plan import WorkPlan, failure_of
from generator.progress import Silent
from generator.records.extras import Intervened, Intervention, Measuring, RegisterNeuron
from generator.records.record import AttentionRecord, outlier_patches
from generator.records.run import Failure
from generator.records.store import Store
from generator.spec.gallery import GallerySpec
from tests.capture.families import FAMILIES, SIZES, Family
from tests.capture.planted import (
    FIRING,
    NEURON,
    marked_picture,
    plain_picture,
    planted_patch_sink,
    planted_register_sink,
)
from tests.capture.test_families import prepared

CPU = torch.device("cpu")


def measured(
    root: Path, models: list[dict[str, Any]], images: list[Path]
) -> tuple[WorkPlan, Store, dict[str, GalleryError]]:
    spec = GallerySpec(
        models=models, images=images, out=root / "site", store=root / "store", patch_queries="off"
    )
    store = Store(spec.store)
    plan = planned_gallery(spec, store, Silent())
    return plan, store, measure_missing(spec, plan, store, Silent())


def records(plan: WorkPlan, store: Store) -> list[AttentionRecord]:
    return [store.get(cell.key) for cell in plan.cells]


def test_the_sink_moves_to_the_new_register(tmp_path: Path) -> None:
    planted = planted_patch_sink(tmp_path / "sink", patch=None, layers=(2, 3))
    images = [marked_picture(tmp_path / f"{n}.png", n, n) for n in range(3)]
    folder = str(planted.folder)
    plan, store, failures = measured(
        tmp_path, [{"id": folder}, {"id": folder, "test_time_registers": True}], images
    )
    assert failures == {}
    assert [model.entry.label for model in plan.models] == ["sink", "sink + test-time register"]
    found = records(plan, store)
    for number, (before, after) in enumerate(zip(found[::2], found[1::2], strict=True)):
        place = 4 * number + number
        assert before.layout.prefix == ("CLS",) and after.layout.prefix == ("CLS", "reg1")
        patches = after.layout.patch_slice
        assert outlier_patches(before.norms[:, 1:]).patches.tolist() == [place]
        assert outlier_patches(after.norms[:, patches]).patches.tolist() == []
        # Before: the patch draws its share. After: no more than the other patches; the register
        # draws what a token that is nothing but the sink draws, and has the norm.
        for layer in planted.layers:
            assert before.attention[0, layer, 0, 1 + place] == pytest.approx(0.4 * 17, rel=1e-3)
            row = after.attention[0, layer, 0] / after.layout.tokens
            assert row[1] == pytest.approx(planted.share_of_a_pure_sink, rel=1e-3)
            np.testing.assert_allclose(row[patches], row[2], rtol=2e-3)
            added = np.sqrt(planted.norm**2 - 2)
            assert after.norms[layer, 1] == pytest.approx(32**0.5 * added, rel=1e-4)
        np.testing.assert_array_equal(after.norms[:2, 1], 0)


def test_what_was_moved_can_be_traced(tmp_path: Path) -> None:
    planted = planted_patch_sink(tmp_path / "sink", patch=None, layers=(2, 3))
    marked = [marked_picture(tmp_path / f"{n}.png", n, n) for n in range(2)]
    images = [*marked, plain_picture(tmp_path / "plain.png")]
    plan, store, _ = measured(
        tmp_path, [{"id": str(planted.folder), "test_time_registers": True}], images
    )
    for record in records(plan, store):
        assert record.intervention == Intervened(
            asked=Intervention(10, None, tuple(image.sha256 for image in plan.images)),
            token="reg1",
            outlier_layer=2,
            outliers=2,
            images=2,
            up_to_layer=2,
            neurons=(RegisterNeuron(*planted.neuron, pytest.approx(FIRING, rel=1e-4)),),
            taken_over=record.intervention.taken_over,  # tested by itself
        )


def test_neurons_that_wait_for_each_other_move_together(tmp_path: Path) -> None:
    """Once the first neuron has moved, the second is excited at the register, at no patch."""
    planted = planted_patch_sink(tmp_path / "sink", layers=(3, 4), relayed=True)
    plan, store, failures = measured(
        tmp_path,
        [{"id": str(planted.folder), "test_time_registers": True}],
        [plain_picture(tmp_path / "plain.png")],
    )
    assert failures == {}
    (record,) = records(plan, store)
    assert record.intervention is not None
    found = [(neuron.layer, neuron.neuron) for neuron in record.intervention.neurons]
    assert sorted(found) == [(1, NEURON), (2, NEURON)]
    # The register holds nothing but the relay, of which a LayerNorm makes all there is.
    activation = 2 * FIRING * 3**0.5 - FIRING
    added = np.sqrt(planted.norm**2 - 2) * activation / FIRING
    for layer in planted.layers:
        assert record.norms[layer, 1] == pytest.approx(32**0.5 * np.hypot(1, added), rel=1e-4)
        assert record.norms[layer, 2:].max() < 1.5 * 32**0.5
        row = record.attention[0, layer, 0] / record.layout.tokens
        assert row[1] == pytest.approx(planted.share_of_a_pure_sink, rel=0.01)
        np.testing.assert_allclose(row[2:], (1 - row[1]) / 17, rtol=5e-3)
    check = record.intervention.taken_over
    assert check.holds and check.outliers == 0


def test_it_is_checked_that_the_register_takes_over(tmp_path: Path) -> None:
    """Norm and attention on the calibration images, beside the patches'."""
    planted = planted_patch_sink(tmp_path / "sink", patch=None, layers=(2, 3))
    images = [marked_picture(tmp_path / f"{n}.png", n, n) for n in range(2)]
    plan, store, _ = measured(
        tmp_path, [{"id": str(planted.folder), "test_time_registers": True}], images
    )
    for record in records(plan, store):
        assert record.intervention is not None
        check = record.intervention.taken_over
        assert check.holds and check.outliers == 0
        assert check.register_norm == pytest.approx(np.sqrt(planted.norm**2 - 2), rel=1e-4)
        assert check.patch_norm == pytest.approx(2**0.5, rel=1e-4)  # with the marker
        # The neuron is in layer 2: of the 4 layers behind it, attention is uniform in 2.
        pure = planted.share_of_a_pure_sink
        behind = record.attention[0, 2:].mean(1).astype(np.float64) / record.layout.tokens
        assert behind[:2, 1] == pytest.approx(pure, rel=1e-3)
        assert check.register_attention == pytest.approx(behind[:, 1].mean(), rel=1e-3)
        assert check.patch_attention == pytest.approx(behind[:, 2:].max(1).mean(), rel=1e-3)


def test_a_register_that_takes_nothing_over(tmp_path: Path) -> None:
    planted = planted_patch_sink(tmp_path / "sink", layers=(2, 3))
    plan, store, _ = measured(
        tmp_path,
        [{"id": str(planted.folder), "test_time_registers": {"up_to_layer": 1}}],
        [plain_picture(tmp_path / "plain.png")],
    )
    (record,) = records(plan, store)
    assert record.intervention is not None
    check = record.intervention.taken_over
    assert not check.holds and check.outliers == 1
    assert check.register_norm == 0
    assert check.patch_norm == pytest.approx(planted.norm, rel=1e-4)
    assert check.patch_attention > check.register_attention > 0


def test_behind_registers_of_its_own_it_is_the_next(tmp_path: Path) -> None:
    """Forced on a model whose outlier is a register already: there is nothing to move."""
    planted = planted_register_sink(tmp_path / "trained")
    plan, _, failures = measured(
        tmp_path,
        [{"id": str(planted.folder), "test_time_registers": True}],
        [plain_picture(tmp_path / "plain.png")],
    )
    (cell,) = plan.cells
    assert cell.layout is not None and cell.layout.prefix[-2:] == ("reg4", "reg5")
    (failure,) = failures.values()
    assert failure_of(failure) == Failure(
        "trained has no outlier patches that an MLP makes, on 1 calibration image "
        "(largest norm 1 times the median, on average): nothing to move.",
        "Raise --resolution, or leave test_time_registers out for this model.",
    )


def test_a_failing_column_leaves_the_others_alone(tmp_path: Path) -> None:
    planted = planted_patch_sink(tmp_path / "sink", patch=None)
    folder = str(planted.folder)
    plan, store, failures = measured(
        tmp_path,
        [{"id": folder}, {"id": folder, "test_time_registers": True}],
        [plain_picture(tmp_path / "plain.png")],
    )
    plain, moved = plan.cells
    assert store.has(plain.key) and not store.has(moved.key)
    assert list(failures) == [moved.key]


def test_only_early_enough_layers_are_searched(tmp_path: Path) -> None:
    """The outlier is made in layer 2; up to layer 1 no neuron is active there."""
    planted = planted_patch_sink(tmp_path / "sink", layers=(2, 3))
    table = {"neurons": 3, "up_to_layer": 1}
    plan, store, failures = measured(
        tmp_path,
        [{"id": str(planted.folder), "test_time_registers": table}],
        [plain_picture(tmp_path / "plain.png")],
    )
    assert failures == {}
    (record,) = records(plan, store)
    assert record.intervention is not None and record.intervention.neurons == ()
    found = outlier_patches(record.norms[:, record.layout.patch_slice])
    assert found.patches.tolist() == [planted.patch]


def test_a_layer_that_is_not_there(tmp_path: Path) -> None:
    planted = planted_patch_sink(tmp_path / "sink")
    _, _, failures = measured(
        tmp_path,
        [{"id": str(planted.folder), "test_time_registers": {"up_to_layer": 7}}],
        [plain_picture(tmp_path / "plain.png")],
    )
    (failure,) = failures.values()
    assert failure.message == (
        "sink has 6 layers; test_time_registers asks for register neurons up to layer 7."
    )


def test_calibration_belongs_to_the_key(tmp_path: Path) -> None:
    planted = planted_patch_sink(tmp_path / "sink", patch=None)
    one, two = (marked_picture(tmp_path / f"{n}.png", n, n) for n in range(2))

    def key(images: list[Path], asked: Any) -> str:
        model = {"id": str(planted.folder), "test_time_registers": asked}
        spec = GallerySpec(
            models=[model], images=images, out=tmp_path / "site", store=tmp_path / "store"
        )
        return planned_gallery(spec, Store(spec.store), Silent()).cells[0].key

    keys = {
        key([one], False),
        key([one], True),
        key([one, two], True),
        key([one], {"neurons": 3}),
        key([one], {"up_to_layer": 2}),
    }
    assert len(keys) == 5
    assert key([one], {"neurons": 10}) == key([one], True)


TAKES_A_TOKEN = [
    family
    for family in FAMILIES
    if family.prefix and "bias" not in str(family.options) and family.name not in {"mae", "mlcd"}
]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, LoadedModel]:
    root = tmp_path_factory.mktemp("families")
    return {
        family.name: load(
            resolve_folder(family.save(root / family.name.replace(" ", "-"))),
            device=CPU,
            dtype=torch.float32,
        )
        for family in TAKES_A_TOKEN
    }


@pytest.mark.parametrize("family", TAKES_A_TOKEN, ids=lambda family: family.name)
def test_one_token_more_leaves_the_others_in_place(
    family: Family, models: dict[str, LoadedModel]
) -> None:
    """In the first layer a key more takes weight from all alike: positions are as before."""
    model = models[family.name]
    item = prepared(model, family)
    (before,) = extract(model, [item])
    with pytest.MonkeyPatch.context() as patch:
        # fresh weights have no sinks
        patch.setattr("generator.capture.models.registers.OUTLIER", 1.01)
        moved = calibrate(model, [item.pixels], Intervention(5, 3, ("0" * 64,)))
    (after,) = extract(moved, [item])
    assert isinstance(before, AttentionRecord) and isinstance(after, AttentionRecord)
    first = len(family.prefix)
    registers = sum(name.startswith("reg") for name in family.prefix)
    assert after.layout.prefix == (*family.prefix, f"reg{registers + 1}")
    assert after.intervention is not None and len(after.intervention.neurons) == 5
    old = before.attention[:, 0].astype(np.float64)
    new = np.delete(after.attention[:first, 0].astype(np.float64), first, axis=-1)
    new /= new.sum(-1, keepdims=True)
    np.testing.assert_allclose(new, old / old.sum(-1, keepdims=True), rtol=3e-3, atol=1e-6)
    assert after.norms[0, first] == 0
    np.testing.assert_array_equal(np.delete(after.norms[0], first), before.norms[0])
    last = before.norms[-1]
    assert np.abs(np.delete(after.norms[-1], first) - last).max() > 1e-3 * last.max()


@pytest.mark.parametrize("family", TAKES_A_TOKEN, ids=lambda family: family.name)
def test_what_is_moved_is_read_behind_the_non_linearity(
    family: Family, models: dict[str, LoadedModel]
) -> None:
    """The layer that is hooked is the last of its block to run, and leaves the MLP."""
    model = models[family.name]
    item = prepared(model, family)
    ran: list[torch.nn.Module] = []
    hooks = [
        module.register_forward_hook(lambda m, _args, _output: ran.append(m))
        for module in model.blocks[0].modules()
        if isinstance(module, torch.nn.Linear)
    ]
    model.forward(torch.from_numpy(item.pixels)[None], model.layout(*item.pixels.shape[1:]))
    for hook in hooks:
        hook.remove()
    output = mlp_output(model.blocks[0])
    assert ran[-1] is output
    assert output.out_features == SIZES["hidden_size"]
    assert all(output.in_features >= other.in_features for other in ran)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("beit", "its relative position bias is of a fixed number of tokens"),
        ("mlcd", "its rotary embedding is laid out for its own tokens"),
        ("mae", "a vit_mae model is not given plain pixels"),
        ("siglip vision", "a siglip_vision_model model has no class token to put it behind"),
    ],
)
def test_models_that_take_no_token_say_so(name: str, reason: str, tmp_path: Path) -> None:
    family = next(family for family in FAMILIES if family.name == name)
    folder = family.save(tmp_path / "model")
    spec = GallerySpec(
        models=[{"id": str(folder), "test_time_registers": True}],
        images=[plain_picture(tmp_path / "plain.png")],
        out=tmp_path / "site",
        store=tmp_path / "store",
    )
    with pytest.raises(ModelError) as caught:
        planned_gallery(spec, Store(spec.store), Silent())
    assert caught.value.message == (
        f"No model is left to measure: model cannot have a test-time register: {reason}."
    )


def test_relevance_and_lens_know_the_token(tmp_path: Path) -> None:
    """The class head finds its tokens behind one more."""
    family = Family(
        "head", "Dinov2Config", "Dinov2ForImageClassification", ("CLS",), {"num_labels": 7}
    )
    model = load(resolve_folder(family.save(tmp_path / "head")), device=CPU, dtype=torch.float32)
    item = replace(prepared(model, family), measuring=Measuring(extras=("lens", "relevance")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("generator.capture.models.registers.OUTLIER", 1.01)
        moved = calibrate(model, [item.pixels], Intervention(5, 3, ("0" * 64,)))
    (record,) = extract(moved, [item])
    assert isinstance(record, AttentionRecord)
    assert record.prediction is not None and record.lens is not None
    assert record.relevance is not None and record.relevance.keys.shape == (record.layout.tokens,)
    likeliest = record.prediction.probabilities[0]
    assert record.lens.probability[-1, 0] == pytest.approx(likeliest, abs=1e-3)
