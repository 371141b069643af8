"""Nothing of who made a gallery is in the bytes of an anonymous one.

Every planted name has the marker in it, and the marker is looked for in whatever is written,
unpacked.
"""

from __future__ import annotations

import getpass
import json
import shutil
import socket
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from generator.cli import main
from generator.export.anonymous import Anonymous, Identity, anonymized, identity_of
from generator.export.figures.make import make_figure, planned_figure, write_figure
from generator.export.printed.pdf import BROWSERS
from generator.export.source import open_source
from generator.present.files.manifest_file import read_manifest
from generator.present.site.write import build_site
from generator.records.extras import Intervened, Intervention, RegisterCheck
from generator.records.paper import Author, Paper
from generator.records.run import AddedRegister, ImageEntry, ModelEntry, Run
from generator.spec.figures import FigureSpec
from tests.capture.families import FAMILIES
from tests.export.figures.figuring import figuring
from tests.export.leaks import leaks, metadata
from tests.export.printed.test_printed import words_of

MARKER = "zebulon"
GALLERY = """
title = "What registers change"
description = "Two models."
models = [{id = "./zebulonlab/zebulon-vit", label = "with registers"}, "./zebulonlab/zebulon-small"]
images = ["zebulonphotos"]
compare = [["with registers", "zebulon-small"]]
site_url = "https://zebulon.example.org/registers/"
[paper]
authors = [{name = "Ada Zebulon", url = "https://ada-zebulon.example", affiliation = "Zebulon Lab"}]
venue = "ICLR"
year = 2027
doi = "10.1234/zebulon"
abstract = "Registers change maps."
bibtex = "@article{zebulon2027, author = {Ada Zebulon}}"
links = {code = "https://git.example/zebulonlab/registers"}
[[paper.teaser]]
model = "with registers"
image = "cat.jpg"
[[figure]]
name = "fig-zebulon"
format = "svg"
models = ["zebulon-small", "with registers"]
images = ["dog_zebulon.jpg"]
"""
CREDITS = """
["cat.jpg"]
title = "A cat"
credit = "Somebody Else"
license = "CC BY 4.0"
source = "https://pictures.example/cat"
["dog_zebulon.jpg"]
title = "Dog of Ada Zebulon"
credit = "Ada Zebulon"
source = "https://git.example/zebulonlab/dog"
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder full of names, as the user and on the machine of that name."""
    home = tmp_path_factory.mktemp("home") / "zebulonhome"
    families = {family.name: family for family in FAMILIES}
    families["dinov2"].save(home / "zebulonlab" / "zebulon-vit")
    families["vit"].save(home / "zebulonlab" / "zebulon-small")
    (home / "zebulonphotos").mkdir()
    for number, name in enumerate(("cat.jpg", "dog_zebulon.jpg")):
        values = np.random.default_rng(number).integers(0, 256, (60, 90, 3), dtype=np.uint8)
        exif = Image.Exif()
        exif[0x013B] = "Ada Zebulon"
        Image.fromarray(values).save(
            home / "zebulonphotos" / name, exif=exif, comment=b"made by zebulon"
        )
    (home / "zebulonphotos" / "credits.toml").write_text(CREDITS, encoding="utf-8")
    (home / "gallery.toml").write_text(GALLERY, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        patch.setenv("HOME", str(home))
        patch.setenv("ATTENTION_GALLERY_CACHE", str(home / "store"))
        patch.setattr(getpass, "getuser", lambda: "zebulonuser")
        patch.setattr(socket, "gethostname", lambda: "zebulonhost")
        run("build", "gallery.toml", "-o", "named")
        run("build", "gallery.toml", "-o", "anonymous", "--anonymous")
        yield home


def run(*words: str) -> Result:
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    return result


def names(home: Path) -> tuple[str, ...]:
    return (MARKER, str(home.parent))


def test_the_marker_is_found_where_nothing_was_left_out(house: Path) -> None:
    """Otherwise the tests below could not fail."""
    found = leaks(house / "named", *names(house))
    for name in ("index.html", "manifest.json", "m/zebulon-vit/index.html"):
        assert f"{MARKER} in {name}" in found
    assert any("data/" in place and place.endswith(".js") for place in found)
    run("export", "zip", "named", "-o", "named.zip")
    assert any("index.html" in place for place in leaks(house / "named.zip", MARKER))


def test_an_anonymous_build_holds_no_name(house: Path) -> None:
    assert leaks(house / "anonymous", *names(house)) == []
    assert metadata(house / "anonymous") == []
    text = (house / "anonymous" / "index.html").read_text(encoding="utf-8")
    for kept in ("What registers change", "ICLR 2027", "Registers change maps.", "with registers"):
        assert kept in text
    for credit in ("Somebody Else", "CC BY 4.0", "https://pictures.example/cat"):
        assert credit in text
    manifest = read_manifest(house / "anonymous")
    assert manifest is not None
    assert [model.label for model in manifest.models] == ["with registers", "Model 2"]
    assert manifest.models[0].facts is not None
    assert manifest.models[0].facts.weights_sha256
    assert "r/model-1--model-2/index.html" in manifest.pages


@pytest.mark.slow
def test_a_named_site_exported_anonymously_is_the_anonymous_build(house: Path) -> None:
    run("export", "zip", "named", "-o", "exported.zip", "--anonymous")
    run("export", "zip", "anonymous", "-o", "built.zip")
    assert leaks(house / "exported.zip", *names(house)) == []
    assert (house / "exported.zip").read_bytes() == (house / "built.zip").read_bytes()


@pytest.mark.slow
def test_rebuilding_a_named_site_anonymously_takes_no_name_over(house: Path) -> None:
    run("build", "gallery.toml", "-o", "again")
    assert leaks(house / "again", MARKER)
    run("build", "gallery.toml", "-o", "again", "--anonymous")
    assert leaks(house / "again", *names(house)) == []


@pytest.mark.parametrize(
    "words",
    [
        ["records"],
        ["records", "--format", "safetensors"],
        ["statistics", "-o", "statistics.csv"],
        ["statistics", "-o", "statistics.json"],
        ["maps", "--style", "raw", "--layers", "all"],
        ["maps", "--style", "overlaid", "--queries", "all", "--width", "64"],
        ["report", "-o", "report.html"],
        ["single", "-o", "gallery.html"],
    ],
    ids=" ".join,
)
@pytest.mark.slow
def test_what_is_exported_anonymously_holds_no_name(
    house: Path, tmp_path: Path, words: list[str]
) -> None:
    kind, *rest = words
    out = tmp_path / (rest[rest.index("-o") + 1] if "-o" in rest else "out")
    more = [word for word in rest if word not in ("-o", out.name)]
    run("export", kind, "named", *more, "-o", str(out))
    assert leaks(tmp_path, MARKER)
    for path in sorted(tmp_path.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    run("export", kind, "named", *more, "-o", str(out), "--anonymous")
    assert leaks(tmp_path, *names(house)) == []
    assert metadata(tmp_path) == []


def test_an_anonymous_site_stays_so_in_what_is_exported(house: Path, tmp_path: Path) -> None:
    for kind, name in (("records", "out"), ("statistics", "a.csv"), ("maps", "maps")):
        run("export", kind, "anonymous", "-o", str(tmp_path / name))
    assert leaks(tmp_path, *names(house)) == []


@pytest.mark.slow
def test_templates_of_ones_own_are_pointed_at(house: Path) -> None:
    (house / "mine").mkdir()
    said = run("build", "gallery.toml", "-o", "themed", "--anonymous", "--templates", "mine").stderr
    assert "Kept: what your templates say; make sure that they name nobody." in said


@pytest.mark.parametrize("name", ["layers.webp", "layers.gif", "report.pdf"])
@pytest.mark.slow
def test_pictures_and_pages_without_readable_text_hold_no_name(
    house: Path, tmp_path: Path, name: str
) -> None:
    """What they draw is drawn from the same names as the report's page, which is searched above."""
    if name.endswith(".pdf") and not any(shutil.which(browser) for browser in BROWSERS):
        pytest.skip("There is no Chromium: apt-get install chromium.")
    kind = "report" if name.endswith(".pdf") else "animation"
    for folder, more in (("named", []), ("anonymous", ["--anonymous"])):
        run("export", kind, "named", "-o", str(tmp_path / folder / name), *more)
    assert (tmp_path / "named" / name).read_bytes() != (tmp_path / "anonymous" / name).read_bytes()
    assert leaks(tmp_path / "anonymous", *names(house), "file:/", "linux", "mozilla") == []
    assert metadata(tmp_path / "anonymous") == []


@pytest.mark.slow
def test_the_printed_report_names_nobody_in_words_that_can_be_searched(
    house: Path, tmp_path: Path
) -> None:
    if not any(shutil.which(browser) for browser in BROWSERS):
        pytest.skip("There is no Chromium: apt-get install chromium.")
    report = ("export", "report", "named", "--analyses", "-o")
    run(*report, str(tmp_path / "named.pdf"))
    run(*report, str(tmp_path / "anonymous.pdf"), "--anonymous")
    assert MARKER in words_of(tmp_path / "named.pdf").lower()
    text = words_of(tmp_path / "anonymous.pdf").lower()
    assert "model 2" in text
    assert "norms of patches" in text
    for name in names(house):
        assert name.lower() not in text
    facts = (tmp_path / "anonymous.pdf").read_bytes().lower()
    assert b"/creator (attention-gallery" in facts
    assert not any(name.lower().encode() in facts for name in names(house))


def test_it_is_said_what_is_left_out_and_what_stays(house: Path) -> None:
    said = run("build", "gallery.toml", "-o", "anonymous", "--anonymous").stderr
    for line in (
        "Left out: the name of dog_zebulon.jpg; it tells who made this or where.",
        "Left out: the title of dog_zebulon.jpg; it tells who made this or where.",
        "Left out: the credit of dog_zebulon.jpg; it tells who made this or where.",
        "Kept: the labels with registers.",
        "Kept: the credit of 1 image: Somebody Else, CC BY 4.0, https://pictures.example/cat.",
    ):
        assert line in said


def test_figures_are_drawn_again_without_names(house: Path) -> None:
    assert (house / "named" / "figures" / "fig-zebulon.svg").is_file()
    folder = house / "anonymous" / "figures"
    assert sorted(path.name for path in folder.iterdir()) == [
        f"figure-1.{end}" for end in ("bib", "svg", "tex")
    ]
    text = (folder / "figure-1.svg").read_text(encoding="utf-8")
    assert "with registers" in text
    assert "Model 2" in text
    manifest = read_manifest(house / "anonymous")
    assert manifest is not None
    (figure,) = manifest.figures
    assert figure.request.models == ("model-2", "model-1")
    assert (figure.title, figure.failure) == ("figure-1", None)


def test_a_checkpoint_of_the_authors_organization_is_not_named() -> None:
    public = ModelEntry("org-public", "org/public", "org/public", "main", "c" * 40)
    own = ModelEntry("zebulon-lab-vit", "Zebulon-Lab/vit", "Zebulon-Lab/vit", "main", "d" * 40)
    image = ImageEntry("cat", "cat.jpg", Path("/home/ada/cat.jpg"), "0" * 64, 9, 9, "cat")
    paper = Paper(authors=(Author("Ada Zebulon", affiliation="Some University"),))
    plain = Run("Title", "", "", "whole", (public, own), (image,), (), paper=paper)
    found = anonymized(plain, frozenset(), identity_of(plain))
    assert [model.id for model in found.run.models] == ["org/public", "model-2"]
    assert [model.label for model in found.run.models] == ["org/public", "Model 2"]
    assert (
        "Left out: the id Zebulon-Lab/vit and its commit; they tell who made this or where."
        in found.notes
    )


def test_calibration_pictures_that_tell_who_made_it_are_not_named() -> None:
    asked = Intervention(10, None, ("0" * 64, "1" * 64))
    check = RegisterCheck(8.0, 1.4, 0.3, 0.1, outliers=0, holds=True)
    made = Intervened(asked, "reg1", 2, 3, 2, 2, (), check)
    register = AddedRegister(made, ("ada zebulon.png", "cat.png"), 0)
    model = ModelEntry("vit", "org/vit", "org/vit", "main", "c" * 40, register=register)
    image = ImageEntry("cat", "cat.jpg", Path("/home/ada/cat.jpg"), "0" * 64, 9, 9, "cat")
    paper = Paper(authors=(Author("Ada Zebulon", affiliation="Some University"),))
    plain = Run("Title", "", "", "whole", (model,), (image,), (), paper=paper)
    (shown,) = anonymized(plain, frozenset(), identity_of(plain)).run.models
    assert shown.register == AddedRegister(made, ("picture-1", "cat.png"), 0)


@pytest.mark.slow
def test_a_hidden_checkpoint_of_the_hub_is_found_by_no_commit(tmp_path: Path) -> None:
    """A commit identifies its repository, in captions, bibliographies, pages and the manifest."""
    plain = figuring(tmp_path)
    own = Author("Ada Lovelace", affiliation="Tiny")  # whose models are tiny/...
    paper = Paper(authors=(own,))
    named = replace(plain.trial.run, paper=paper, anonymous=False)
    hidden = anonymized(named, frozenset(), identity_of(named))
    for name, shown in (
        ("named", Anonymous(named, {}, ())),
        ("hidden", hidden),
    ):
        read = partial(shown.read, plain.trial.read)
        build_site(shown.run, read, tmp_path / name, version="1.2.3")
        source = open_source(tmp_path / name, plain.store)
        asked = FigureSpec(name="a", format="svg", preset="registers-1", venue="cvpr", span="text")
        made = make_figure(source, planned_figure(asked), "a.svg")
        write_figure(tmp_path / name / "a.svg", made)
    commit = "c" * 7
    places = leaks(tmp_path / "named", commit, "Hugging Face hub")
    for name in ("a.tex", "a.bib", "manifest.json", "methods/index.html"):
        assert any(place.endswith(f" in {name}") for place in places), name
    assert leaks(tmp_path / "hidden", commit, "Hugging Face hub", "tiny/") == []
    for name in ("a.tex", "a.bib", "methods/index.html"):
        text = (tmp_path / "hidden" / name).read_text(encoding="utf-8")
        assert "heckpoint withheld for review" in text, name


def test_public_models_keep_their_ids_and_reasons_of_failures_go() -> None:
    model = ModelEntry("org-public", "org/public", "org/public", "main", "c" * 40)
    image = ImageEntry("cat", "cat.jpg", Path("/home/ada/cat.jpg"), "0" * 64, 9, 9, "cat")
    plain = Run("Title", "", "attention-gallery build -i ada/", "whole", (model,), (image,), ())
    found = anonymized(plain, frozenset(), identity_of(plain))
    assert found.run.models == (model,)
    assert found.run.command == ""
    assert "Kept: the ids of public models org/public." in found.notes
    assert json.dumps(found.notes).count("Left out") == 0


@pytest.mark.parametrize(
    "text",
    ["Mu\u0308llerovsky", "M\u00fcllerovsky", "m\u00dcllerovsky2027", "M\u00fcllerovskyLab",
     "x_M\u00fcllerovsky_y", "Ngu2027", "by ngu."],
)  # fmt: skip
def test_a_name_in_any_form_is_found(text: str) -> None:
    assert Identity(("Mu\u0308llerovsky", "Ngu")).found_in(text)
    assert Identity(("M\u00fcllerovsky", "Ngu")).found_in(text)


@pytest.mark.parametrize("text", ["Mullerovsky", "LeeLab", "lee_2027", "AdaLee", "ada-lee", "A.da"])
def test_a_name_without_accents_or_glued_to_words_is_found(text: str) -> None:
    identity = Identity(("M\u00fcllerovsky", "Lee", "Ada Lee"))
    assert identity.found_in(text) == (text != "A.da")


def test_a_short_name_inside_of_a_word_is_shown_to_the_user() -> None:
    identity = Identity(("Ngu", "Adam"), parts=("Quentin",))
    assert not identity.found_in("penguin, adamant, by Quentin")
    assert identity.suspected_in("penguin, adamant, by Quentin") == ("Quentin", "Ngu", "Adam")
    assert identity.suspected_in("a cat") == ()


def test_texts_that_may_name_somebody_are_listed() -> None:
    model = ModelEntry("a", "leelab baseline", "org/a", "main", "c" * 40)
    image = ImageEntry(
        "cat", "cat.jpg", Path("cat.jpg"), "0" * 64, 9, 9, "By Quentin", alt="Zurich"
    )
    paper = Paper(authors=(Author("Quentin Lee", affiliation="University of Zurich"),))
    plain = Run("Title", "", "", "whole", (model,), (image,), (), paper=paper)
    found = anonymized(plain, frozenset(), identity_of(plain))
    assert found.run.images[0].title == "By Quentin"
    start, end = "Kept, please look: ", "Change it if it tells who made this."
    assert [note.removeprefix(start) for note in found.notes if note.startswith(start)] == [
        f"the label leelab baseline holds Lee, which is part of a name. {end}",
        f"the title of cat.jpg holds Quentin, which is part of a name. {end}",
        f"the description of cat.jpg holds Zurich, which is part of a name. {end}",
    ]


@pytest.mark.parametrize("name", ["   ", "Ng", "Lovelace, Ada", ""])
def test_names_of_any_form_can_be_left_out(name: str) -> None:
    image = ImageEntry("cat", "cat.jpg", Path("cat.jpg"), "0" * 64, 9, 9, "A cat")
    paper = Paper(authors=(Author(name or "-"),))
    plain = Run("Title", "", "", "whole", (), (image,), (), paper=paper)
    assert anonymized(plain, frozenset(), identity_of(plain)).run.images[0].title == "A cat"
    assert ("Lovelace" in identity_of(plain).names) == (name == "Lovelace, Ada")


@pytest.mark.slow
def test_a_license_of_a_local_model_is_not_told(house: Path) -> None:
    """It may be one of the authors' own, named after them or their project."""
    card = house / "zebulonlab" / "zebulon-small" / "README.md"
    card.write_text("---\nlicense: other\nlicense_name: fizzlebop-license\n---\n", encoding="utf-8")
    try:
        run("build", "gallery.toml", "-o", "licensed", "--store", "licensed-store")
        store = ("--store", "licensed-store")
        out = house / "licensed.zip"
        run("export", "zip", "licensed", "-o", str(out), *store)
        assert leaks(out, "fizzlebop-license")
        said = run("export", "zip", "licensed", "-o", str(out), "--anonymous", *store).stderr
        assert leaks(out, "fizzlebop") == []
        assert "Left out: the licenses of models from folders." in said
        run("export", "records", "licensed", "-o", "licensed-records", "--anonymous", *store)
        assert leaks(house / "licensed-records", "fizzlebop") == []
    finally:
        card.unlink()
