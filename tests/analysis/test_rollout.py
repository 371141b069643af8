from __future__ import annotations

import numpy as np

from generator.analysis.rollout import rollout_diagnostics
from generator.records import TokenLayout
from tests import tiny


def test_diagnostics_say_what_is_left_on_the_prefix() -> None:
    record = tiny.record(tiny.layout(registers=2))
    found = rollout_diagnostics(record)
    assert found.tokens == ("CLS", "reg1", "reg2")
    np.testing.assert_allclose(found.prefix_mass, 1 - record.rollout[:, 3:].sum(1), atol=1e-6)
    assert found.uniform_prefix == 3 / 27
    assert np.array_equal(found.cosine, record.rollout_cosine)
    bare = TokenLayout(prefix=(), rows=2, cols=2)
    assert not rollout_diagnostics(tiny.record(bare)).prefix_mass.any()
