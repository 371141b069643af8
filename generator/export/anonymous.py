"""Anonymous galleries for double-blind review.

Left out: authors and their affiliations, links, DOI and BibTeX, the address of the site, the
command line, the names of local models' folders and their licenses, the commits of models on the
hub whose ids are left out, and the reasons of failures (they may hold paths). Any other text that
holds one of these names, or that of the user, the machine or the home folder, is left out too.

Texts that stay and hold a first name or another part of a name are listed.

What stays, and is said: labels that the user gave, ids and commits of public models, file names
and titles of pictures, and credits and licenses of pictures made by others, which their licenses
ask for. Pictures never carry metadata.
"""

from __future__ import annotations

import getpass
import re
import socket
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from generator.records.paper import Paper
from generator.records.record import AttentionRecord
from generator.records.run import Cell, Failure, ImageEntry, ModelEntry, Run, Sequence, Sweep
from generator.text.phrases import counted
from generator.text.slugs import slugify

SHORTEST = 3
"""Least number of letters of a name: shorter ones occur in other words."""

LONG_ENOUGH = 4
"""Least number of letters of a family name that is searched for without the first name."""

UNMISTAKABLE = 6
"""Least number of letters of a name that is also searched for inside of words."""

CAMEL = re.compile(r"(?<=[^\W\d_A-Z])(?=[A-Z])")
"""Where a word starts inside of another: ``LeeLab``."""

INSTITUTION = re.compile(
    r"and|for|the|universit(y|ät|é)|institute?|department|school|college|cent(er|re)|"
    r"lab(s|oratory)?|research|group|technology|sciences?|inc|ltd|gmbh|national|academy|faculty|"
    r"team",
    re.IGNORECASE,
)
"""Words of affiliations that tell nothing."""

WORD = re.compile(r"[^\W\d_]+")

COMMON = frozenset({"root", "user", "localhost", "admin", "ubuntu", "home"})
"""Names of users and machines that identify nobody."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Names to withhold, longest first.

    Attributes:
        names: texts that contain one of them are left out.
        parts: words of such names that also have other meanings, such as first names; texts that
            contain one of them are listed for the user.
    """

    names: tuple[str, ...]
    parts: tuple[str, ...] = ()

    def found_in(self, text: str) -> bool:
        """Whether a text contains one of the names, in any case, Unicode form and without accents.

        Digits may adjoin a name, and letters a long one: ``miller2027``, ``millerlab``. A short one
        is also found where a capital letter starts a word: ``LeeLab``.
        """
        plain = _plain(text)
        return any(re.search(_pattern(name), plain) for name in self.names)

    def suspected_in(self, text: str) -> tuple[str, ...]:
        """Names and parts of names in a text, also where other letters surround them."""
        plain = _plain(text)
        return tuple(name for name in (*self.parts, *self.names) if _plain(name) in plain)

    def without(self, text: str, other: str = "") -> str:
        """The text itself if it contains none of the names, else the replacement."""
        return other if self.found_in(text) else text


def _plain(text: str) -> str:
    """A text for comparison: words apart, without accents and capitals."""
    spread = unicodedata.normalize("NFKD", CAMEL.sub(" ", unicodedata.normalize("NFC", text)))
    return "".join(c for c in spread if not unicodedata.combining(c)).casefold()


def _pattern(name: str) -> str:
    """The pattern of a name: a long one anywhere, a short one only between non-letters."""
    plain = r"[\W_]*".join(re.escape(part) for part in _plain(name).split())
    return plain if len(name) >= UNMISTAKABLE else rf"(?<![^\W\d_]){plain}(?![^\W\d_])"


@dataclass(frozen=True, slots=True)
class Anonymous:
    """A run without the names of its authors.

    Attributes:
        ids: by record, the id that stands for a local model's.
        notes: what was left out and what stays, for the user, one line each.
        identity: names that must not be told.
    """

    run: Run
    ids: Mapping[str, str]
    notes: tuple[str, ...]
    identity: Identity = Identity(())

    def read(self, read: Callable[[str], AttentionRecord], key: str) -> AttentionRecord:
        """A copy of a record with the model's name in this run."""
        record = read(key)
        if key not in self.ids:
            return record
        # An adapter's purpose may identify its authors.
        adapter = record.model.adapter and "an adapter"
        # So may a license of its own, and the names of tensors.
        facts = replace(
            record.model,
            id=self.ids[key],
            adapter=adapter,
            license="",
            renamed=self.identity.without(record.model.renamed, "a prefix was taken off"),
            unused=tuple(
                self.identity.without(line, "a tensor that changes nothing")
                for line in record.model.unused
            ),
        )
        if facts.source == "hub":  # a commit identifies its repository, even without the id
            facts = replace(facts, source="withheld", revision="", commit="")
        return replace(record, model=facts)


