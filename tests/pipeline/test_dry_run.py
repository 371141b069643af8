"""The plan as it is printed, and its prices."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from generator.bundled import bundled
from generator.commands.dry_run import print_plan
from generator.pipeline.build import planned_gallery, settings_of
from generator.pipeline.costs import speed
from generator.pipeline.costs.forecast import forecast
from generator.progress import Silent
from generator.records.extras import EXTRAS
from generator.records.store import Store
from generator.spec.gallery import GallerySpec
from generator.spec.options import merge
from tests.capture.families import FAMILIES
from tests.pipeline.galleries import build, files


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of its own, where the speed of the machine is kept."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("ATTENTION_GALLERY_CACHE", str(folder))
    return folder


@pytest.mark.slow
def test_dry_run_prints_the_plan_and_writes_nothing(
    spec: GallerySpec, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files(tmp_path)
    assert print_plan(spec, Console(width=120), Silent())
    head, plain, registers, total, disk, *extras = capsys.readouterr().out.splitlines()
    assert head.split() == [
        *("model", "grid", "tokens", "in", "store", "to", "measure", "measuring", "pages"),
        *("download", "memory", "store", "site"),
    ]
    assert plain.split()[:5] == ["plain", "4x4", "17", "0", "2"]
    assert registers.split()[:5] == ["registers", "4x4", "21", "0", "2"]
    assert re.fullmatch(
        r"2 of 2 images usable\. In all: about \d+ s: measuring \d+ s on this CPU \(4 s "
        r"of it to start; an accelerator is much faster\), pages \d+ s\.",
        total,
    )
    assert disk.startswith("Memory: about ")
    assert [line.partition(":")[0] for line in extras] == list(EXTRAS)
    on = r"{}: on: about [\d.]+ % of the forward pass, [\d.]+ kB\."
    for line in (extras[0], extras[2], extras[4]):
        assert re.fullmatch(on.format(line.partition(":")[0]), line)
    assert extras[1] == "lens: off; no model has a class head."
    assert files(tmp_path) == before

    build(spec)
    before = files(tmp_path)
    assert print_plan(spec, Console(width=120), Silent())
    _, plain, _, total, disk, *_ = capsys.readouterr().out.splitlines()
    assert plain.split()[:7] == ["plain", "4x4", "17", "2", "0", "0", "s"]
    assert "measuring 0 s on this CPU, pages" in total
    assert f"0 B more in {spec.store}" in disk
    assert files(tmp_path) == before


def test_a_narrow_terminal_breaks_no_name(
    spec: GallerySpec, capsys: pytest.CaptureFixture[str]
) -> None:
    label = "a model with a name that is rather long"
    spec = merge(spec, models=({"id": str(spec.models[0].place), "label": label},))
    print_plan(spec, Console(width=80), Silent())
    out = capsys.readouterr().out
    assert out.startswith(f"{label}\n  grid 4x4, tokens 17, in store 0, to measure 2\n")
    assert not any(line.startswith("model") for line in out.splitlines())


def test_the_plan_as_json(spec: GallerySpec, capsys: pytest.CaptureFixture[str]) -> None:
    assert print_plan(spec, Console(width=80), Silent(), as_json=True)
    facts = json.loads(capsys.readouterr().out)
    assert facts["schema"] == 1 and facts["would_be_built"]
    assert [model["label"] for model in facts["models"]] == ["plain", "registers"]
    assert facts["store"] == sum(model["store"] for model in facts["models"]) > 0
    assert facts["seconds"] == pytest.approx(facts["measuring"] + facts["pages"], abs=0.1)
    assert facts["download"] == 0 and facts["failures"] == []
    assert facts["site"]["fits"] and facts["site"]["bytes"] > 0


def test_the_estimate_of_large_inputs_has_a_range(
    spec: GallerySpec, capsys: pytest.CaptureFixture[str]
) -> None:
    said = "Measuring may take up to 1.4 times as long with inputs of over 600 tokens."
    assert print_plan(spec, Console(width=200), Silent())
    assert said not in capsys.readouterr().out
    assert print_plan(merge(spec, resolution=448), Console(width=200), Silent())
    assert said in capsys.readouterr().out


def test_a_plan_that_would_fail_says_so(
    spec: GallerySpec, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = merge(spec, max_site_size="900 kB")
    assert not print_plan(small, Console(width=200), Silent())
    said = capsys.readouterr()
    assert "more than the 900 kB of --max-site-size" in said.out
    assert "it would not be built. Use fewer images" in said.err
    assert said.err.startswith("Error: ") and len(said.err.splitlines()) == 1
    assert not print_plan(small, Console(width=200), Silent(), as_json=True)
    assert capsys.readouterr().err == said.err
    (tmp_path / "photos" / "broken.jpg").write_bytes(b"junk")
    assert not print_plan(spec, Console(width=200), Silent())


def test_a_device_that_is_not_here_is_said_by_the_plan(
    spec: GallerySpec, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    assert not print_plan(merge(spec, device="cuda"), Console(width=200), Silent())
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Error: This machine has no device cuda, as torch ")
    assert line.endswith(
        " sees it: it would not be built. Use --device auto or --device cpu, or measure on another "
        "machine."
    )
    build(spec)
    assert print_plan(merge(spec, device="cuda"), Console(width=200), Silent()), "from the store"
    assert "Memory: about 160 MB." in capsys.readouterr().out


@pytest.mark.parametrize(("facts", "obstacle"), [("free_memory", "memory"), ("free_disk", "disk")])
def test_too_little_memory_or_disk_is_an_obstacle(
    spec: GallerySpec, facts: str, obstacle: str
) -> None:
    plan = planned_gallery(spec, Store(spec.store), Silent())
    found = forecast(plan, spec, settings_of(spec))
    assert found.obstacle == ""
    assert replace(found, **{facts: 1000}).obstacle == obstacle


def test_the_speed_of_the_machine_is_measured_once_and_learned(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = speed.speed_here()
    assert first.multiplications > 1e8 and 0.05 < first.pages < 50
    monkeypatch.setattr(speed, "_best", lambda work: pytest.fail("measured again"))
    assert speed.speed_here() == first
    speed.learn(1.0, 30.0)
    assert speed.speed_here() == first, "too short to say anything"
    speed.learn(60.0, 30.0)
    assert speed.speed_here().pages == pytest.approx(2 * first.pages)
    (cache / "speed.json").write_text("damaged")
    monkeypatch.setattr(speed, "_best", lambda work: 1.0)
    assert speed.speed_here().pages == pytest.approx(1 / speed.REFERENCE)


def test_a_machine_whose_cores_are_limited_is_slower(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speed, "_best", lambda work: 1.0)
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    monkeypatch.setattr("os.sched_getaffinity", lambda process: set(range(16)), raising=False)
    many = speed.speed_here()
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {0, 1}, raising=False)
    few = speed.speed_here()
    assert few.multiplications == many.multiplications / 8, "a scheduler gives two cores of 64"


def test_several_devices_are_said(spec: GallerySpec, capsys: pytest.CaptureFixture[str]) -> None:
    print_plan(merge(spec, device="cpu,cpu"), Console(width=120), Silent())
    assert "Measured by 2 processes, on cpu,cpu." in capsys.readouterr().out.splitlines()


def test_prices_follow_from_shapes(spec: GallerySpec) -> None:
    from generator.pipeline.costs.models import extra_prices

    prices = {p.name: p for p in extra_prices(planned_gallery(spec, Store(spec.store), Silent()))}
    # Four layers' states of 32 channels, 16 patches in half precision twice, for four cells.
    assert prices["features"].store == 4 * (2 * 2 * 16 * 32 + 4 * 2 * 32 * 4)
    assert prices["massive"].store == 4 * 4 * (3 * 12 + 4 + 4 * 32)
    # Tokens are 17 and 21, of two models on two images.
    assert prices["values"].store == 2 * (17 + 21) * 3 * (2 * 4 + 4)
    assert prices["features"].models == ("plain", "registers")
    assert 0 < prices["features"].share < prices["values"].share
    assert (prices["relevance"].models, prices["relevance"].share) == ((), 0)


def test_a_class_head_has_its_price(spec: GallerySpec, tmp_path: Path) -> None:
    from generator.pipeline.costs.models import extra_prices

    family = next(f for f in FAMILIES if f.name == "vit with a class head")
    headed = merge(spec, models=(str(family.save(tmp_path / "headed")),))
    prices = {p.name: p for p in extra_prices(planned_gallery(headed, Store(spec.store), Silent()))}
    assert prices["relevance"].models == ("headed",)
    assert 2 <= prices["relevance"].share <= 3
    assert prices["relevance"].store == 2 * 4 * 17
    assert prices["lens"].store == 2 * 4 * 17 * 6


@pytest.mark.slow
def test_planned_sizes_are_near_the_real_ones(spec: GallerySpec) -> None:
    from generator.pipeline.costs.models import estimate, site_price

    store = Store(spec.store)
    photographs = bundled("examples") / "images"
    larger = merge(
        spec,
        resolution=256,
        patch_queries="heads",
        images=(photographs / "coffee.jpg", photographs / "rocket.jpg"),
    )
    plan = planned_gallery(larger, store, Silent())
    costs = estimate(plan, speed.speed_here(), drawn=True)
    outcome = build(larger)
    assert 0.8 < sum(cost.store for cost in costs) / store.bytes() < 1.25
    planned = site_price(plan, drawn=True, limit=None)
    assert 0.7 < planned.whole / outcome.site.bytes < 1.5
    # and so are those of a site that is kept within a size, by the steps that were planned
    limit = round(0.97 * outcome.site.bytes)
    planned = site_price(plan, drawn=True, limit=round(0.97 * planned.whole))
    less = build(merge(larger, max_site_size=str(limit))).site
    assert planned.reduction.steps == less.reduction.steps == ("patch-heads",)
    assert 0.7 < planned.bytes / less.bytes < 1.5
