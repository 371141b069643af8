"""Class heads: which tokens a classifier reads, and what it predicts.

Head and backbone are loaded as one network from one checkpoint. A head whose weights are not all in
the checkpoint counts as absent.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from generator.errors import ModelError
from generator.records.extras import Prediction
from generator.records.record import TokenLayout
from generator.text.numbers import rounded

Reads = Literal["CLS", "CLS and DIST", "CLS and mean patch", "mean patch", "mean of patches"]
"""The tokens, after the final LayerNorm, that a head classifies. ``CLS and DIST``: the mean of two
classifiers. ``CLS and mean patch``: one classifier of both, concatenated. ``mean patch``: the
LayerNorm comes after the mean. ``mean of patches``: it comes before the mean, or there is none
(CLIP)."""

_CLASSIFIER = ("classifier",)
ARCHITECTURES: dict[str, tuple[Reads, tuple[str, ...]]] = {
    "ViTForImageClassification": ("CLS", _CLASSIFIER),
    "ViTMSNForImageClassification": ("CLS", _CLASSIFIER),
    "DeiTForImageClassification": ("CLS", _CLASSIFIER),
    "DeiTForImageClassificationWithTeacher": (
        "CLS and DIST",
        ("cls_classifier", "distillation_classifier"),
    ),
    "Dinov2ForImageClassification": ("CLS and mean patch", _CLASSIFIER),
    "Dinov2WithRegistersForImageClassification": ("CLS and mean patch", _CLASSIFIER),
    "BeitForImageClassification": ("mean patch", _CLASSIFIER),
    "Data2VecVisionForImageClassification": ("mean patch", _CLASSIFIER),
    "SiglipForImageClassification": ("mean of patches", _CLASSIFIER),
    "Siglip2ForImageClassification": ("mean of patches", _CLASSIFIER),
    "CLIPForImageClassification": ("mean of patches", _CLASSIFIER),
    "MetaClip2ForImageClassification": ("mean of patches", _CLASSIFIER),
    "IJepaForImageClassification": ("mean of patches", _CLASSIFIER),
}
"""Supported classes of transformers with a class head: tokens read, names of the classifiers."""

NOT_NORMALIZED = frozenset({"CLIPForImageClassification", "MetaClip2ForImageClassification"})
"""Of these, the classifier reads tokens that no LayerNorm has passed after the last block."""

SHOWN = 5
"""Number of classes in a prediction."""

LABEL = 80
"""Longest name of a class, in characters; names come from the checkpoint."""


@dataclass(frozen=True, slots=True)
class ClassHead:
    """A classifier over the tokens that leave the backbone.

    Attributes:
        reads: which tokens it classifies.
        classifiers: one linear layer, or two whose logits are averaged.
        norm: the LayerNorm in front of the classifier; None without one (CLIP).
        labels: names of the classes, as the checkpoint has them.
        exclusive: whether an image has one class. Else (``problem_type`` of the config) each class
            has its own probability.
    """

    reads: Reads
    classifiers: tuple[nn.Linear, ...]
    norm: nn.LayerNorm | None
    labels: Mapping[int, str]
    exclusive: bool = True

    @property
    def classes(self) -> int:
        """Number of classes."""
        return self.classifiers[0].out_features

    def label(self, index: int) -> str:
        """Name of a class: printable, shortened."""
        name = "".join(c for c in str(self.labels.get(index, "")) if c.isprintable()).strip()
        if not name:
            return f"class {index}"
        return name if len(name) <= LABEL else name[: LABEL - 1] + "…"

    def probabilities(self, logits: Tensor) -> Tensor:
        """Softmax of logits ``[..., class]``, or their sigmoid where classes are not exclusive."""
        logits = logits.float()
        return torch.softmax(logits, dim=-1) if self.exclusive else torch.sigmoid(logits)

    def logits(self, hidden: Tensor, layout: TokenLayout) -> Tensor:
        """Logits of the model: ``[image, class]``.

        Args:
            hidden: the backbone's last hidden state, ``[image, token, channel]``.
            layout: of the tokens.
        """
        mean = hidden[:, layout.patch_slice].mean(1)
        if self.reads == "mean of patches":
            return torch.as_tensor(self.classifiers[0](mean))
        if self.reads == "mean patch":
            assert self.norm is not None
            return torch.as_tensor(self.classifiers[0](self.norm(mean)))
        cls = hidden[:, layout.token("CLS")]
        if self.reads == "CLS and mean patch":
            cls = torch.cat([cls, mean], dim=-1)
        logits = torch.as_tensor(self.classifiers[0](cls))
        if self.reads == "CLS and DIST":
            logits = (logits + self.classifiers[1](hidden[:, layout.token("DIST")])) / 2
        return logits

    def lens(self, stream: Tensor, layout: TokenLayout) -> Tensor:
        """The head applied to every token of a layer (Vilas 2023): float32 ``[token, class]``.

        Each token goes through the final LayerNorm and the classifier alone; logits of two
        classifiers are averaged. A head that reads CLS and the mean patch gets each prefix token in
        place of CLS, beside the mean patch, and each patch in place of the mean patch, beside CLS.
        At the last layer, the logits of CLS and the mean over the patches' logits are then the
        model's own.

        Args:
            stream: the residual stream after a block, ``[token, channel]``, of one image.
            layout: of the tokens.
        """
        tokens = stream.float()
        if self.norm is not None:
            scale, shift = self.norm.weight.float(), self.norm.bias.float()
            tokens = functional.layer_norm(
                tokens, self.norm.normalized_shape, scale, shift, self.norm.eps
            )
        if self.reads == "CLS and mean patch":
            first = tokens.clone()
            first[layout.patch_slice] = tokens[layout.token("CLS")]
            second = tokens.clone()
            second[layout.prefix_slice] = tokens[layout.patch_slice].mean(0)
            tokens = torch.cat([first, second], dim=-1)
        every = [
            functional.linear(tokens, c.weight.float(), None if c.bias is None else c.bias.float())
            for c in self.classifiers
        ]
        return torch.stack(every).mean(0)


def backbone_of(network: nn.Module) -> nn.Module:
    """A classification network without its head; image-text families keep a vision model."""
    vision: nn.Module | None = getattr(network, "vision_model", None)
    return vision if vision is not None else network.base_model  # type: ignore[return-value]


def headless(config: Mapping[str, Any], head: ClassHead | None) -> str:
    """Why a model has no prediction, relevance and logit lens; empty with a class head.

    Args:
        config: the ``config.json`` of the checkpoint.
        head: that was found.
    """
    if head is not None:
        return ""
    named = [str(name) for name in config.get("architectures") or ()]
    found = [name for name in named if "Classification" in name]
    if not found:
        return "it has no class head"
    if found[0] in ARCHITECTURES:
        return f"its class head is incomplete in the checkpoint ({found[0]})"
    return f"its class head is not supported ({found[0]})"


def class_head(
    network: nn.Module, backbone: nn.Module, config: Any, missing: Collection[str]
) -> ClassHead | None:
    """The head of a network for image classification, or None if it is incomplete.

    Args:
        network: one of :data:`ARCHITECTURES`.
        backbone: the network without the head.
        config: of the checkpoint.
        missing: names of the network's weights that the checkpoint lacks.
    """
    reads, names = ARCHITECTURES[type(network).__name__]
    clip = type(network).__name__ in NOT_NORMALIZED
    norm = getattr(backbone, "layernorm", getattr(backbone, "post_layernorm", None))
    if reads == "mean patch":
        norm = getattr(getattr(backbone, "pooler", None), "layernorm", None)
        if norm is None:  # configured to read CLS
            reads, norm = "CLS", getattr(backbone, "layernorm", None)
    classifiers = tuple(_trained(getattr(network, name, None)) for name in names)
    needs = (*names, "pooler.layernorm")
    lacks = any(f"{part}." in f"{name}." for name in missing for part in needs)
    linear = [c for c in classifiers if isinstance(c, nn.Linear)]
    if lacks or len(linear) < len(names) or not (clip or isinstance(norm, nn.LayerNorm)):
        return None
    labels = getattr(config, "id2label", None)
    exclusive = getattr(config, "problem_type", None) != "multi_label_classification"
    norm = None if clip else norm
    return ClassHead(reads, tuple(linear), norm, dict(labels) if labels else {}, exclusive)


def _trained(module: Any) -> Any:
    """The copy of a module that an adapter of peft trains in its place, if one is at work."""
    copies = getattr(module, "modules_to_save", None)
    if copies is None:
        return module
    at_work = [name for name in module.active_adapters if name in copies]
    return copies[at_work[0]] if at_work and not module.disable_adapters else module.original_module


def prediction(head: ClassHead, logits: Tensor, target: int | None, model: str) -> Prediction:
    """The prediction of one image.

    Args:
        head: the classifier.
        logits: ``[class]``.
        target: the class to explain; None for the most likely.
        model: named in errors.

    Raises:
        ModelError: the model has no such class.
    """
    if target is not None and not 0 <= target < head.classes:
        raise ModelError(
            f"{model} has no class {target}; its classes are 0 to {head.classes - 1}.",
            "Correct the target, or leave it out for each model's own first guess.",
        )
    likely = head.probabilities(logits).cpu()
    # Sorted by logits: probabilities rounded to 1 or 0 would tie.
    order = logits.float().cpu().argsort(descending=True, stable=True)[:SHOWN].tolist()
    chosen = order[0] if target is None else target
    return Prediction(
        classes=tuple(order),
        labels=tuple(head.label(index) for index in order),
        probabilities=tuple(round(float(likely[index]), 6) for index in order),
        target=chosen,
        target_label=head.label(chosen),
        target_probability=rounded(float(likely[chosen]), 6),  # may be very small
        exclusive=head.exclusive,
    )
