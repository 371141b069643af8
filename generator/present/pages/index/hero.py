"""The hero of the front page: its sentence, its rule and its layout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from generator.present.cells.files import CellContent
from generator.present.content.crop import crop_size
from generator.present.content.hero import RULE_OF_PAPER, Hero, HeroMap
from generator.present.pages.index.hero_views import FindingPart, HeroTile, HeroView
from generator.present.pages.planner import Planner
from generator.present.pages.views import Picture
from generator.records.run import ImageEntry, ModelEntry
from generator.text.numbers import column, count, machine, number, percent
from generator.text.phrases import quoted

AVAILABLE = (1200, 540)
"""Width and height that the maps have in a window of 1280 x 800 pixels."""

LARGEST = 1200
"""Largest width of a map, in pixels."""

GAP, CAPTION = 10, 32
"""Pixels between maps, and below each for its caption."""


def hero_view(planner: Planner) -> HeroView | None:
    """The hero of the front page; None where a teaser stands still or nothing was measured."""
    hero = planner.contents.front.hero
    if hero is None:
        return None
    image = next(each for each in planner.run.images if each.slug == hero.image)
    models = {model.slug: model for model in planner.run.models}
    shown = [_Shown(planner, image, hero, each, models[each.model]) for each in hero.maps]
    photo = shown[0].photo
    aspect = shown[0].size.width / shown[0].size.height
    columns = best_columns(len(shown) + 1, aspect)
    asked = _asked([each.content for each in shown])
    return HeroView(
        photo=photo,
        title=image.title,
        finding=tuple(_finding(planner, image.title, shown, hero, asked)),
        what=f"{asked[0].upper()}{asked[1:]}, mean over heads, each map on its own scale.",
        rule=hero.rule,
        tiles=tuple(each.tile() for each in shown),
        columns=columns,
        rows=-(-(len(shown) + 1) // columns),
        aspect=machine(min(2.0, max(0.5, round(4 * aspect) / 4))),
        depth=hero.depth,
        depths=max(each.content.facts.model.layers for each in shown),
        apart=tuple(f"{number(bits)} bits" for bits in hero.apart),
        colors=planner.contents.settings.colors,
    )


def best_columns(tiles: int, aspect: float) -> int:
    """Columns with which maps are largest in ``AVAILABLE``; of equals those that fill their rows.

    In a single row the picture is half as wide as a map, since every map shows it; in several rows
    it is as large as these.

    Args:
        tiles: the picture, and the maps.
        aspect: width of a map by its height.
    """

    def width(columns: int) -> float:
        rows = -(-tiles // columns)
        across = (AVAILABLE[0] - GAP * (columns - 1)) / (columns - 0.5 * (rows == 1))
        return min(across, ((AVAILABLE[1] - GAP * (rows - 1)) / rows - CAPTION) * aspect)

    def gaps(columns: int) -> int:
        return -tiles % columns

    return max(range(1, tiles + 1), key=lambda c: (round(width(c)), -gaps(c), c))


class _Shown:
    """A model's map of the hero, with what its tile and the sentence say of it."""

    def __init__(
        self, planner: Planner, image: ImageEntry, hero: Hero, found: HeroMap, model: ModelEntry
    ) -> None:
        content = planner.cell(found.model, image.slug)
        assert isinstance(content, CellContent)
        self.planner, self.found, self.content, self.label = planner, found, content, model.label
        self.url = f"{planner.image_link(image)}#layer={hero.depth}"
        self.size = crop_size(content.facts.view)
        self.photo = self._picture(found.crop.path, image.alt) if found.crop else None

    def tile(self) -> HeroTile:
        layers, chunk = self.content.facts.model.layers, self.content.chunks[0]
        alt = (
            f"{self.label}, layer {self.found.layer} of {layers}: the strongest tenth of the "
            f"patches holds {percent(self.found.strongest)} of the attention."
        )
        return HeroTile(
            label=self.label,
            url=self.url,
            photo=self.photo,
            map=self._picture(self.found.file.path, alt),
            layers=layers,
            layer=self.found.layer,
            chunk=self.planner.url(chunk.path),
            record=self.content.facts.record,
            query=chunk.query,
        )

    def _picture(self, path: str, alt: str) -> Picture:
        """A picture as large as any window may show it; styles make it smaller."""
        height = round(LARGEST * self.size.height / self.size.width)
        return Picture(self.planner.url(path), LARGEST, height, alt)


def _asked(contents: Sequence[CellContent]) -> str:
    """Whose attention the maps show."""
    received = {content.received for content in contents}
    if received == {False}:
        return "CLS attention"
    return "received attention" if received == {True} else "attention"


def _finding(
    planner: Planner, title: str, shown: Sequence[_Shown], hero: Hero, asked: str
) -> Iterator[FindingPart]:
    """What the maps show, in plain words with their numbers."""
    images = sum(image.failure is None for image in planner.run.images)
    of = f" (of {count(images)} pictures)" if images > 1 else ""
    layer = _layer(shown, hero)
    if len(shown) == 1:
        yield FindingPart(f"{quoted(shown[0].label)} looks most narrowly on ")
        yield FindingPart(title, strong=True)
        yield FindingPart(f"{of}. In {layer}, the")
    elif hero.apart and hero.rule == RULE_OF_PAPER:
        yield FindingPart("On ")
        yield FindingPart(title, strong=True)
        yield FindingPart(f" in {layer}, the maps differ by ")
        yield from _apart(hero, len(shown))
    elif hero.apart:
        models = "The two models" if len(shown) == 2 else f"The {count(len(shown))} models"
        yield FindingPart(f"{models} disagree most on ")
        yield FindingPart(title, strong=True)
        yield FindingPart(f"{of}. In {layer}, their maps differ by ")
        yield from _apart(hero, len(shown))
    else:
        yield FindingPart("On ")
        yield FindingPart(title, strong=True)
        yield FindingPart(f" in {layer}, the")
    yield FindingPart(" strongest tenth of the patches holds ")
    yield from _shares(shown, asked)
    yield FindingPart(".")


def _apart(hero: Hero, models: int) -> Iterator[FindingPart]:
    """How far the maps are apart, and the beginning of the next sentence."""
    yield FindingPart(number(hero.apart[hero.depth - 1]), strong=True)
    yield FindingPart(" ")
    yield FindingPart("bits", term="divergence")
    yield FindingPart(" on average. The" if models > 2 else ". The")


def _layer(shown: Sequence[_Shown], hero: Hero) -> str:
    """The layers that are shown, in words."""
    layers = {each.content.facts.model.layers for each in shown}
    if hero.depth == max(layers):
        return "the last layer"
    same = "" if len(layers) == 1 else " (the others at the same relative depth)"
    return f"layer {hero.depth} of {max(layers)}{same}"


def _shares(shown: Sequence[_Shown], asked: str) -> Iterator[FindingPart]:
    """What the strongest tenth holds: of each of two models, else the least and the most.

    Labels are quoted, since they may have commas.
    """
    ordered = sorted(shown, key=lambda each: each.found.strongest)
    ends = list(shown) if len(shown) < 3 else [ordered[0], ordered[-1]]
    first, last = ends[0], ends[-1]
    shares = column([each.found.strongest for each in ends], "percent")
    yield FindingPart("from " if len(shown) > 2 else "")
    yield FindingPart(shares[0], strong=True)
    yield FindingPart(f" of {asked}")
    if len(shown) > 1:
        yield FindingPart(f" in {quoted(first.label)} {'and' if len(shown) == 2 else 'to'} ")
        yield FindingPart(shares[-1], strong=True)
        yield FindingPart(f" in {quoted(last.label)}")
