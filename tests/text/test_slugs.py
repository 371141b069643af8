"""Slugs: safe, distinct, and the same whatever else is there."""

from __future__ import annotations

import random
import unicodedata

import pytest

from generator.text.slugs import LONGEST, RESERVED, slugify, unique_slugs


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("facebook/dinov2-small", "facebook-dinov2-small"),
        ("Ein schöner Tag", "ein-schoner-tag"),
        ("  --x..Y__z-- ", "x-y-z"),
        ("Straße Øst Łódź", "strasse-ost-lodz"),
        ("ﬁne ½ Å", "fine-1-2-a"),
        ("../../etc/passwd", "etc-passwd"),
    ],
)
def test_slugs_can_be_read(name: str, slug: str) -> None:
    assert slugify(name) == slug


def test_slugs_are_safe_and_distinct_for_any_names() -> None:
    rng = random.Random(0)
    alphabet = "aAbB1-_. /\\é\u0301ßİ日本🦉\udce9\n\x00%?#&<>\"'"
    for _ in range(300):
        drawn = ["".join(rng.choices(alphabet, k=rng.randrange(90))) for _ in range(8)]
        drawn += ["CON", "con", "nul", "index", "", "日本", "中国", "x" * 200, "x" * 201, drawn[0]]
        slugs = unique_slugs(drawn)
        assert len({*slugs}) == len(drawn)
        assert slugs == unique_slugs(drawn)
        for slug in slugs:
            assert set(slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
            assert slug == slug.strip("-")
            assert 0 < len(slug) <= LONGEST
            assert slug not in RESERVED


def test_slugs_do_not_depend_on_order_or_on_the_other_names() -> None:
    pool = [f"{owner}/{name}" for owner in "abc" for name in ("x", "X", "x y", "x-y", "é", "e")]
    alone = dict(zip(pool, unique_slugs(pool), strict=True))
    rng = random.Random(0)
    for _ in range(20):
        rng.shuffle(pool)
        assert dict(zip(pool, unique_slugs(pool), strict=True)) == alone
    more = unique_slugs([*pool, "new/one", "a/X "])
    assert dict(zip(pool, more[: len(pool)], strict=True)) == alone


def test_slugs_are_the_same_on_systems_that_decompose_names() -> None:
    composed = ["Été", "été", "日本é"]
    decomposed = [unicodedata.normalize("NFD", name) for name in composed]
    assert unique_slugs(composed) == unique_slugs(decomposed)


def test_a_name_that_looks_like_a_marked_slug_is_no_trap() -> None:
    marked = unique_slugs(["cat", "Cat"])
    assert len(set(unique_slugs(["cat", "Cat", *marked]))) == 4
