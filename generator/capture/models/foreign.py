"""Errors of checkpoints' own code, and of libraries that read or run them, as one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

from safetensors import SafetensorError

from generator.capture.checkpoint.resolved import ResolvedModel
from generator.errors import GalleryError, ModelError, first_line


@contextmanager
def loading_errors(resolved: ResolvedModel) -> Iterator[None]:
    """Context manager: turn unexpected errors of loading into one with the model and a next step.

    Raises:
        ModelError: for every error that is not of this program.
    """
    try:
        yield
    except GalleryError:
        raise
    except SafetensorError as error:
        raise ModelError(
            f"The weights of {resolved.id} are damaged or cut short: {first_line(error)}.",
            "Copy or download them again.",
        ) from error
    except Exception as error:
        raise ModelError(
            f"The weights of {resolved.id} cannot be loaded: {_reason(error, resolved)}.",
            f"Check the checkpoint with {_package(resolved)} alone.",
        ) from error


@contextmanager
def running_errors(resolved: ResolvedModel, picture: str = "") -> Iterator[None]:
    """Context manager: turn unexpected errors of a network that runs into one with a next step.

    Args:
        picture: that it runs on, named in errors; empty for any.

    Raises:
        ModelError: for every error that is not of this program.
    """
    try:
        yield
    except GalleryError:
        raise
    except Exception as error:
        where = f" on {picture}" if picture else ""
        raise ModelError(
            f"{resolved.id} cannot be measured{where}: {type(error).__name__}: "
            f"{_reason(error, resolved)}.",
            f"Its {resolved.vision.model_type} network may need more than a picture: run it with "
            f"{_package(resolved)} alone.",
        ) from error


def _reason(error: Exception, resolved: ResolvedModel) -> str:
    """The first line of an error. Failures are published, and folders may be private."""
    return first_line(error).replace(resolved.location, resolved.id).rstrip(".")


def _package(resolved: ResolvedModel) -> str:
    """The package that makes the network, with its version."""
    return f"{resolved.loader.package} {version(resolved.loader.package)}"
