"""Number of processes: validation."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator


def _jobs(given: Any) -> int | Literal["auto"] | None:
    if given is None or given == "auto" or (type(given) is int and given > 0):
        return given  # type: ignore[no-any-return]
    raise ValueError(given)


# One validator for the whole, so that an error names the key and not a member of the union.
Jobs = Annotated[
    int | Literal["auto"] | None,
    PlainValidator(_jobs, json_schema_input_type=int | Literal["auto"] | None),
    Field(description="a whole number from 1, or auto"),
]
"""Number of processes, or ``auto`` for one on each core; None leaves it to the caller."""
