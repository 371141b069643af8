"""Pictures at addresses: fetched once into the folder ``fetched`` of the record store.

What the user names may be anywhere, also on this machine or in a private network. A server that is
reached over the internet must not send the program into one (a redirect to a private address is
refused), nor from https to http. Files have at most :data:`LARGEST` bytes, and what they hold is
checked as that of any picture.
"""

from __future__ import annotations

import hashlib
import http
import ipaddress
import logging
import mimetypes
import re
import shutil
import socket
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPMessage
from pathlib import Path
from typing import IO

from generator.errors import ImageError, StoreError
from generator.images.clips import VIDEOS, is_clip
from generator.images.credits import Credit
from generator.images.find import FoundFrame
from generator.images.header import picture_header
from generator.images.hub_pictures import hub_pictures
from generator.images.pixels import readable
from generator.progress import Reporter
from generator.records.run import Failure
from generator.spec.pictures import Address
from generator.temporary import beside
from generator.text.amounts import size_in_words
from generator.version import __version__

logger = logging.getLogger(__name__)

FETCHED = "fetched"
"""Folder of fetched pictures, in the record store."""

LARGEST = 200_000_000
"""Bytes of a picture or clip, at most."""

SECONDS = 30.0
"""How long a server may say nothing."""

REDIRECTS = 5
WORKERS = 8
CHUNK = 1 << 16
LONGEST_NAME = 100


def fetch_all(
    places: Sequence[Path | Address], store: Path, reporter: Reporter
) -> tuple[Path | FoundFrame, ...]:
    """Replace addresses by pictures on this machine; one that fails becomes its failure.

    Args:
        places: paths, which stay as they are, and addresses.
        store: folder of the record store, which keeps what was fetched.

    Raises:
        ImageError: a folder or pattern on the hub cannot be listed, holds no picture or too many.
        StoreError: the store cannot be written.
    """
    found: list[Path | Callable[[], Path | FoundFrame]] = []
    for place in places:
        if isinstance(place, Path):
            found.append(place)
        elif place.text.lower().startswith("hf://"):
            found += hub_pictures(place.text, store / FETCHED, reporter)
        else:
            found.append(_from_the_web(place.text, store / FETCHED))
    waiting = [item for item in found if not isinstance(item, Path)]
    if not waiting:
        return tuple(item for item in found if isinstance(item, Path))
    with (
        reporter.job("fetching pictures", len(waiting), brief=True) as job,
        ThreadPoolExecutor(WORKERS) as pool,
    ):
        futures = [item if isinstance(item, Path) else pool.submit(item) for item in found]
        results: list[Path | FoundFrame] = []
        for future in futures:
            if isinstance(future, Path):
                results.append(future)
            else:
                results.append(future.result())
                job.advance()
    return tuple(results)


def clear_fetched(store: Path) -> None:
    """Remove everything that was fetched."""
    shutil.rmtree(store / FETCHED, ignore_errors=True)


def fetched_bytes(store: Path) -> int:
    """Size of everything that was fetched."""
    return sum(path.stat().st_size for path in (store / FETCHED).rglob("*") if path.is_file())


# --- the web -------------------------------------------------------------------------------------


def _from_the_web(address: str, folder: Path) -> Callable[[], Path | FoundFrame]:
    """A call that gives the picture at an address, or its failure."""
    shown = urllib.parse.urlsplit(address)
    host = shown.netloc.rpartition("@")[2]  # what may be secret is not published
    credit = Credit(source=urllib.parse.urlunsplit((shown.scheme, host, shown.path, "", "")))
    name = name_in(shown.path) or readable(shown.hostname or "picture")

    def fetch() -> Path | FoundFrame:
        place = folder / hashlib.sha256(address.encode()).hexdigest()[:32]
        try:
            path = _kept(place) or _download(address, place, name)
            logger.info("%s is kept as %s", name, path)
        except ImageError as error:
            failure = Failure(error.message, error.hint)
            return FoundFrame.picture(place / name, name, credit=credit, failure=failure)
        return path if is_clip(path) else FoundFrame.picture(path, path.name, credit=credit)

    return fetch


def name_in(path: str) -> str:
    """The file name at the end of an address's path, safe on every system; may be empty."""
    last = urllib.parse.unquote(path.rpartition("/")[2])
    safe = re.sub(r'[<>:"/\\|?*\x00-\x1f]+', "_", last).strip(". ")
    stem, dot, ending = safe.rpartition(".")
    return f"{stem[:LONGEST_NAME]}{dot}{ending}" if stem else safe[:LONGEST_NAME]


