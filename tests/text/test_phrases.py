"""Counts with their noun, and lists of words."""

from __future__ import annotations

from generator.text.phrases import (
    counted,
    listed,
    patches_text,
    some,
    stream_layer,
    upper_first,
    with_runs,
)


def test_a_count_has_its_noun_and_commas() -> None:
    assert [counted(n, "model") for n in (0, 1, 1200)] == ["0 models", "1 model", "1,200 models"]
    assert [patches_text(n) for n in (1, 2)] == ["1 patch", "2 patches"]


def test_words_are_joined_one_way() -> None:
    found = [listed(words) for words in ((), ("a",), ("a", "b"), ("a", "b", "c"))]
    assert found == ["", "a", "a and b", "a, b and c"]
    assert some("abc") == "a, b, c"
    assert some("abcdefg") == "a, b, c and 4 more"
    assert some("abc", most=2, separator="; ") == "a; b and 1 more"


def test_a_phrase_starts_a_sentence_with_only_its_first_letter_changed() -> None:
    assert upper_first("layer 3 of DINOv2") == "Layer 3 of DINOv2"
    assert [stream_layer(n) for n in (0, 3)] == ["the embedding", "layer 3"]


def test_a_long_run_of_names_is_given_by_its_ends() -> None:
    detection = [f"det{n + 1}" for n in range(100)]
    assert with_runs(["CLS", *detection]) == ["CLS", "det1 to det100"]
    assert with_runs(["CLS", "DIST", "reg1", "reg2"]) == ["CLS", "DIST", "reg1", "reg2"]
