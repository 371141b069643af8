"""LaTeX beside figures: nothing in a title, an id or a file's name becomes a command."""

from __future__ import annotations

import random
import re

import pytest

from generator.errors import SpecError
from generator.export.figures.tex import file_stem, float_text, table_text
from generator.present.bibliography import added, bibtex, checkpoint_key
from generator.present.papers import PAPERS
from generator.text.latex import Cite, Code, escaped, written
from tests import tiny

HOSTILE = r'100 % of \input{/etc/passwd} & "$x$" #1_2 ~^ {} <b> | `x` -- --- \end{figure}'
COMMANDS = {
    "textbackslash{}": "\\",
    "textbraceleft{}": "{",
    "textbraceright{}": "}",
    "textasciitilde{}": "~",
    "textasciicircum{}": "^",
    "textless{}": "<",
    "textgreater{}": ">",
    "textbar{}": "|",
    "textasciigrave{}": "`",
    "ensuremath{\\times}": "×",
    "ensuremath{\\pm}": "±",
    "ensuremath{-}": "−",
    "ensuremath{\\geq}": "≥",
    "ensuremath{\\leq}": "≤",
    "dots{}": "…",
}


def read(tex: str) -> str:
    """What LaTeX prints of an escaped text; anything else that it would act on is an error."""
    text, place = "", 0
    while place < len(tex):
        rest = tex[place:]
        if rest.startswith(r"{\char34}"):
            text, place = text + '"', place + 9
        elif rest.startswith("{}"):
            place += 2
        elif found := re.match(r"\\ifdefined\\Umathcode (.*?)\\else (.*?)\\fi\{\}", rest):
            assert found[2] == " ".join(f"U+{ord(c):04X}" for c in found[1])
            text, place = text + found[1], place + found.end()
        elif rest[0] == "\\" and rest[1] in "$&#%_":
            text, place = text + rest[1], place + 2
        elif rest[0] == "\\":
            name = next(name for name in COMMANDS if rest[1:].startswith(name))
            text, place = text + COMMANDS[name], place + 1 + len(name)
        elif rest[0] == "~":
            text, place = text + "\u00a0", place + 1
        else:
            assert rest[0] not in '\\{}$&#%_^<>|"`', rest
            text, place = text + rest[0], place + 1
    return text


def test_a_hostile_title_is_printed_as_it_is() -> None:
    assert read(escaped(HOSTILE)) == HOSTILE


def test_any_text_is_printed_as_it_is() -> None:
    rng = random.Random(5)
    alphabet = '\\{}$&#%_~^<>|"`-aZ9 é猫×±−≥≤…\u00a0'
    for _ in range(2000):
        text = "".join(rng.choices(alphabet, k=rng.randint(0, 12)))
        expected = " ".join(part for part in text.split(" ") if part)
        assert read(escaped(text)) == expected


def test_line_breaks_and_control_characters_do_not_end_a_paragraph() -> None:
    assert escaped("one\n\ntwo\x00\x07\u2028three\r") == "one two three"


def test_ids_and_commits_are_in_typewriter_type() -> None:
    caption = ("Model ", Code("facebook/dinov2_small"), ".", Cite("key-1"), Cite("key-2"))
    assert (
        written(caption)
        == r"Model \texttt{facebook/\allowbreak{}dinov2\_\allowbreak{}small}.~\cite{key-1,key-2}"
    )


def balanced(tex: str) -> bool:
    depth = 0
    for sign in re.sub(r"\\.", "", tex):
        depth += {"{": 1, "}": -1}.get(sign, 0)
        assert depth >= 0
    return depth == 0


