"""``inspect --golden`` from the hub: fails for weights of another kind, passes for the known.

The known ones are not here; a checkpoint whose registers have the norms of the table is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from PIL import Image

from generator.capture.golden import TABLE, compare
from generator.capture.loaders.resolve import resolve_folder
from generator.capture.models.load import load
from generator.errors import ModelError
from tests.capture.planted import FIRING, linears
from tests.hub.fake_hub import FakeHub, folder_files
from tests.hub.worker import Worker

SMALL = "facebook/dinov2-with-registers-small"
WIDTH = 384
CHANNEL = 287


def small() -> Any:
    """The small checkpoint's network, with seeded weights, thinner MLPs and a smaller grid."""
    torch.manual_seed(0)
    config = transformers.Dinov2WithRegistersConfig(
        hidden_size=WIDTH,
        num_hidden_layers=12,
        num_attention_heads=6,
        mlp_ratio=1,
        image_size=56,
        patch_size=14,
        num_register_tokens=4,
    )
    return transformers.Dinov2WithRegistersModel(config).eval()


def plant(network: Any, *, register: int = 1, onset: int = 5, factor: float = 1.0) -> Any:
    """Give a register the norms of the table: 2.7, then 99.1 from the onset and 118.4 at 11."""
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            parameter.fill_(1.0 if "norm" in name and name.endswith("weight") else 0.0)
            if "layer_scale" in name:
                parameter.fill_(1.0)
        network.embeddings.register_tokens[0, register, 0] = 2.7
        write(network, onset - 1, sees=0, amount=factor * 99.1)
        write(network, 10, sees=CHANNEL, amount=factor * (118.4 - 99.1))
    return network


def write(network: Any, block: int, *, sees: int, amount: float) -> None:
    """Add to the channel in a token that is nothing but another channel, before LayerNorm."""
    first, second = linears(network.encoder.layer[block])[-2:]
    first.weight[0, sees] = 2 * FIRING / math.sqrt(WIDTH - 1)
    first.bias[0] = -FIRING
    second.weight[CHANNEL, 0] = amount / FIRING


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeHub]:
    root = tmp_path_factory.mktemp("golden")
    networks = {"random": small(), "planted": plant(small())}
    for name, network in networks.items():
        network.save_pretrained(root / name)
    with FakeHub() as hub:
        repo = hub.add(SMALL, folder_files(root / "random"))
        repo.push(folder_files(root / "planted"), branch="planted")
        hub.add("facebook/dinov2-small", folder_files(root / "planted"))
        yield hub


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory, hub: FakeHub) -> Iterator[Worker]:
    with Worker(tmp_path_factory.mktemp("work"), HF_ENDPOINT=hub.url) as worker:
        yield worker


@pytest.mark.slow
def test_other_weights_under_the_name_fail(worker: Worker) -> None:
    result = worker.run("inspect", SMALL, "--golden", "--resolution", "56")
    assert result.code == 1 and not result.stderr.startswith("Error")
    assert (
        "FAILED  norm of reg2 entering block 5: expected 99.1 (89.2 to 148.6), found "
    ) in result.stdout


def test_registers_of_the_tables_norms_pass(worker: Worker) -> None:
    result = worker.run("inspect", f"{SMALL}@planted", "--golden", "--resolution", "56")
    assert result.code == 0, result.stdout + result.stderr
    assert result.stdout.splitlines()[-7:] == [
        "golden table, mean over 10 pictures at 56 px:",
        "ok      norm of reg2 entering block 4, before the onset: "
        "expected 2.7, below 50 % of the onset, found 2.7, 2.72 % of it",
        "ok      norm of reg2 entering block 5: expected 99.1 (89.2 to 148.6), found 99.1",
        "ok      largest channel of reg2 entering block 5: expected 287, found 287",
        "ok      norm of reg2 entering block 11: expected 118.4 (106.6 to 177.6), found 118.4",
        "ok      largest channel of reg2 entering block 11: expected 287, found 287",
        "ok      register of highest norm entering block 11: expected reg2, found reg2",
    ]


def test_other_models_have_no_table(worker: Worker, hub: FakeHub) -> None:
    result = worker.run("inspect", "facebook/dinov2-small", "--golden")
    assert result.code == 2
    assert result.last_line == (
        "Error: There is no golden table for facebook/dinov2-small. There is one for "
        f"{', '.join(TABLE)}; for others use --check with a picture."
    )
    assert hub.weight_requests("facebook/dinov2-small") == []


@pytest.mark.parametrize(
    ("changes", "failing"),
    [
        ({"register": 2}, {"norm of reg2 entering block 5", "norm of reg2 entering block 11"}),
        ({"onset": 4}, {"norm of reg2 entering block 4, before the onset"}),
        ({"onset": 6}, {"norm of reg2 entering block 5"}),
        ({"factor": 0.8}, {"norm of reg2 entering block 5", "norm of reg2 entering block 11"}),
        ({"factor": 1.6}, {"norm of reg2 entering block 5", "norm of reg2 entering block 11"}),
    ],
)
@pytest.mark.slow
def test_each_line_can_fail(changes: dict[str, Any], failing: set[str], tmp_path: Path) -> None:
    folder = tmp_path / "dinov2-with-registers-small"
    plant(small(), **changes).save_pretrained(folder)
    model = load(resolve_folder(folder), device=torch.device("cpu"), dtype=torch.float32)
    lines = compare(model, TABLE[SMALL], [Image.new("RGB", (56, 56), "gray")], 56)
    assert failing <= {line.what for line in lines if not line.passed}


def test_a_smaller_network_under_the_name_is_no_such_checkpoint(tmp_path: Path) -> None:
    folder = tmp_path / "dinov2-with-registers-large"
    plant(small()).save_pretrained(folder)
    model = load(resolve_folder(folder), device=torch.device("cpu"), dtype=torch.float32)
    golden = TABLE["facebook/dinov2-with-registers-large"]
    with pytest.raises(ModelError) as caught:
        compare(model, golden, [Image.new("RGB", (56, 56), "gray")], 56)
    assert caught.value.message == (
        "dinov2-with-registers-large has 12 layers and the tokens CLS, reg1, reg2, reg3, reg4: "
        "it is not the checkpoint of that name in the golden table."
    )
