"""The protocol of a delivery: question, outlook, added files, send."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Added:
    """A text file that is added to the site or the repository.

    Attributes:
        path: target, with ``/``.
    """

    path: str
    text: str


class Delivery(Protocol):
    """A publication that passed its local checks and can be sent."""

    @property
    def question(self) -> str:
        """The question to confirm, without the question mark."""

    @property
    def outlook(self) -> str:
        """What sending would do, as a sentence."""

    @property
    def added(self) -> tuple[Added, ...]:
        """Files that are added to the site."""

    def send(self) -> str:
        """Publish; returns a message for the user.

        Raises:
            PublishError: publishing was refused; nothing has changed on this machine.
        """