def _kept(place: Path) -> Path | None:
    """The picture that was fetched before; None if it was not."""
    with suppress(OSError):
        return next((path for path in place.iterdir() if path.name[0] != "."), None)
    return None


def _download(address: str, place: Path, name: str) -> Path:
    """Fetch one file and check that it is a picture or a clip.

    Raises:
        ImageError: the server refuses it, cannot be reached, or sends something else.
        StoreError: the store cannot be written.
    """
    request = urllib.request.Request(  # noqa: S310 - an address of http or https, see Address
        address, headers={"User-Agent": f"attention-gallery/{__version__}", "Accept": "*/*"}
    )
    opener = urllib.request.build_opener(_CarefulRedirects())
    try:
        with opener.open(request, timeout=SECONDS) as answer:
            kind = answer.headers.get_content_type()
            path = place / _with_ending(name, kind)
            if kind in ("text/html", "application/xhtml+xml"):
                raise ImageError(
                    f"{name} is a web page, not a picture.",
                    "Give the address of the picture itself: open it alone in the browser.",
                )
            _save(answer, path, name)
    except urllib.error.HTTPError as error:
        error.close()
        raise _refused(name, error) from error
    except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise ImageError(
            f"{name} cannot be fetched: {getattr(reason, 'strerror', None) or reason}.",
            "Check the address and the network.",
        ) from error
    try:
        if path.suffix.lower() not in VIDEOS:
            picture_header(path)
    except ImageError:
        path.unlink(missing_ok=True)
        raise
    return path


def _save(answer: IO[bytes], path: Path, name: str) -> None:
    """Write an answer to a file, as far as its size is allowed."""
    size = 0
    try:
        with beside(path) as temporary:
            with temporary.open("wb") as file:
                while chunk := _read(answer, name):
                    size += len(chunk)
                    if size > LARGEST:
                        raise ImageError(
                            f"{name} is larger than {size_in_words(LARGEST)}.",
                            "Fetch it yourself, and name the file.",
                        )
                    file.write(chunk)
            if getattr(answer, "length", None):  # of what was announced, how much is missing
                raise _broken_off(name)
            temporary.replace(path)
    except OSError as error:
        raise StoreError(
            f"{name} cannot be written to {path.parent}: {error.strerror}.",
            "Free some space, or name another folder with --store.",
        ) from error


def _read(answer: IO[bytes], name: str) -> bytes:
    try:
        return answer.read(CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise _broken_off(name) from error


def _broken_off(name: str) -> ImageError:
    return ImageError(
        f"{name} cannot be fetched: the connection broke off.", "Run the command again."
    )


def _with_ending(name: str, kind: str) -> str:
    """A name with an ending of its kind, where it has none."""
    if Path(name).suffix or not kind.startswith(("image/", "video/")):
        return name
    return name + (mimetypes.guess_extension(kind) or "")


def _refused(name: str, error: urllib.error.HTTPError) -> ImageError:
    try:
        phrase = http.HTTPStatus(error.code).phrase
    except ValueError:
        phrase = ""
    if isinstance(error, _UnsafeRedirectError):
        return ImageError(
            f"{name} cannot be fetched: {error.reason}.", "Give the address it leads to."
        )
    return ImageError(
        f"{name} cannot be fetched: the server answers {error.code} {phrase}".rstrip() + ".",
        "Check the address in a browser; what needs a login must be fetched there.",
    )


class _UnsafeRedirectError(urllib.error.HTTPError):
    """The server leads to a place that is not followed."""


class _CarefulRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to other public addresses only."""

    max_redirections = REDIRECTS

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """The next request, or an error."""
        problem = unsafe_step(req.full_url, newurl)
        if problem:
            raise _UnsafeRedirectError(req.full_url, code, problem, headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def unsafe_step(address: str, target: str) -> str:
    """Why a redirect is not followed; empty if it is."""
    before, after = urllib.parse.urlsplit(address), urllib.parse.urlsplit(target)
    if after.scheme not in ("http", "https"):
        return f"its server leads to an address of {after.scheme}"
    if before.scheme == "https" and after.scheme == "http":
        return "its server leads from https to http"
    if is_private(after.hostname or "") and not is_private(before.hostname or ""):
        return "its server leads to an address in a private network"
    return ""


def is_private(host: str) -> bool:
    """Whether a host is this machine or in a private network."""
    try:
        found = socket.getaddrinfo(host, None)
    except OSError:  # unknown here: a proxy may know it
        return False
    return any(not ipaddress.ip_address(str(each[4][0]).split("%")[0]).is_global for each in found)
