"""Devices, and the precision of what runs on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from generator.capture.models.device import choose_device, choose_devices, torch_dtype
from generator.errors import ModelError
from tests.capture.ready import CPU, measured, prepared, ready


@pytest.mark.parametrize(
    ("name", "tolerance"), [("bfloat16", 0.06), ("float16", 0.008)], ids=["bfloat16", "float16"]
)
def test_low_precision_keeps_softmax_and_norms_in_float32(
    saved: Callable[[str], Path], name: str, tolerance: float
) -> None:
    """Compared by attention weight, a share of 1; activations are rounded, sums are not."""
    folder = saved("dinov2 with registers")
    model = ready(folder, torch_dtype(name))
    assert {p.dtype for p in model.network.parameters()} == {torch_dtype(name)}
    exact = ready(folder)
    item = prepared(exact)
    (low,), (full,) = measured(model, item), measured(exact, item)
    assert (low.environment.dtype, full.environment.dtype) == (name, "float32")
    tokens = low.layout.tokens
    off = np.abs(low.attention.astype(float) - full.attention.astype(float)).max() / tokens
    assert 0 < off < tolerance
    assert low.norms.dtype == low.entropy.dtype == np.float32
    np.testing.assert_allclose(low.norms, full.norms, rtol=0.05)
    # A softmax in low precision would miss 1 by its rounding, 4e-3 or 5e-4.
    np.testing.assert_allclose(low.mass.sum(-1), 1.0, atol=2e-6)
    np.testing.assert_allclose(low.rollout.sum(-1), 1.0, atol=2e-6)


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine without an accelerator."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    return


@pytest.mark.usefixtures("bare_machine")
@pytest.mark.parametrize("name", ["cuda", "cuda:1", "mps"])
def test_device_that_is_not_there(name: str) -> None:
    with pytest.raises(ModelError) as caught:
        choose_device(name)
    assert str(caught.value) == (
        f"This machine has no device {name}, as torch {torch.__version__} sees it. "
        "Use --device auto or --device cpu."
    )


@pytest.mark.usefixtures("bare_machine")
def test_automatic_device(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_device("auto") == choose_device("cpu") == CPU
    assert choose_devices("auto") == (CPU,) and choose_devices("cpu,cpu") == (CPU, CPU)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device("auto") == torch.device("mps")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_device("auto") == torch.device("cuda")
    assert choose_device("cuda:1") == torch.device("cuda:1")
    both = (torch.device("cuda:0"), torch.device("cuda:1"))
    assert choose_devices("auto") == choose_devices("cuda:0,cuda:1") == both
    with pytest.raises(ModelError):
        choose_device("cuda:2")