def identity_of(run: Run) -> Identity:
    """The names that identify the authors and the machine of a gallery."""
    names, parts = [*_machine()], []
    if run.paper is not None:
        for author in run.paper.authors:
            family = _family(author.name)
            names += [author.name, author.affiliation, _address(author.url or "")]
            names += [family] if len(family) >= LONG_ENOUGH else []
            parts += WORD.findall(author.name)
            words = WORD.findall(author.affiliation)
            parts += [word for word in words if not INSTITUTION.fullmatch(word)]
        names += [_address(link.url) for link in run.paper.links]
        names.append(run.paper.doi)
    names.append(_address(run.site_url))
    return Identity(_longest_first(names), _longest_first(parts))


def _longest_first(names: Iterable[str]) -> tuple[str, ...]:
    """Names without those that are too short to look for."""
    kept = {name.strip() for name in names if len(name.strip()) >= SHORTEST}
    return tuple(sorted(kept, key=lambda name: (-len(name), name)))


def _family(name: str) -> str:
    """The family name in a full one: before a comma, or the last word."""
    first, comma, _ = name.partition(",")
    return first.strip() if comma else (name.split() or [""])[-1]


def _machine() -> Iterable[str]:
    """The names of the user, the machine and the home folder."""
    try:
        names = [getpass.getuser(), socket.gethostname()]
    except (OSError, KeyError, ImportError):  # a user without a name, or a system without users
        names = [socket.gethostname()]
    yield from (name for name in names if name.lower() not in COMMON)
    home = str(Path("~").expanduser())
    if home not in ("~", "/root", "/"):
        yield home


def _address(url: str) -> str:
    """The part of an address that identifies its owner: the host and the first folder."""
    return "/".join(re.sub(r"^\w+://", "", url).split("/")[:2]).strip("/")


def anonymized(run: Run, local: frozenset[str], identity: Identity) -> Anonymous:
    """A run without the names of its authors.

    Args:
        local: slugs of the models that come from a folder; those whose ids hold one of the
            names, such as that of the authors' organization on the hub, are treated alike.
        identity: names to withhold.
    """
    local |= {model.slug for model in run.models if identity.found_in(model.id)}
    sweeps = [_sweep(n, sweep, local, identity) for n, sweep in enumerate(run.sweeps, 1)]
    labels = {
        step.model: f"{sweep.label}, step {step.step}" for sweep in sweeps for step in sweep.steps
    }
    models = {
        model.slug: _model(
            number,
            replace(model, label=labels.get(model.slug, model.label)),
            identity,
            is_local=model.slug in local,
        )
        for number, model in enumerate(run.models, 1)
    }
    sequences = {
        sequence: _sequence(number, sequence, identity)
        for number, sequence in enumerate(run.sequences, 1)
    }
    images = {
        image.slug: _image(number, image, identity, sequences)
        for number, image in enumerate(run.images, 1)
    }
    cells = tuple(_cell(cell, models, images) for cell in run.cells)
    shown = replace(
        run,
        title=identity.without(run.title, "Attention gallery"),
        description=identity.without(run.description),
        command="",
        models=tuple(models.values()),
        images=tuple(images.values()),
        cells=cells,
        paper=_paper(run.paper, identity, models, images) if run.paper else None,
        site_url="",
        anonymous=True,
        sweeps=tuple(
            replace(sweep, steps=tuple(replace(s, model=models[s.model].slug) for s in sweep.steps))
            for sweep in sweeps
        ),
        pairs=None
        if run.pairs is None
        else tuple((models[one].slug, models[two].slug) for one, two in run.pairs),
    )
    ids = {
        cell.record: models[cell.model].id
        for cell in run.cells
        if cell.record and cell.model in local
    }
    notes = (*_notes(run, shown, local), *_doubts(shown, identity))
    return Anonymous(shown, ids, notes, identity)


def _sweep(number: int, sweep: Sweep, local: frozenset[str], identity: Identity) -> Sweep:
    """A sweep whose label and slug are replaced if they name a folder or the authors."""
    other = f"Sweep {number}"
    folder = not sweep.named and not local.isdisjoint(sweep.models)
    label = other if folder else identity.without(sweep.label, other)
    return replace(sweep, label=label, slug=sweep.slug if label == sweep.label else slugify(other))


def _model(number: int, model: ModelEntry, identity: Identity, *, is_local: bool) -> ModelEntry:
    name = f"model-{number}"
    failure = Failure("This model could not be used.") if model.failure else None
    label = identity.without(model.label, f"Model {number}")
    if model.register:
        names = enumerate(model.register.calibration, 1)
        told = tuple(identity.without(name, f"picture-{n}") for n, name in names)
        model = replace(model, register=replace(model.register, calibration=told))
    if not is_local:
        return replace(model, label=label, failure=failure)
    # a label made from the id, not given by the user
    if model.label == model.id or model.label.startswith(f"{model.id} ("):
        label = f"Model {number}"
    return replace(model, slug=name, id=name, label=label, failure=failure, revision="", commit="")


