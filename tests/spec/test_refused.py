"""What a gallery file cannot say, and the line that its user reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.errors import SpecError
from generator.spec.gallery import GallerySpec
from generator.spec.options import load_spec
from tests.spec.gallery_file import ENOUGH, MODELS, NAME_IMAGES, NAME_MODELS, error_of

EXTRA_KEYS = (
    "title, description, resolution, models, sequences, sweeps, dataset, images, out, "
    "field_of_view, device, dtype, "
    "patch_queries, extras, objects, target, batch_size, jobs, ray, trust_remote_code, strict, "
    "store, templates, groups, masks, boxes, site_url, compare, paper, analyses, figure, "
    "anonymous, max_site_size"
)


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
            "entry 2 of images should be a text that names a file, a folder, a pattern or an "
            "address, got the number 7.",
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
        (
            ENOUGH + "[[paper.teaser]]\nmodel = 'a/b'\nimage = 'x'\nlayers = 3\n",
            "unknown key layers of teaser 1 of [paper]. Did you mean layer?",
        ),
        (
            ENOUGH + "[[paper.links]]\nlabel = 'code'\nadress = 'https://c.example'\n",
            "unknown key adress of link 1 of [paper]. The keys are label, url.",
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
            "device should be auto, cpu, cuda, cuda:0, mps, or several such as cuda:0,cuda:1, "
            'got the text "cuda:x".',
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
        (
            "title = 'x'\nout = 'y'\ntitle = 'z'\n",
            "work/gallery.toml, line 3: this key was there before. Leave one out.",
        ),
        (
            "[paper]\nyear = 1\n[paper]\n",
            "work/gallery.toml, line 3: not valid TOML: Cannot declare ('paper',) twice. Correct "
            "that line.",
        ),
        (b"title = 'x'\n\xff", "work/gallery.toml, line 2: not UTF-8. Save the file as UTF-8."),
    ],
)
def test_files_that_are_not_toml(text: str | bytes, message: str, file: Path) -> None:
    assert error_of(text, file) == message


def test_files_that_cannot_be_read(file: Path) -> None:
    with pytest.raises(SpecError) as caught:
        load_spec(Path("work/galery.toml"))
    assert str(caught.value) == (
        "There is no file work/galery.toml. Did you mean work/gallery.toml?"
    )
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


@pytest.mark.parametrize(
    "given", ['"much"', '"900 MiB"', '"0"', '""', "0", '"900"', "900", "-3", "1.5", "true"]
)
def test_what_is_no_size_is_refused(given: str, file: Path) -> None:
    file.write_text(f"max_site_size = {given}\n{ENOUGH}")
    with pytest.raises(SpecError) as caught:
        load_spec(file)
    expected = (
        'max_site_size should be a size of 10 kB or more such as "900 MB" or "1.5 GB", a number of '
        'bytes, or "none"'
    )
    assert expected in caught.value.message
    assert caught.value.hint == ""


PAIR = 'Name two models, by label or id: compare = [["plain", "with registers"]].'


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
            f"a/plain is no pair of models. {PAIR}",
        ),
        ('["without", "b/twin"]', f"without is no pair of models. {PAIR}"),
    ],
)
def test_a_pair_that_cannot_be_compared_is_named(text: str, message: str, file: Path) -> None:
    assert error_of(f"{MODELS}compare = {text}", file) == f"work/gallery.toml: compare: {message}"


def test_a_pair_of_the_wrong_kind_is_named(file: Path) -> None:
    found = error_of(f"{MODELS}compare = 3", file)
    assert found.startswith("work/gallery.toml: compare should be pairs of labels or ids")
    with pytest.raises(SpecError, match=r"^--compare: no model is called x"):
        load_spec(file, models=("a/b", "a/c"), compare=("a/b,x",))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('preset = "heads"', "name of figure 1 is missing."),
        ('name = "a b"', 'name of figure 1 should be letters, digits and hyphens, got the text "a'),
        ('name = "a"\nvenu = "icml"', "unknown key venu of figure 1. Did you mean venue?"),
        ('name = "a"\noverlay = 200', "overlay of figure 1 should be a whole number from 0 to 100"),
        (
            'name = "a"\ncolors = "magma"\ncolours = "magma"',
            "unknown key colours of figure 1. Did you mean colors?",
        ),
        ('name = "a"\ncolours = 3', "colors of figure 1 should be the name of a color map, got"),
        (
            'name = "a"\nplaces = [["plain", "11"]]',
            "places of figure 1 should be a list of models with a layer and a head, such as",
        ),
        ('name = "a"\n[[figure]]\nname = "A"', "Two figures are called a."),
    ],
)
def test_what_is_wrong_with_a_figure_is_one_line(file: Path, table: str, message: str) -> None:
    file.write_text(f"{ENOUGH}\n[[figure]]\n{table}\n")
    with pytest.raises(SpecError) as error:
        load_spec(file)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
