"""Exit statuses and exceptions. A message says what was expected and found, and the next step."""

from __future__ import annotations

FAILED = 1
"""Exit status where something failed, or a limit was passed."""

BAD_USAGE = 2
"""Exit status of wrong options, arguments, gallery files or tables, as click has it."""

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""

LONGEST_MESSAGE = 900
"""Most characters of a message, and of a hint: quoted input may be megabytes."""


class GalleryError(Exception):
    """An error the user can act on. Printed as one line; anything else keeps its traceback.

    Attributes:
        message: what was expected and what was found, naming the model, image or file.
        hint: the next step, as an imperative sentence; empty when there is none.
        usage: whether other words would mend it: what was typed, or written in a gallery file or
            table, names nothing or has a value that cannot be. Commands exit with 2, else with 1.
    """

    usage = False

    def __init__(self, message: str, hint: str = "", *, usage: bool = False) -> None:
        super().__init__(message)
        self.usage = usage or type(self).usage
        self.message = _in_one_line(message)
        self.hint = _in_one_line(hint)

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


def _in_one_line(text: str) -> str:
    """A text on one line: quoted input may have several."""
    text = text.replace("\n", "\\n").replace("\r", "\\r")
    return text if len(text) <= LONGEST_MESSAGE else text[: LONGEST_MESSAGE - 1] + "…"


class SpecError(GalleryError):
    """The options or the gallery file ask for something that cannot be done."""

    usage = True


class ImageError(GalleryError):
    """An image cannot be found, opened or trusted."""


class ModelError(GalleryError):
    """A model cannot be found, loaded or understood."""


class UnsupportedModelError(ModelError):
    """The architecture has no global attention between patches, so there is nothing to draw."""


class CaptureError(ModelError):
    """The attention captured in a forward pass does not fit the architecture."""


class NothingLeftError(GalleryError):
    """Nothing is left to show, because everything failed.

    Attributes:
        what: what is not left, as a sentence.
        reason: message and hint of the first failure.
    """

    def __init__(self, what: str, message: str, hint: str, *, usage: bool = False) -> None:
        super().__init__(f"{what.rstrip('.')}: {message}", hint, usage=usage)
        self.what = what
        self.reason = f"{message} {hint}".rstrip()


class NoModelLeftError(NothingLeftError, ModelError):
    """No model is left to show."""


class StoreError(GalleryError):
    """The record store or the output folder cannot be read or written."""


class AnalysisError(GalleryError):
    """The records lack what an analysis needs."""


class PublishError(GalleryError):
    """A site cannot be published to the place the user named."""


def first_line(error: BaseException) -> str:
    """The first line of an error's text, at most 300 characters; its kind when it has none."""
    return str(error).strip().split("\n", maxsplit=1)[0][:300] or type(error).__name__
