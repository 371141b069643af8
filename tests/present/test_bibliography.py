"""Which papers a gallery cites for its models."""

from __future__ import annotations

from dataclasses import replace

import pytest

from generator.capture.checkpoint import families
from generator.capture.models.timm_network import NETWORKS
from generator.present.bibliography import ARCHITECTURES, FAMILIES, TIMM, bibtex, cited, short
from generator.present.papers import PAPERS
from generator.records.record import ModelFacts
from tests.capture.loaders.timm_models import MODELS
from tests.tiny import record


def facts(model_type: str, architecture: str = "Model") -> ModelFacts:
    return replace(record().model, model_type=model_type, architecture=architecture)


def papers(found: ModelFacts) -> tuple[str, ...]:
    *keys, checkpoint = cited(found, test_time=False)
    assert checkpoint.startswith("checkpoint-")
    return tuple(keys)


def test_every_family_that_works_has_its_paper() -> None:
    assert FAMILIES.keys() == families.FAMILIES.keys() | families.PLAIN.keys()
    rows = [*FAMILIES.values(), *(keys for _, keys in ARCHITECTURES)]
    for keys in rows:
        assert keys
        for key in keys:
            assert str(PAPERS[key].year) in key
            assert f"@{PAPERS[key].kind}{{{key}," in bibtex([], others=[key])


def test_every_architecture_of_timm_that_is_tested_has_its_paper() -> None:
    assert set(NETWORKS) == TIMM
    found = {
        model.name: papers(facts(model.name.partition(".")[0], "VisionTransformer"))
        for model in MODELS
    }
    assert all(found.values())
    assert found["vit_small_patch14_reg4_dinov2"] == ("oquab2024dinov2", "darcet2024vision")
    assert found["eva02_small_patch14_224"] == ("fang2024eva",)
    assert found["deit3_small_patch16_224"] == ("touvron2022deit",)
    assert found["vit_small_patch16_224.augreg_in21k"] == ("dosovitskiy2021image",)


@pytest.mark.parametrize("model_type", ["homemade_owlvit", "my_clip_vision_model"])
def test_unknown_family_cites_its_checkpoint_alone(model_type: str) -> None:
    """A part of its name is no sign of its paper."""
    assert papers(facts(model_type)) == ()


def test_accents_of_names_are_written_as_letters() -> None:
    assert short("luddecke2022image") == "Lüddecke and Ecker, 2022"
    assert short("laurencon2024matters") == "Laurençon et al., 2024"
    assert short("meta2025llama") == "Meta AI, 2025"
