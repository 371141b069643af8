"""Specification of a data set of the hub: the table ``[dataset]`` of a gallery's file.

Every key but ``name`` is optional::

    [dataset]
    name = "owner/name"    # or a local folder that the library datasets reads; @revision behind it
    split = "test[:20]"
    column = "image"
    subset = "default"
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

SPLIT = "a split such as test, test[:20] or test[100:120]"
_SPLIT = r"^[\w.-]+(\[\d*:\d*\])?$"
_RANGE = re.compile(r"([\w.-]+)(?:\[(\d*):(\d*)\])?")


class DatasetSpec(BaseModel):
    """A data set whose pictures are shown. Frozen; the module shows the TOML form.

    Attributes:
        name: ``owner/name`` on the hub, also with ``@revision``, or a local folder.
        split: split and rows, counted from 0: ``test[:20]``; empty for its only split.
        column: column of the pictures; empty for its only one.
        subset: subset (configuration) of the data set; empty for the default one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1)] = Field(description="a data set such as owner/name")
    split: Annotated[str, Field(pattern=rf"^$|{_SPLIT}")] = Field("", description=SPLIT)
    column: str = Field("", description="the name of a column")
    subset: str = Field("", description="the name of a subset")

    @property
    def rows(self) -> tuple[str, int, int | None]:
        """Name of the split, first row and the row after the last one; None for all."""
        found = _RANGE.fullmatch(self.split)
        if found is None:
            return "", 0, None
        return found[1], int(found[2] or 0), int(found[3]) if found[3] else None
