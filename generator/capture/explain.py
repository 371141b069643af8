"""Predictions of a class head and their explanations: relevance and logit lens."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from generator.capture.lens import lens
from generator.capture.models.heads import prediction
from generator.capture.models.load import LoadedModel
from generator.capture.relevance import expect_memory, relevance
from generator.records.record import AttentionRecord


def explain(
    model: LoadedModel,
    record: AttentionRecord,
    pixels: Tensor,
    logits: Tensor,
    *,
    relevant: bool,
    lensed: bool,
    target: int | None,
    image: str,
) -> AttentionRecord:
    """Add prediction, relevance and logit lens to a record.

    Args:
        model: a model with a class head.
        record: the record of one image.
        pixels: the image's pixels, ``[channel, row, column]``.
        logits: the image's logits, ``[class]``.
        relevant: measure class-specific relevance.
        lensed: measure the logit lens.
        target: the class to explain; None for the most likely.
        image: its name, for errors.

    Raises:
        ModelError: the model has no such class, or its relevance needs too much memory.
    """
    assert model.head is not None
    said = prediction(model.head, logits, target, model.facts.id)
    if relevant:
        expect_memory(model, record.layout, image)
    return replace(
        record,
        prediction=said,
        relevance=relevance(model, pixels, record.layout, said.target) if relevant else None,
        lens=lens(model, pixels, record.layout, said.target) if lensed else None,
    )
