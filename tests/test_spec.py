"""Gallery files and options: what is accepted, and the line a user reads when something is not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from generator.errors import SpecError
from generator.extras import EXTRAS, Measuring
from generator.options import Options, load_spec, merge, spec_from_options
from generator.spec import GallerySpec, ModelSpec

ENOUGH = 'models = ["a/b"]\nimages = ["photos"]\n'


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A gallery file in a folder below the current one, named as a user would name it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "work").mkdir()
    path = Path("work/gallery.toml")
    path.write_text(ENOUGH)
    return path


def error_of(text: str | bytes, file: Path) -> str:
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SpecError) as caught:
        load_spec(file)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- what is accepted -----------------------------------------------------------------------------


def test_everything_a_file_can_say(file: Path) -> None:
    file.write_text(
        """
        title = "With and without"
        description = "A comparison."
        images = ["photos/", "extra/cat.jpg", "/data/x.png"]
        out = "site"
        field_of_view = "whole"
        resolution = 518
        device = "cuda:1"
        dtype = "bfloat16"
        patch_queries = "heads"
        batch_size = 4
        trust_remote_code = true
        strict = true
        store = "cache"
        templates = "mine"

        [[models]]
        id = "facebook/dinov2-small"
        label = "DINOv2-S"
        revision = "main"

        [[models]]
        id = "facebook/dinov2-with-registers-small@v1"
        resolution = 448
        """
    )
    spec = load_spec(file)
    assert spec.title == "With and without"
    assert spec.description == "A comparison."
    assert spec.images == (Path("work/photos"), Path("work/extra/cat.jpg"), Path("/data/x.png"))
    assert (spec.out, spec.store, spec.templates) == (
        Path("work/site"),
        Path("work/cache"),
        Path("work/mine"),
    )
    assert (spec.field_of_view, spec.resolution, spec.device) == ("whole", 518, "cuda:1")
    assert (spec.dtype, spec.patch_queries, spec.batch_size) == ("bfloat16", "heads", 4)
    assert (spec.trust_remote_code, spec.strict) == (True, True)
    first, second = spec.models
    assert (first.id, first.revision, first.label) == ("facebook/dinov2-small", "main", "DINOv2-S")
    assert (second.id, second.revision) == ("facebook/dinov2-with-registers-small", "v1")
    assert second.label == "facebook/dinov2-with-registers-small"
    assert [spec.resolution_of(model) for model in spec.models] == [518, 448]


def test_what_a_file_need_not_say(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTENTION_GALLERY_CACHE", "/elsewhere")
    spec = load_spec(file)
    assert spec == GallerySpec(
        title="Attention gallery",
        description="",
        models=(ModelSpec(id="a/b"),),
        images=(Path("work/photos"),),
        out=Path("site"),  # in the current folder: nobody said it is the file's
        field_of_view="square",
        resolution=None,
        device="auto",
        dtype="auto",
        patch_queries="auto",
        batch_size=None,
        trust_remote_code=False,
        strict=False,
        store=Path("/elsewhere"),
        templates=None,
    )
    monkeypatch.delenv("ATTENTION_GALLERY_CACHE")
    assert load_spec(file).store.name == "attention-gallery"


def test_short_and_long_forms_of_a_model_mix(file: Path) -> None:
    file.write_text('images = ["p"]\nmodels = ["a/b@v1.0", {id = "a/b", revision = "v2"}, "gpt"]\n')
    spec = load_spec(file)
    assert [(m.id, m.revision) for m in spec.models] == [
        ("a/b", "v1.0"),
        ("a/b", "v2"),
        ("gpt", "main"),
    ]


def test_a_byte_order_mark_is_no_obstacle(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + ENOUGH.encode())
    assert load_spec(file).models[0].id == "a/b"


def test_a_spec_is_frozen(file: Path) -> None:
    spec = load_spec(file)
    with pytest.raises(Exception, match="frozen"):
        spec.title = "other"  # type: ignore[misc]
    assert hash(spec) == hash(load_spec(file))


# --- what is measured -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "extras"),
    [
        ('extras = ["values", "features"]', ("features", "values")),
        ('extras = "lens, values,lens"', ("lens", "values")),
        ('extras = "all"', ("features", "lens", "massive", "relevance", "values")),
        ('extras = ["all"]', ("features", "lens", "massive", "relevance", "values")),
        ('extras = "none"', ()),
        ("extras = []", ()),
        ("", ("features", "massive", "values")),
    ],
)
def test_extras_are_a_set_in_any_writing(given: str, extras: tuple[str, ...], file: Path) -> None:
    file.write_text(f"{given}\n{ENOUGH}")
    assert load_spec(file).measuring == Measuring(extras)  # type: ignore[arg-type]


def test_extras_of_the_command_line_go_before_the_file(file: Path) -> None:
    file.write_text(f'extras = "all"\nobjects = "values"\ntarget = 7\n{ENOUGH}')
    assert load_spec(file).measuring == Measuring(EXTRAS, ("values",), 7)
    options = Options(extras="features,relevance", objects="values, keys", target=2)
    chosen = Measuring(("features", "relevance"), ("keys", "values"), 2)
    assert load_spec(file, options).measuring == chosen


def test_what_no_part_needs_does_not_tell_records_apart(file: Path) -> None:
    """Objects without features, or a target without relevance, must not measure anew."""
    file.write_text(f'extras = "massive"\nobjects = "values"\ntarget = 7\n{ENOUGH}')
    assert load_spec(file).measuring == Measuring(("massive",))


@pytest.mark.parametrize(
    ("given", "size"),
    [
        ('"900 MB"', 900_000_000),
        ('"1.5GB"', 1_500_000_000),
        ('"20 kb"', 20_000),
        ('"250000"', 250_000),
        ("250000", 250_000),
        ('"none"', None),
    ],
)
def test_a_size_in_any_writing(given: str, size: int | None, file: Path) -> None:
    file.write_text(f"max_site_size = {given}\n{ENOUGH}")
    assert load_spec(file).max_site_size == size


def test_a_site_stays_below_the_limit_of_its_hosts_unless_said_otherwise(file: Path) -> None:
    file.write_text(f'max_site_size = "2 GB"\n{ENOUGH}')
    assert load_spec(file, Options(max_site_size="1 GB")).max_site_size == 1_000_000_000
    file.write_text(ENOUGH)
    assert load_spec(file).max_site_size == 900_000_000
    assert load_spec(file, Options(max_site_size="none")).max_site_size is None


@pytest.mark.parametrize("given", ['"much"', '"900 MiB"', '"0"', '""', "0", "-3", "1.5", "true"])
def test_what_is_no_size_is_refused(given: str, file: Path) -> None:
    file.write_text(f"max_site_size = {given}\n{ENOUGH}")
    with pytest.raises(SpecError) as caught:
        load_spec(file)
    expected = (
        'max_site_size should be a size such as "900 MB" or "1.5 GB", a number of bytes, or "none"'
    )
    assert expected in caught.value.message
    assert caught.value.hint == ""


# --- what is refused ------------------------------------------------------------------------------


EXTRA_KEYS = (
    "title, description, resolution, models, sequences, sweeps, images, out, field_of_view, "
    "device, dtype, "
    "patch_queries, extras, objects, target, batch_size, trust_remote_code, strict, store, "
    "templates, groups, masks, boxes, site_url, compare, paper, figures, figure, anonymous, "
    "max_site_size"
)
NAME_MODELS = 'Name one with -m, such as -m facebook/dinov2-small, or in a file: models = ["..."].'
NAME_IMAGES = 'Name files or folders with -i, such as -i photos, or in a file: images = ["..."].'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("resolutoin = 3\n" + ENOUGH, "unknown key resolutoin. Did you mean resolution?"),
        ("field-of-view = 3\n" + ENOUGH, "unknown key field-of-view. Did you mean field_of_view?"),
        ("xyzzy = 3\n" + ENOUGH, f"unknown key xyzzy. The keys are {EXTRA_KEYS}."),
        ('modles = ["a/b"]\nimages = ["p"]\n', "unknown key modles. Did you mean models?"),
        ('images = ["p"]\n', f"models is missing. {NAME_MODELS}"),
        ('models = ["a/b"]\n', f"images is missing. {NAME_IMAGES}"),
        (
            'models = []\nimages = ["p"]\n',
            'models should be a list of models such as ["facebook/dinov2-small"], '
            f"got an empty list. {NAME_MODELS}",
        ),
        (
            'models = "a/b"\nimages = ["p"]\n',
            'models should be a list of models such as ["facebook/dinov2-small"], '
            f'got the text "a/b". {NAME_MODELS}',
        ),
        (
            'models = ["a/b"]\nimages = ["p", 7]\n',
            'entry 2 of images should be a list of files and folders such as ["photos"], '
            f"got the number 7. {NAME_IMAGES}",
        ),
        (
            "resolution = 0\n" + ENOUGH,
            "resolution should be a whole number of pixels from 8 to 8192, got the number 0.",
        ),
        (
            "resolution = 224.0\n" + ENOUGH,
            "resolution should be a whole number of pixels from 8 to 8192, got the number 224.0.",
        ),
        (
            "resolution = true\n" + ENOUGH,
            "resolution should be a whole number of pixels from 8 to 8192, got true.",
        ),
        ("strict = 1\n" + ENOUGH, "strict should be true or false, got the number 1."),
        (
            'field_of_view = "sqare"\n' + ENOUGH,
            "field_of_view should be square, whole or checkpoint, "
            'got the text "sqare". Did you mean square?',
        ),
        (
            'site_url = "http://x.org"\n' + ENOUGH,
            'site_url should be an address that starts with https://, got the text "http://x.org".',
        ),
        (
            ENOUGH + "[paper]\nauthor = 3\n",
            "unknown key author of [paper]. Did you mean authors?",
        ),
        (
            ENOUGH + "[paper]\nauthors = [{nam = 'A'}]\n",
            "unknown key nam of author 1 of [paper]. Did you mean name?",
        ),
        (
            ENOUGH + "[paper]\nauthors = ['A', 7]\n",
            "author 2 of [paper] should be a list of names such as "
            '["Ada Lovelace"], or of tables with a name, got the number 7.',
        ),
        (
            ENOUGH + "[paper.links]\ncode = 'javascript:alert(1)'\n",
            "url of link 1 of [paper] should be an address that starts with https://, "
            'got the text "javascript:alert(1)".',
        ),
        (
            ENOUGH + "[paper]\nyear = '2027'\n",
            'year of [paper] should be a year, got the text "2027".',
        ),
        (ENOUGH + "[[paper.teaser]]\nmodel = 'a/b'\n", "image of teaser 1 of [paper] is missing."),
        (
            ENOUGH + "[[paper.teaser]]\nmodel = 'a/b'\nimage = 'x'\nlayer = 0\n",
            'layer of teaser 1 of [paper] should be a number from 1, or "last", got the number 0.',
        ),
        (
            ENOUGH + "[[paper.teaser]]\nmodel = 'a/b'\nimage = 'x'\nquery = 7\n",
            'query of teaser 1 of [paper] should be a token such as "reg1", or "received", '
            "or a patch {row = 3, col = 5}, got the number 7.",
        ),
        (
            ENOUGH + "[[paper.teaser]]\nmodel = 'a/b'\nimage = 'x'\nquery = {row = 1, cols = 2}\n",
            "unknown key cols of query of teaser 1 of [paper]. Did you mean col?",
        ),
        ("paper = 3\n" + ENOUGH, "paper should be a table [paper], got the number 3."),
        (
            'dtype = "fp16"\n' + ENOUGH,
            'dtype should be auto, float32, bfloat16 or float16, got the text "fp16".',
        ),
        (
            'dtype = "float61"\n' + ENOUGH,
            "dtype should be auto, float32, bfloat16 or float16, "
            'got the text "float61". Did you mean float16?',
        ),
        (
            'device = "cuda:x"\n' + ENOUGH,
            'device should be auto, cpu, cuda, cuda:0 or mps, got the text "cuda:x".',
        ),
        (
            'patch_queries = "all"\n' + ENOUGH,
            'patch_queries should be auto, off, mean or heads, got the text "all".',
        ),
        (
            'extras = ["features", "vlaues"]\n' + ENOUGH,
            "entry 2 of extras should be features, lens, massive, relevance, values, all or none, "
            'got the text "vlaues". Did you mean values?',
        ),
        (
            "extras = 3\n" + ENOUGH,
            "extras should be features, lens, massive, relevance, values, all or none, "
            "got the number 3.",
        ),
        (
            'objects = "key"\n' + ENOUGH,
            "entry 1 of objects should be keys, queries or values, or several of them, got the "
            'text "key". Did you mean keys?',
        ),
        (
            "target = -1\n" + ENOUGH,
            "target should be a class's number, from 0, got the number -1.",
        ),
        (
            "batch_size = 0\n" + ENOUGH,
            "batch_size should be a whole number from 1, got the number 0.",
        ),
        ("title = 3\n" + ENOUGH, "title should be a text, got the number 3."),
        ('out = ""\n' + ENOUGH, 'out should be a folder, got the text "".'),
        ("out = {}\n" + ENOUGH, "out should be a folder, got a table."),
    ],
)
def test_one_line_names_the_file_the_key_and_the_next_step(
    text: str, message: str, file: Path
) -> None:
    assert error_of(text, file) == f"work/gallery.toml: {message}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "title = 'x'\nmodels = [\n",
            "work/gallery.toml, at its end: not valid TOML: Invalid value. Correct that line.",
        ),
        (
            "title = 'x'\nmodels\n",
            "work/gallery.toml, line 2: not valid TOML: Expected '=' after a key in a key/value "
            "pair. Correct that line.",
        ),
        (b"title = 'x'\n\xff", "work/gallery.toml, line 2: not UTF-8. Save the file as UTF-8."),
    ],
)
def test_files_that_are_not_toml(text: str | bytes, message: str, file: Path) -> None:
    assert error_of(text, file) == message


def test_files_that_cannot_be_read(file: Path) -> None:
    with pytest.raises(SpecError) as caught:
        load_spec(Path("work/galery.toml"))
    assert str(caught.value) == "There is no file work/galery.toml. Check the path."
    with pytest.raises(SpecError) as caught:
        load_spec(Path("work"))
    assert str(caught.value) == "work cannot be read: Is a directory. Name a TOML file."


@pytest.mark.parametrize(
    ("out", "held"),
    [
        (".", "the folder of work/gallery.toml"),
        ("..", "the current folder"),
        ("photos", "the images work/photos"),
        ("weights", "the model vit"),
        ("cache", "the record store"),
        ("mine", "the templates"),
    ],
)
def test_the_site_never_replaces_what_it_is_made_of(out: str, held: str, file: Path) -> None:
    Path("work/weights/vit").mkdir(parents=True)
    text = (
        f'out = "{out}"\nimages = ["photos"]\nmodels = ["weights/vit"]\n'
        'store = "cache/records"\ntemplates = "mine"\n'
    )
    assert error_of(text, file) == (
        f"work/gallery.toml: out: a site in {Path('work', out)} would replace {held}. "
        "Name a folder of its own, such as site."
    )


def test_wrong_values_from_python_read_the_same(file: Path) -> None:
    with pytest.raises(SpecError) as caught:
        GallerySpec(models=("a/b",), images=("p",), resolution=3)
    assert str(caught.value) == (
        "resolution should be a whole number of pixels from 8 to 8192, got the number 3."
    )


# --- options --------------------------------------------------------------------------------------

FORM = "Write owner/name as on the Hugging Face hub, owner/name@revision, or ./folder."


def test_a_gallery_from_options_alone(file: Path) -> None:
    options = Options(models=("a/b", "c/d@v"), images=(Path("p"), Path("q")), out=Path("o"))
    spec = spec_from_options(options)
    assert [m.id for m in spec.models] == ["a/b", "c/d"]
    assert (spec.images, spec.out) == ((Path("p"), Path("q")), Path("o"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (Options(), f"No models were given. {NAME_MODELS}"),
        (Options(models=("a/b",)), f"No images were given. {NAME_IMAGES}"),
        (
            Options(models=("a/b",), images=(Path("p"),), batch_size=0),
            "--batch-size should be a whole number from 1, got the number 0.",
        ),
        (
            Options(models=("a b",), images=(Path("p"),)),
            f'-m: "a b" is neither a folder nor the id of a model. {FORM}',
        ),
        (
            Options(models=("a/b", "a/b"), images=(Path("p"),)),
            "-m: a/b@main is given twice at own size. Leave one out, or change its resolution.",
        ),
        (
            Options(models=("a/b",), images=(Path("p"),), out=Path()),
            "-o: a site in . would replace the current folder. "
            "Name a folder of its own, such as site.",
        ),
    ],
)
def test_wrong_options_are_named_as_they_are_typed(
    options: Options, message: str, file: Path
) -> None:
    with pytest.raises(SpecError) as caught:
        spec_from_options(options)
    assert str(caught.value) == message


def test_options_go_before_the_file_only_when_given(file: Path) -> None:
    file.write_text('title = "File"\nout = "site"\nstrict = true\n' + ENOUGH)
    Path("here").mkdir()
    unchanged, spec = load_spec(file), load_spec(file, Options(title="Option", strict=False))
    assert (spec.title, spec.strict, spec.out) == ("Option", False, unchanged.out)
    assert spec.models == unchanged.models
    # Paths on the command line start in the current folder, also models.
    options = Options(models=("here",), images=(Path("p"),), out=Path("o"), store=Path("s"))
    spec = load_spec(file, options)
    assert (spec.images, spec.out, spec.store) == ((Path("p"),), Path("o"), Path("s"))
    assert [m.folder for m in spec.models] == [Path("here")]
    assert merge(unchanged, options) == spec
    assert merge(unchanged, Options()) == unchanged


def test_options_complete_a_file(file: Path) -> None:
    file.write_text('title = "Only a title"\n')
    spec = load_spec(file, Options(models=("a/b",), images=(Path("p"),)))
    assert spec.title == "Only a title"


def test_a_wrong_option_does_not_blame_the_file(file: Path) -> None:
    with pytest.raises(SpecError) as caught:
        load_spec(file, Options(device="gpu"))
    assert str(caught.value) == (
        '--device should be auto, cpu, cuda, cuda:0 or mps, got the text "gpu".'
    )


def test_options_and_the_spec_have_the_same_keys() -> None:
    assert set(Options.__slots__) == set(GallerySpec.model_fields) - {"paper", "figure"}


def test_the_spec_is_read_without_torch() -> None:
    modules = "generator.options, generator.images, generator.store"
    code = f"import sys, {modules}; print('torch' in sys.modules)"
    command, here = [sys.executable, "-c", code], Path(__file__).parents[1]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=here)
    assert done.stdout == "False\n"


# --- models compared two by two -------------------------------------------------------------------

MODELS = """
images = ["photos"]
models = [{id = "a/plain", label = "without"}, "a/registers", "b/twin@one", "b/twin@two"]
"""


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("", None),
        ("compare = []", ()),
        ('compare = "none"', ()),
        ('compare = [["without", "a/registers"]]', ((0, 1),)),
        ('compare = [["a/registers", "a/plain"], ["a/registers", "without"]]', ((1, 0),)),
    ],
)
def test_pairs_are_named_by_label_or_id(
    text: str, pairs: tuple[tuple[int, int], ...] | None, file: Path
) -> None:
    file.write_text(MODELS + text)
    spec = load_spec(file)
    assert spec.pairs == pairs
    assert merge(spec, Options(title="Another")).pairs == pairs


def test_pairs_of_the_command_line_go_before_the_files(file: Path) -> None:
    file.write_text(MODELS + 'compare = [["a/plain", "a/registers"]]')
    assert load_spec(file, Options(compare=("a/registers, without",))).pairs == ((1, 0),)
    assert load_spec(file, Options(compare=("none",))).pairs == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[["without", "a/register"]]', "no model is called a/register. Did you mean a/registers?"),
        (
            '[["without", "b/twin"]]',
            "b/twin is 2 models. Name one by its label: b/twin (one), b/twin (two).",
        ),
        (
            '[["without", "a/plain"]]',
            "without would be compared with itself. Name two models.",
        ),
        (
            '[["a/plain"]]',
            "a/plain is no pair of models. Name two models, by label or id.",
        ),
    ],
)
def test_a_pair_that_cannot_be_compared_is_named(text: str, message: str, file: Path) -> None:
    assert error_of(f"{MODELS}compare = {text}", file) == f"work/gallery.toml: compare: {message}"


def test_a_pair_of_the_wrong_kind_is_named(file: Path) -> None:
    found = error_of(f"{MODELS}compare = 3", file)
    assert found.startswith("work/gallery.toml: compare should be pairs of labels or ids")
    with pytest.raises(SpecError, match=r"^--compare: no model is called x"):
        load_spec(file, Options(models=("a/b", "a/c"), compare=("a/b,x",)))


# --- figures --------------------------------------------------------------------------------------


def test_figures_are_tables_of_the_file(file: Path) -> None:
    file.write_text(f'{ENOUGH}\n[[figure]]\nname = "fig1"\npreset = "registers-1"\noverlay = 60\n')
    (figure,) = load_spec(file).figure
    assert (figure.preset, figure.overlay) == ("registers-1", 60)
    assert figure.files == ("fig1.pdf", "fig1.tex", "fig1.bib")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('preset = "heads"', "name of figure 1 is missing."),
        ('name = "a b"', 'name of figure 1 should be letters, digits and hyphens, got the text "a'),
        ('name = "a"\nvenu = "icml"', "unknown key venu of figure 1. Did you mean venue?"),
        ('name = "a"\noverlay = 200', "overlay of figure 1 should be a whole number from 0 to 100"),
        ('name = "a"\n[[figure]]\nname = "A"', "Two figures are called a."),
    ],
)
def test_what_is_wrong_with_a_figure_is_one_line(file: Path, table: str, message: str) -> None:
    file.write_text(f"{ENOUGH}\n[[figure]]\n{table}\n")
    with pytest.raises(SpecError) as error:
        load_spec(file)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
