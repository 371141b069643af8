"""Downloads from the Hugging Face hub into its library's own cache, with errors in plain words."""

from __future__ import annotations

import http
import json
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from huggingface_hub import hf_hub_download, try_to_load_from_cache
from huggingface_hub.errors import (  # type: ignore[attr-defined] # HTTPError, see below
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HTTPError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
)

from generator.capture.checkpoint.shards import holding
from generator.capture.checkpoint.weight_files import WEIGHTS, WEIGHTS_INDEX
from generator.errors import ModelError, first_line

UNREACHABLE = (HTTPError, OSError)
"""Exceptions of the hub library for no answer or a refusal.

``HTTPError`` is that of httpx or httpx2, whichever this version of the library uses; it is no
``OSError``."""


unfinished: list[str] = []
"""Files whose download was stopped: the hub's library fetches them from their start again."""


def download(model: str, name: str, revision: str) -> Path:
    """The local copy of one file.

    Raises:
        ModelError: the file cannot be downloaded and is not in the cache.
    """
    try:
        return Path(hf_hub_download(model, name, revision=revision))
    except KeyboardInterrupt:
        unfinished.append(name)
        raise
    except GatedRepoError as error:
        raise gated(model) from error
    except (EntryNotFoundError, *UNREACHABLE) as error:
        problem, advice = hub_problem(error)
        raise ModelError(f"Could not download {name} of {model}: {problem}.", advice) from error


def note_absent(model: str, name: str, commit: str) -> None:
    """Note in the cache that a file doesn't exist, for work without a network."""
    if try_to_load_from_cache(model, name, revision=commit) is None:
        with suppress(EntryNotFoundError, *UNREACHABLE):
            hf_hub_download(model, name, revision=commit)


def fetch_weights(
    model: str, commit: str, named: str | None = None, wanted: Collection[str] = ()
) -> Path:
    """Download the weights into the cache; returns the folder of their files.

    Args:
        model: hub id.
        commit: full hash.
        named: the file of the weights, or their index, where the config names one.
        wanted: names of a network's tensors: only files that hold some are downloaded. All files
            where there are no such names.

    Raises:
        ModelError: they cannot be downloaded.
    """
    cached = try_to_load_from_cache(model, WEIGHTS_INDEX, revision=commit)
    if named is not None:
        first = download(model, named, commit)
    elif isinstance(cached, str):
        first = Path(cached)
    else:
        try:
            first = download(model, WEIGHTS, commit)
        except ModelError as error:
            if not isinstance(error.__cause__, RemoteEntryNotFoundError):
                raise
            first = download(model, WEIGHTS_INDEX, commit)
    if first.name.endswith(".index.json"):
        places = json.loads(first.read_bytes()).get("weight_map") or {}
        for part in sorted(holding({name: str(part) for name, part in places.items()}, wanted)):
            download(model, part, commit)
    return first.parent


def hub_problem(error: BaseException) -> tuple[str, str]:
    """A problem with the hub in words, and the next step."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OfflineModeIsEnabled):
            return "HF_HUB_OFFLINE is set, so the hub is not asked", "Unset it to go online."
        if isinstance(cause, HfHubHTTPError):
            return _refusal(cause)
        if isinstance(cause, HTTPError):
            problem = f"the connection to the hub failed ({first_line(cause).rstrip('.')})"
            return problem, "Check the network and try again."
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, OSError) and error.errno is not None:
        # The folder is not named: failures are published.
        problem = f"the hub library's cache cannot be written ({error.strerror})"
        return problem, "Make room and check its permissions, or set HF_HOME to another folder."
    if isinstance(error, OSError):
        return first_line(error).rstrip("."), "Check the network and try again."
    return "the hub's answer makes no sense", "Check the network, and HF_ENDPOINT if it is set."


def _refusal(error: HfHubHTTPError) -> tuple[str, str]:
    status = error.response.status_code
    try:
        phrase = http.HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    says = f": {error.server_message}" if error.server_message else ""
    advice = "Try again later."
    if status in (http.HTTPStatus.UNAUTHORIZED, http.HTTPStatus.FORBIDDEN):
        advice = "Log in with `hf auth login`."
    elif status == http.HTTPStatus.NOT_FOUND:
        advice = "Check the model's files on its page."
    return f"the hub answers {status} {phrase}".rstrip() + says.rstrip("."), advice


def gated(model: str) -> ModelError:
    """The error for a model whose files are kept from this user."""
    return ModelError(
        f"The model {model} is gated: its authors must grant you access first.",
        f"Ask for it at {page(model)}, then log in with `hf auth login`.",
    )


def page(model: str) -> str:
    """The address of a model's page."""
    return f"https://huggingface.co/{model}"
