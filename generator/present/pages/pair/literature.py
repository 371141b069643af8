"""Published numbers on well-known checkpoints, for their pair pages.

They are shown only for pairs of exactly these checkpoints.
"""

from __future__ import annotations

from dataclasses import dataclass

from generator.text.numbers import given


@dataclass(frozen=True, slots=True)
class LiteratureNumber:
    """A number from a paper.

    Attributes:
        source: citation of the paper.
    """

    what: str
    value: str
    source: str


@dataclass(frozen=True, slots=True)
class HighRegister:
    """The register of highest norm in a checkpoint.

    Attributes:
        register: number of the register, from 1.
        layer: block after which its norm is high, from 1.
        before: norm of its mean after the previous block.
        after: norm of its mean after this block.
    """

    register: int
    layer: int
    before: float
    after: float


_HIGH = {
    "small": HighRegister(2, 5, 2.7, 99.1),
    "base": HighRegister(4, 8, 18.0, 187.8),
    "large": HighRegister(1, 3, 14.8, 273.1),
    "giant": HighRegister(3, 1, 0.7, 626.5),
}
_SUN = (
    "Sun 2024 (Massive Activations), mean register vectors over 10,000 ImageNet images; norms of "
    "single images lie at or somewhat above"
)
_JIANG = "Jiang 2025 (test-time registers), Table 5, LOST"


def literature(one: str, two: str) -> tuple[LiteratureNumber, ...]:
    """Published numbers on two checkpoints, by hub ids; empty for others.

    Args:
        one: id of the checkpoint without registers.
        two: id of the checkpoint with registers.
    """
    size = one.removeprefix("facebook/dinov2-")
    if one == size or two != f"facebook/dinov2-with-registers-{size}" or size not in _HIGH:
        return ()
    high = _HIGH[size]
    found = [
        LiteratureNumber(
            f"{two}: register of highest norm",
            f"register {high.register}, from {given(high.before)} to {given(high.after)} after "
            f"layer {high.layer}",
            _SUN,
        )
    ]
    if size == "large":
        found += [
            LiteratureNumber(
                f"{one}: CorLoc VOC07 / VOC12 / COCO20k", "32.2 / 36.8 / 25.4 %", _JIANG
            ),
            LiteratureNumber(f"{two}: the same", "56.2 / 60.2 / 42.3 %", _JIANG),
        ]
    if size == "giant":
        found.append(
            LiteratureNumber(
                f"{one}: patches with a norm above 150 at the output",
                "2.37 %, telling apart from about layer 15 of 40",
                "Darcet 2024 (registers), section 2",
            )
        )
    return tuple(found)
