"""Pictures in repositories of the Hugging Face hub: ``hf://datasets/owner/name/folder/*.jpg``.

The hub's own library lists and fetches them, with its cache and its login. A listing is kept, so
that a gallery can be built again without a network.
"""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from generator.errors import ImageError
from generator.images.clips import VIDEOS
from generator.images.credits import Credit
from generator.images.find import EXTENSIONS, FoundFrame, natural_order
from generator.progress import Reporter
from generator.records.packing import PackingError, canonical, revive
from generator.records.run import Failure
from generator.temporary import keep_in_store
from generator.text.amounts import size_in_words
from generator.text.numbers import count

if TYPE_CHECKING:
    from huggingface_hub import HfFileSystem

MOST_FILES = 2000
"""Pictures of one address, at most."""

MOST_BYTES = 5_000_000_000
"""Bytes of the pictures of one address, at most."""


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file of a repository.

    Attributes:
        path: within the repository.
        group: folder below the one that was named; empty without one.
        bytes: size, as the hub says.
    """

    path: str
    group: str
    bytes: int


@dataclass(frozen=True, slots=True)
class HubListing:
    """The pictures behind an address of the hub.

    Attributes:
        kind: ``dataset``, ``model`` or ``space``.
        repository: ``owner/name``.
        commit: full hash.
    """

    kind: str
    repository: str
    commit: str
    files: tuple[HubFile, ...]


def hub_pictures(
    address: str, folder: Path, reporter: Reporter
) -> list[Path | Callable[[], Path | FoundFrame]]:
    """A call for each picture behind an address, which fetches it.

    Args:
        address: of a file, a folder or a pattern.
        folder: where listings are kept.

    Raises:
        ImageError: there is no such place, it holds no picture, or too many.
        StoreError: the listing cannot be kept.
    """
    kept = folder / f"{hashlib.sha256(address.encode()).hexdigest()[:32]}.json"
    listing = _listing(address, kept, reporter)
    return [_fetching(listing, file) for file in listing.files]


def _listing(address: str, kept: Path, reporter: Reporter) -> HubListing:
    """Ask the hub what is there; without a network, what was there before."""
    from huggingface_hub.errors import HfHubHTTPError, HTTPError  # type: ignore[attr-defined] # noqa: PLC0415

    try:
        listing = _asked(address)
    except (HTTPError, OSError, ValueError) as error:
        refused = isinstance(error, HfHubHTTPError) and error.response.status_code < 500
        answered = refused or isinstance(error, FileNotFoundError | ValueError)
        if not answered and (before := _read(kept)) is not None:
            reporter.note(f"{address}: the hub cannot be reached; taken as it was before")
            return before
        reason = str(error).strip().split("\n", maxsplit=1)[0][:300] or type(error).__name__
        what = "There is nothing at" if isinstance(error, FileNotFoundError) else "Cannot list"
        hint = "Check the spelling: hf://datasets/owner/name/folder/*.jpg."
        if not answered:
            hint = "Check the network and try again."
        raise ImageError(
            f"{what} {address} ({reason.rstrip('.')}).",
            hint,
            usage=isinstance(error, FileNotFoundError | ValueError),
        ) from error
    keep_in_store(kept, canonical(asdict(listing)).encode(), "A listing of the hub")
    return listing


def _asked(address: str) -> HubListing:
    from huggingface_hub import HfApi, HfFileSystem  # noqa: PLC0415 - only where it is needed

    system = HfFileSystem(skip_instance_cache=True)
    path = address[len("hf://") :].strip("/")
    found = _files(system, path)
    if not found:
        raise ImageError(
            f"{address} holds no picture.",
            "Name a folder of pictures, a pattern such as hf://datasets/owner/name/**/*.jpg, or "
            "a data set with --dataset.",
            usage=True,
        )
    total = sum(file["size"] or 0 for file in found)
    if len(found) > MOST_FILES or total > MOST_BYTES:
        raise ImageError(
            f"{address} holds {count(len(found))} pictures of {size_in_words(total)}; at most "
            f"{count(MOST_FILES)} of {size_in_words(MOST_BYTES)} are fetched.",
            "Name a folder in it, or a pattern that fits fewer.",
            usage=True,
        )
    places: list[Any] = [system.resolve_path(file["name"]) for file in found]
    above = _above(path)
    info = HfApi().repo_info(
        places[0].repo_id, repo_type=places[0].repo_type, revision=places[0].revision
    )
    return HubListing(
        kind=places[0].repo_type,
        repository=places[0].repo_id,
        commit=str(info.sha),
        files=tuple(
            HubFile(place.path_in_repo, _group(file["name"], above), int(file["size"] or 0))
            for place, file in zip(places, found, strict=True)
        ),
    )


def _files(system: HfFileSystem, path: str) -> list[dict[str, Any]]:
    """The pictures and clips of a path, in natural order."""
    if glob.has_magic(path):
        matches: Any = system.glob(path, detail=True)
        found = [info for info in matches.values() if info["type"] == "file"]
    else:
        info = system.info(path)
        if info["type"] == "file":
            return [info]
        inside: Any = system.find(path, detail=True)
        found = list(inside.values())
    known = EXTENSIONS | VIDEOS
    pictures = [info for info in found if PurePosixPath(info["name"]).suffix.lower() in known]
    return sorted(pictures, key=lambda info: [natural_order(p) for p in info["name"].split("/")])


def _above(path: str) -> PurePosixPath:
    """The folder that a path or a pattern starts at."""
    parts = path.split("/")
    plain = next((n for n, part in enumerate(parts) if glob.has_magic(part)), len(parts))
    return PurePosixPath(*parts[:plain])


def _group(name: str, above: PurePosixPath) -> str:
    parent = PurePosixPath(name).parent
    return str(parent.relative_to(above)).strip(".") if parent.is_relative_to(above) else ""


def _fetching(listing: HubListing, file: HubFile) -> Callable[[], FoundFrame]:
    def fetch() -> FoundFrame:
        name = PurePosixPath(file.path).name
        kind = "" if listing.kind == "model" else f"{listing.kind}s/"
        source = f"https://huggingface.co/{kind}{listing.repository}"
        path, failure = Path(name), None
        try:
            path = _download(listing, file.path)
        except ImageError as error:
            failure = Failure(error.message, error.hint)
        credit = Credit(source=source)
        return FoundFrame.picture(path, name, group=file.group, credit=credit, failure=failure)

    return fetch


def _download(listing: HubListing, path: str) -> Path:
    from huggingface_hub import hf_hub_download  # noqa: PLC0415
    from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined] # noqa: PLC0415
    from huggingface_hub.utils import tqdm  # type: ignore[attr-defined] # noqa: PLC0415

    class NoBar(tqdm):
        """One bar for all pictures is enough."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs | {"disable": True})  # type: ignore[no-untyped-call]

    try:
        return Path(
            hf_hub_download(
                listing.repository,
                path,
                repo_type=listing.kind,
                revision=listing.commit,
                tqdm_class=NoBar,
            )
        )
    except (HTTPError, OSError) as error:
        reason = str(error).strip().split("\n", maxsplit=1)[0][:300]
        raise ImageError(
            f"{PurePosixPath(path).name} cannot be fetched from the hub ({reason.rstrip('.')}).",
            "Check the network and try again.",
        ) from error


def _read(kept: Path) -> HubListing | None:
    try:
        return revive(HubListing, kept.read_bytes())
    except (OSError, PackingError):
        return None
