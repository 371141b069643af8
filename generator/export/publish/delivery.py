"""The protocol of a delivery: question, added files, send."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Added:
    """A text file that goes beside the site.

    Attributes:
        path: where it goes, with ``/``.
    """

    path: str
    text: str


class Delivery(Protocol):
    """A publication that passed its local checks and can be sent."""

    @property
    def question(self) -> str:
        """What the user is asked to agree to, without the question mark."""

    @property
    def added(self) -> tuple[Added, ...]:
        """Files that are written beside the site."""

    def send(self) -> str:
        """Do it; returns what to tell the user.

        Raises:
            PublishError: it was refused; nothing is changed on this machine.
        """