def _image(
    number: int, image: ImageEntry, identity: Identity, sequences: Mapping[Sequence, Sequence]
) -> ImageEntry:
    name = f"image-{number}"
    found = identity.found_in(image.name) or identity.found_in(image.slug)
    own = identity.found_in(f"{image.credit}\n{image.source}\n{image.license}")
    return replace(
        image,
        slug=name if found else image.slug,
        name=f"{name}{Path(image.name).suffix}" if found else image.name,
        title=identity.without(image.title, f"Image {number}"),
        alt=identity.without(image.alt),
        credit="" if own else image.credit,
        source="" if own else image.source,
        license="" if own else image.license,
        group=identity.without(image.group),
        failure=Failure("This image could not be used.") if image.failure else None,
        frame=replace(image.frame, sequence=sequences[image.frame.sequence])
        if image.frame
        else None,
    )


def _sequence(number: int, sequence: Sequence, identity: Identity) -> Sequence:
    """A sequence without names; a folder's name is always withheld."""
    name = f"sequence-{number}"
    found = identity.found_in(f"{sequence.label}\n{sequence.slug}\n{sequence.source}")
    ending = Path(sequence.source).suffix if sequence.sha256 else ""
    return replace(
        sequence,
        slug=name if found else sequence.slug,
        label=identity.without(sequence.label, f"Sequence {number}"),
        source=f"{name}{ending}" if found or not sequence.sha256 else sequence.source,
        damage="This clip is damaged or cut short." if sequence.damage else "",
    )


def _cell(cell: Cell, models: Mapping[str, ModelEntry], images: Mapping[str, ImageEntry]) -> Cell:
    failure = Failure("This model could not be measured on this image.") if cell.failure else None
    return Cell(models[cell.model].slug, images[cell.image].slug, cell.record, failure, cell.truth)


def _paper(
    paper: Paper,
    identity: Identity,
    models: Mapping[str, ModelEntry],
    images: Mapping[str, ImageEntry],
) -> Paper:
    return Paper(
        venue=identity.without(paper.venue),
        year=paper.year,
        abstract=identity.without(paper.abstract),
        teaser=tuple(
            replace(tile, model=models[tile.model].slug, image=images[tile.image].slug)
            for tile in paper.teaser
        ),
    )


def _notes(run: Run, shown: Run, local: frozenset[str]) -> Iterable[str]:
    pairs = [
        ("the title", run.title, shown.title),
        ("the description", run.description, shown.description),
        ("the abstract", *(r.paper.abstract if r.paper else "" for r in (run, shown))),
    ]
    pairs += [
        (f"the label {a.label}", a.label, b.label)
        for a, b in zip(run.models, shown.models, strict=True)
    ]
    for before, after in zip(run.images, shown.images, strict=True):
        pairs.append((f"the name of {before.name}", before.name, after.name))
        pairs.append((f"the title of {before.name}", before.title, after.title))
        pairs.append((f"the description of {before.name}", before.alt, after.alt))
        pairs.append((f"the credit of {before.name}", before.credit, after.credit))
    for what, text, other in pairs:
        if text != other:
            yield f"Left out: {what}; it tells who made this or where."
    labels = [m.label for m in shown.models if m.label in {o.label for o in run.models}]
    if labels:
        yield f"Kept: the labels {', '.join(labels)}."
    public = [
        m.id for m, old in zip(shown.models, run.models, strict=True) if old.slug not in local
    ]
    if local:
        yield "Left out: the licenses of models from folders."
    for model in run.models:
        if model.slug in local and model.commit:
            yield f"Left out: the id {model.id} and its commit; they tell who made this or where."
    if public:
        yield f"Kept: the ids of public models {', '.join(public)}."
    if groups := list(dict.fromkeys(image.group for image in shown.images if image.group)):
        yield f"Kept: the groups {', '.join(groups)}."
    credited = Counter(
        ", ".join(part for part in (i.credit, i.license, i.source) if part) for i in shown.images
    )
    for text, count in credited.items():
        if text:
            yield f"Kept: the credit of {counted(count, 'image')}: {text}."
    yield f"Kept: the names and titles of pictures, such as {shown.images[0].name}."


def _doubts(shown: Run, identity: Identity) -> Iterator[str]:
    """Texts that stay and may hold a part of a name, for the user to decide."""
    texts = [("the title", shown.title), ("the description", shown.description)]
    if shown.paper is not None:
        texts += [("the venue", shown.paper.venue), ("the abstract", shown.paper.abstract)]
    texts += [(f"the label {model.label}", model.label) for model in shown.models]
    texts += [("the id of a public model", model.id) for model in shown.models]
    texts += [(f"the label {sweep.label}", sweep.label) for sweep in shown.sweeps]
    for sequence in shown.sequences:
        texts += [(f"the label {sequence.label}", sequence.label)]
        texts += [(f"the name of {sequence.source}", sequence.source)]
    for image in shown.images:
        texts += [
            (f"the name of {image.name}", image.name),
            (f"the title of {image.name}", image.title),
            (f"the description of {image.name}", image.alt),
            (f"the credit of {image.name}", f"{image.credit}\n{image.license}\n{image.source}"),
            (f"the group of {image.name}", image.group),
        ]
    for what, text in dict(texts).items():
        if found := identity.suspected_in(text):
            yield (
                f"Kept, please look: {what} holds {', '.join(found)}, which is part of a name. "
                "Change it if it tells who made this."
            )