def test_a_float_has_picture_caption_and_label() -> None:
    tex = float_text(
        environment="figure*",
        length=r"\linewidth",
        file="fig.pdf",
        caption=(HOSTILE,),
        label="fig",
        note="Made by\nsomeone \\input{x}",
    )
    code = [line for line in tex.splitlines() if not line.startswith("%")]
    assert code[0] == r"\begin{figure*}[t]"
    assert code[-1] == r"\end{figure*}"
    assert r"  \includegraphics[width=\linewidth]{fig.pdf}" in code
    assert r"  \label{fig:fig}" in code
    assert len([line for line in code if line.startswith(r"  \caption{")]) == 1
    assert len(code) == 6
    assert balanced("\n".join(code))


def test_an_svg_says_that_latex_wants_a_pdf() -> None:
    tex = float_text(
        environment="figure",
        length="3in",
        file="fig.svg",
        caption=("x",),
        label="fig",
        note="n",
    )
    assert r"\includegraphics[width=3in]{fig.pdf}" in tex
    assert "LaTeX reads no SVG" in tex


def test_a_table_has_as_many_cells_in_every_row() -> None:
    rows = (("x_y", "1", "2"), ("x_y", "3", "4"), ("w z", "[z]", "* 2"))
    tex = table_text(("model", "a&b", "n"), rows, HOSTILE, "t")
    lines = [line.strip() for line in tex.splitlines() if line.endswith(r"\\")]
    spans = [line for line in lines if line.startswith(r"\multicolumn{2}")]
    assert [len(re.findall(r"(?<!\\)&", line)) for line in lines if line not in spans] == [1] * 4
    assert [line.partition("raggedright ")[2] for line in spans] == [
        r"x\_\allowbreak{}y} \\",
        r"w z} \\",
    ]
    assert lines[-1] == r"{[z]} & {* 2} \\"
    assert balanced(tex)


@pytest.mark.parametrize("stem", ["a b", "a%b", "a.b", "-x", "ä", "", "a/b", "a}b"])
def test_file_names_that_latex_cannot_read_are_refused(stem: str) -> None:
    with pytest.raises(SpecError, match="LaTeX reads no file"):
        file_stem(stem)


def test_a_bibliography_has_the_papers_and_the_checkpoints() -> None:
    plain = tiny.record(model="facebook/dinov2_small").model
    text = bibtex([(plain, False), (plain, True)], ["raghu2021vision"])
    keys = re.findall(r"^@\w+\{([^,]+),$", text, re.M)
    assert keys == [
        "raghu2021vision",
        "oquab2024dinov2",
        "jiang2025vision",
        "checkpoint-facebook-dinov2-small-ccccccc",
    ]
    assert r"\texttt{facebook/\allowbreak{}dinov2\_\allowbreak{}small}" in text
    assert "commit " + "c" * 40 in text.replace(r"\allowbreak{}", "")
    assert balanced(text)


def test_no_id_upsets_the_braces_that_bibtex_counts() -> None:
    facts = tiny.record(model=HOSTILE + " {{ }").model
    text = bibtex([(facts, False)])
    assert text.count("{") == text.count("}")


def test_a_shared_bibliography_gets_what_it_lacks_and_keeps_its_own() -> None:
    plain = tiny.record(model="facebook/dinov2_small").model
    own = "% ours\n@article{oquab2024dinov2,\n  title = {Mine},\n}\n"
    once = added(own, bibtex([(plain, True)]))
    assert once.startswith(own)
    assert once.count("@article{oquab2024dinov2,") == 1
    assert "@article{jiang2025vision," in once
    assert (
        added(once, bibtex([(plain, True)], ["raghu2021vision"])).count("@") == once.count("@") + 1
    )
    assert added("", bibtex([(plain, True)])) == bibtex([(plain, True)])


def test_keys_of_checkpoints_are_plain() -> None:
    facts = tiny.record(model="Ünï/{mödel}%").model
    assert re.fullmatch(r"[a-z0-9-]+", checkpoint_key(facts))


def test_entries_of_papers_are_balanced() -> None:
    for paper in PAPERS.values():
        assert balanced(f"{paper.title} {paper.author} {paper.venue}")
