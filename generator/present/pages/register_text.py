"""Texts on test-time registers: the intervention, and whether it worked."""

from __future__ import annotations

from generator.present.bibliography import short
from generator.records.extras import RegisterCheck
from generator.records.run import AddedRegister
from generator.text.numbers import column, count, plain
from generator.text.phrases import counted, listed, some, stream_layer

METHOD = f"Method: {short('jiang2025vision')}."

ADVICE = "Change neurons or up_to_layer in test_time_registers."


def register_text(register: AddedRegister) -> str:
    """Description of the intervention: the register, its neurons, and where they were found."""
    made = register.made
    layers = sorted({neuron.layer + 1 for neuron in made.neurons})
    where = f" of {_layers(layers)}" if layers else ""
    return (
        "One register was added at test time, without training. "
        f"{counted(len(made.neurons), 'MLP neuron')}{where} {_were(len(made.neurons))} moved to "
        f"it, the most active at {_outliers(made.outliers)} after "
        f"{stream_layer(made.outlier_layer)}, in {made.images} of "
        f"{counted(len(made.asked.calibration), 'calibration picture')}{_pictures(register)}."
    )


def moved_text(register: AddedRegister) -> str:
    """Short description of the intervention, for captions."""
    return register.made.words


def check_text(register: AddedRegister) -> str:
    """Whether the register replaced the outlier patches, with the numbers."""
    check = register.made.taken_over
    verdict = "takes over" if check.holds else "does not take over"
    return f"The register {verdict} from the patches. {_numbers(check)}"


def register_warning(label: str, register: AddedRegister) -> str:
    """Warning of a build for a register without effect; empty for one with effect."""
    if register.made.taken_over.holds:
        return ""
    return plain(f"{label}: {check_text(register)} {ADVICE}")


def _numbers(check: RegisterCheck) -> str:
    left = _outliers(check.outliers) if check.outliers else "no outlier patch"
    norm, patch_norm = column((check.register_norm, check.patch_norm))
    share, patch_share = column((check.register_attention, check.patch_attention), "percent")
    return (
        f"On the calibration pictures its norm is {norm} times the median patch norm (largest "
        f"patch: {patch_norm} times). It gets {share} of CLS attention (most attended patch: "
        f"{patch_share}). {left[0].upper()}{left[1:]} "
        f"{'is' if check.outliers <= 1 else 'are'} left."
    )


def _pictures(register: AddedRegister) -> str:
    """Pictures on which the neurons were found, and whether the gallery shows them."""
    names = register.calibration
    named = f" ({some(names)})" if names else ""
    if register.shown == len(names):
        return f"{named}, which this gallery shows"
    if register.shown:
        return f"{named}, {count(register.shown)} of which this gallery shows"
    return f"{named}, none of which this gallery shows"


def _layers(layers: list[int]) -> str:
    return f"layer{'' if len(layers) == 1 else 's'} {listed(map(str, layers))}"


def _outliers(found: int) -> str:
    return counted(found, "outlier patch", "outlier patches")


def _were(found: int) -> str:
    return "was" if found == 1 else "were"
