"""The table of quantities: told in full, exported only from there, and each with a tested value."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from generator.analysis.compare.readings import MEASURES
from generator.analysis.quantities.arrays import ARRAY_QUANTITIES
from generator.analysis.quantities.attention import ENTROPY
from generator.analysis.quantities.table import QUANTITIES, from_table, quantity
from generator.records import record
from generator.records.arrays import ARRAYS

TESTS = Path(__file__).parents[2]


def test_every_quantity_is_told_apart_and_told_in_full() -> None:
    assert len({each.id for each in QUANTITIES}) == len(QUANTITIES)
    assert len({each.name for each in QUANTITIES}) == len(QUANTITIES)
    assert len({each.label for each in QUANTITIES}) == len(QUANTITIES)
    for each in QUANTITIES:
        assert re.fullmatch("[a-z]+(-[a-z]+)*", each.id)
        assert each.axes and each.unit and each.low and each.high and each.source, each.id
        assert each.definition.endswith("."), each.id
        assert not each.caveat or each.caveat.endswith("."), each.id
        assert not each.part_of or quantity(each.part_of), each.id


def test_quantities_are_found_by_their_id() -> None:
    assert quantity("entropy").name == "entropy"
    with pytest.raises(KeyError):
        quantity("importance")


def test_every_axis_is_one_of_the_axis_words() -> None:
    table = (record.__doc__ or "").split("\n===")[1]
    words = {
        word
        for line in table.splitlines()[1:]
        for word in (re.split(r"\s{2,}", line)[0], *re.split(r"\s{2,}", line)[0].split(", "))
    }
    assert {axis for each in QUANTITIES for axis in each.axes} <= words


# --- what leaves ---------------------------------------------------------------------------------


def test_what_is_not_the_tables_own_is_not_exported() -> None:
    assert from_table(ENTROPY) == (ENTROPY,)
    for other in (replace(ENTROPY, id="surprise"), replace(ENTROPY, unit="bits")):
        with pytest.raises(ValueError, match=other.id) as error:
            from_table(ENTROPY, other)
        assert str(error.value) == (
            f"{other.id} is not in the table of quantities. Add it to a module of "
            "generator/analysis/quantities, with a test of its value."
        )


def test_every_array_has_a_quantity_with_its_axes() -> None:
    assert list(ARRAY_QUANTITIES) == [array.name for array in ARRAYS]
    for array in ARRAYS:
        assert sorted(array.axes) == sorted(ARRAY_QUANTITIES[array.name].axes), array.name


def test_a_diff_reads_the_table() -> None:
    assert from_table(*MEASURES) == MEASURES


# --- values --------------------------------------------------------------------------------------


def value_tests() -> Iterator[tuple[str, str]]:
    """Id of a quantity, and a test that is marked to compute its value independently."""
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                for mark in node.decorator_list:
                    if isinstance(mark, ast.Call) and ast.unparse(mark.func) == MARK:
                        for each in mark.args:
                            yield ast.literal_eval(each), f"{path.name}::{node.name}"


MARK = "pytest.mark.value_of"


@pytest.mark.slow
def test_every_quantity_has_a_test_of_its_value() -> None:
    """Mark the test that computes a new quantity independently: ``pytest.mark.value_of``."""
    found = dict(value_tests())
    without = [each.id for each in QUANTITIES if each.id not in found]
    assert not without, f"no test is marked value_of {', '.join(without)}"
    unknown = found.keys() - {each.id for each in QUANTITIES}
    assert not unknown, f"value_of names what is no quantity: {', '.join(unknown)}"


@pytest.mark.slow
def test_marked_tests_are_collected_and_assert_something() -> None:
    for path in sorted(TESTS.rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            marks = [ast.unparse(each) for each in getattr(node, "decorator_list", ())]
            if any(mark.startswith(f"{MARK}(") for mark in marks):
                assert node in tree.body and node.name.startswith("test_"), node.name
                assert not any("skip" in mark or "xfail" in mark for mark in marks), node.name
                assert re.search(r"assert", ast.unparse(node)), node.name
