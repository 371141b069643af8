"""Archives, records and statistics: whole, exact, and readable without this program."""

from __future__ import annotations

import csv
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from generator.present.files.manifest import SCHEMA_VERSION
from generator.records.store import Store
from tests.export.conftest import Exportable
from tests.present.gallery import tree

# --- zip -----------------------------------------------------------------------------------------


def test_an_archive_holds_the_site_and_opens_as_it(
    made: Exportable, twice: Callable[..., Path], tmp_path: Path
) -> None:
    archive = twice("zip", "site.zip")
    with zipfile.ZipFile(archive) as file:
        assert file.testzip() is None
        assert {entry.date_time for entry in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        file.extractall(tmp_path / "unpacked")
    site = tree(made.site)
    del site[".nojekyll"]
    assert tree(tmp_path / "unpacked") == site


def test_what_a_user_put_beside_the_site_is_not_packed(made: Exportable, tmp_path: Path) -> None:
    site = tmp_path / "site"
    shutil.copytree(made.site, site)
    (site / "CNAME").write_text("ada.example.org")
    (site / ".git").mkdir()
    (site / ".git" / "config").write_text("ada")
    other = Exportable(made.trial, site, made.store)
    other.export("zip", "-o", str(tmp_path / "site.zip"))
    with zipfile.ZipFile(tmp_path / "site.zip") as file:
        assert not {name for name in file.namelist() if "CNAME" in name or "git" in name}


def test_a_folder_that_is_no_site_is_named(made: Exportable, tmp_path: Path) -> None:
    other = Exportable(made.trial, tmp_path, made.store)
    said = other.export("zip", "-o", str(tmp_path / "a.zip"), code=2)
    assert said == (
        f"Error: {tmp_path} is not a site of attention-gallery: it has no manifest.json. Name the "
        "folder that `attention-gallery build` wrote.\n"
    )


@pytest.mark.parametrize("command", ["zip", "single", "report"])
def test_a_site_that_is_not_whole_is_not_exported(
    made: Exportable, tmp_path: Path, command: str
) -> None:
    names = {"zip": "a.zip", "single": "a.html", "report": "r.html"}
    again = "Copy the site again as a whole, or build it again.\n"
    site = tmp_path / "site"
    shutil.copytree(made.site, site)
    spoiled = Exportable(made.trial, site, made.store)
    chunk = site / "data/plain"
    (path,) = (p for p in chunk.iterdir() if p.name.startswith("image0.CLS."))
    name, whole = path.relative_to(site).as_posix(), path.read_bytes()

    def said() -> str:
        out = tmp_path / "out" / names[command]
        found = spoiled.export(command, "-o", str(out), code=1)
        assert not out.parent.exists() or not list(out.parent.iterdir())
        return found

    path.write_bytes(whole[:500])
    assert said() == f"Error: 1 file of {site} cut short or changed: {name}. {again}"
    path.unlink()
    assert said() == f"Error: {site} lacks 1 file of its own: {name}. {again}"
    path.write_bytes(whole)
    if command == "report":  # it is made of the records, and needs no page
        return
    (site / "index.html").unlink()
    assert said() == f"Error: {site} lacks 1 file of its own: index.html. {again}"


def test_a_site_of_a_later_schema_or_a_damaged_one_is_named(
    made: Exportable, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    shutil.copytree(made.site, site)
    path = site / "manifest.json"
    whole = path.read_text(encoding="utf-8")
    for text, said in (
        (
            whole.replace(f'"schema": {SCHEMA_VERSION}', f'"schema": {SCHEMA_VERSION + 1}', 1),
            f"{site} was built by another version of attention-gallery. Build it again.",
        ),
        (
            whole[:300],
            f"{site} is not a site of attention-gallery, or its manifest.json is damaged. Copy or "
            "build it again. Name the folder that `attention-gallery build` wrote.",
        ),
    ):
        assert text != whole
        path.write_text(text, encoding="utf-8")
        found = Exportable(made.trial, site, made.store)
        assert found.export("zip", "-o", str(tmp_path / "a.zip"), code=1) == f"Error: {said}\n"
    gone = Exportable(made.trial, tmp_path / "gone", made.store)
    said = gone.export("zip", "-o", str(tmp_path / "a.zip"), code=2)
    name = tmp_path / "gone"
    assert said == f"Error: There is no folder {name}. Build the site first, or name its folder.\n"


# --- records -------------------------------------------------------------------------------------


def test_records_as_npz_load_with_plain_numpy(made: Exportable, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        made.export("records", "-o", str(tmp_path / folder))
    assert tree(tmp_path / "one") == tree(tmp_path / "two")
    index = json.loads((tmp_path / "one" / "records.json").read_text(encoding="utf-8"))
    assert len(index["records"]) == len(made.trial.records)
    described = {note["name"]: note for note in index["arrays"]}
    for item in index["records"]:
        record = made.trial.records[item["key"]]
        with np.load(tmp_path / "one" / item["file"], allow_pickle=False) as found:
            facts = json.loads(str(found["facts"]))
            for name in set(found.files) - {"facts"}:
                owner, _, field = name.rpartition(".")
                array = getattr(getattr(record, owner) if owner else record, field)
                np.testing.assert_array_equal(found[name], array)
                assert found[name].dtype == described[name]["dtype"]
                axes = len(described[name]["axes"])
                assert found[name].ndim in {axes, axes - (name == "patch_attention")}
        assert facts["model"]["commit"] == item["commit"] == record.model.commit
        assert facts["layout"]["prefix"] == list(record.layout.prefix)


def test_records_as_safetensors_are_those_of_the_store(made: Exportable, tmp_path: Path) -> None:
    made.export("records", "-o", str(tmp_path / "out"), "--format", "safetensors")
    record = made.trial.record("registers", "image1")
    found = load_file(tmp_path / "out" / "image1--registers.safetensors")
    np.testing.assert_array_equal(found["attention"], record.attention)
    np.testing.assert_array_equal(found["patch_attention"], record.patch_attention)
    stored = made.store / record.key[:2] / f"{record.key}.safetensors"
    exported = tmp_path / "out" / "image1--registers.safetensors"
    assert stored.read_bytes() == exported.read_bytes()


def test_a_missing_record_is_named_with_the_next_step(made: Exportable, tmp_path: Path) -> None:
    store = tmp_path / "store"
    shutil.copytree(made.store, store)
    key = made.trial.run.cell("deep", "image1").record
    Store(store).gc(keep=set(Store(store).keys()) - {key})
    other = Exportable(made.trial, made.site, store)
    said = other.export("records", "-o", str(tmp_path / "out"), code=1)
    assert said.splitlines()[-1] == (
        f"Error: The record of Deep on image1.jpg ({key[:12]}) is not in {store}. Build the "
        "gallery again to measure it, or name the store it was built with: --store."
    )


def test_files_of_others_are_not_mixed_with_records(made: Exportable, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    said = made.export("records", "-o", str(tmp_path), code=2)
    assert said == f"Error: The folder {tmp_path} is not empty. Name a new one with -o.\n"


# --- statistics ----------------------------------------------------------------------------------


@pytest.mark.value_of("mass-min")
def test_statistics_are_exactly_those_of_the_records(
    made: Exportable, twice: Callable[..., Path]
) -> None:
    path = twice("statistics", "statistics.csv")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    index = {
        tuple(
            row[name] for name in ("model", "image", "layer", "head", "query", "key", "quantity")
        ): row
        for row in rows
    }
    assert len(index) == len(rows)
    groups = {"registers": ("CLS", "reg1", "reg2", "patches")}["registers"]
    record = made.trial.record("registers", "image0")
    where = ("Registers", "image0.jpg")
    for layer, head in np.ndindex(record.entropy.shape):
        at = (str(layer + 1), str(head + 1))
        for name, query in (("entropy", ""), ("distance-patches", "patches")):
            value = index[(*where, *at, query, "", name)]["value"]
            assert np.float32(value) == getattr(record, name.replace("-", "_"))[layer, head]
        for q, query in enumerate(groups):
            for k, key in enumerate(groups):
                value = index[(*where, *at, query, key, "mass")]["value"]
                assert np.float32(value) == record.mass[layer, head, q, k]
    for layer, rows_of_layer in enumerate(np.moveaxis(record.attention, 0, 2)):
        heads = rows_of_layer.astype(float) / record.layout.tokens
        for q, query in enumerate(groups[:3]):
            least = [min(heads[:, q, key]) for key in range(record.layout.tokens)]
            for key, expected in zip(groups, [*least[:3], sum(least[3:])], strict=True):
                value = index[(*where, str(layer + 1), "min", query, key, "mass-min")]["value"]
                assert float(value) == pytest.approx(expected, rel=2e-3)
    norm = index[(*where, "0", "", "reg2", "", "norm")]
    assert np.float32(norm["value"]) == record.norms[0, 2]
    assert (norm["unit"], norm["commit"]) == ("L2 norm", "c" * 40)
    assert ("Probe", "image0.jpg", "pool", "1", "", "patches", "pooling-entropy") in index


def test_statistics_as_json_hold_what_the_csv_holds(twice: Callable[..., Path]) -> None:
    path = twice("statistics", "statistics.json")
    found = json.loads(path.read_text(encoding="utf-8"))
    with twice("statistics", "statistics.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert [{k: str(v) for k, v in row.items()} for row in found["rows"]] == table
    assert {row["quantity"] for row in table} == {q["id"] for q in found["quantities"]}
    schema = json.loads(path.with_name("statistics.schema.json").read_text(encoding="utf-8"))
    row = schema["$defs"]["StatisticsRow"]["properties"]
    assert list(row) == list(table[0])
    assert all(field["description"] for field in row.values())


def test_a_table_is_csv_or_json(made: Exportable, tmp_path: Path) -> None:
    said = made.export("statistics", "-o", str(tmp_path / "a.xlsx"), code=2)
    assert said == (
        f"Error: -o {tmp_path / 'a.xlsx'} should end in .csv or .json. Name it a.csv, for "
        "example.\n"
    )


@pytest.mark.parametrize("kind", ["zip", "records", "statistics", "maps"])
def test_every_way_out_has_help(kind: str, made: Exportable) -> None:
    assert "Usage: main export" in made.export(kind, "--help")
