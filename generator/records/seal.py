"""Checksums inside safetensors files, which detect damage on reading.

The header of such a file has one JSON text. It begins with the key ``seal``: the SHA-256 of every
array, its dtype and its shape, and the SHA-256 of these together with the facts that follow. So the
facts can be verified without reading the arrays, and each array is verified when it is read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

_START = '{"seal":'
_DECODER = json.JSONDecoder()


class SealError(Exception):
    """A file does not match its checksums."""


@dataclass(frozen=True, slots=True)
class SealedArray:
    """Checksum, dtype and shape of a written array.

    Attributes:
        sha256: SHA-256 of its bytes.
    """

    dtype: str
    shape: tuple[int, ...]
    sha256: str

    @classmethod
    def of(cls, array: NDArray[Any]) -> SealedArray:
        """Describe a contiguous array."""
        data = array.reshape(-1).view(np.uint8)  # hashlib reads no half precision
        return cls(array.dtype.name, array.shape, hashlib.sha256(data.data).hexdigest())


@dataclass(frozen=True, slots=True)
class Sealed:
    """A verified header."""

    facts: str
    arrays: Mapping[str, SealedArray]

    def check(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Check arrays against the header.

        Raises:
            SealError: an array is missing, different or unexpected.
        """
        if arrays.keys() != self.arrays.keys():
            raise SealError("it holds other arrays than its header lists")
        for name, array in arrays.items():
            if SealedArray.of(array) != self.arrays[name]:
                raise SealError(f"the checksum of {name} does not match its values")


def sealed_file(entry: str, facts: str, arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """A safetensors file of arrays and facts with their checksums; the same for the same content.

    Args:
        entry: name of the text in the file's metadata.
        facts: a JSON object that is not empty.
    """
    listed = {name: SealedArray.of(array) for name, array in sorted(arrays.items())}
    text = _arrays_text(listed)
    seal = f'{{"arrays":{text},"sha256":"{_digest(text, facts)}"}}'
    # One entry only: safetensors writes several in random order.
    return save(dict(arrays), metadata={entry: f"{_START}{seal},{facts[1:]}"})


def facts_of(text: str) -> str:
    """The facts of a header, not verified: for files whose bytes were verified as a whole.

    Raises:
        SealError: the text has no checksum, or its checksums cannot be read.
    """
    return "{" + text[_opened(text)[1] + 1 :]


def _opened(text: str) -> tuple[Any, int]:
    """The checksums of a header, and where they end."""
    if not text.startswith(_START):
        raise SealError("it carries no checksum")
    try:
        return _DECODER.raw_decode(text, len(_START))
    except (ValueError, RecursionError) as error:
        raise SealError("its checksums cannot be read") from error


def unsealed(text: str) -> Sealed:
    """Verify a header; returns its facts and the entries of its arrays.

    Raises:
        SealError: the text has no checksum, or does not match it.
    """
    seal, end = _opened(text)
    try:
        arrays = {
            str(name): SealedArray(str(dtype), tuple(shape), str(sha256))
            for name, (dtype, shape, sha256) in seal["arrays"].items()
        }
        expected = seal["sha256"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SealError("its checksums cannot be read") from error
    facts = "{" + text[end + 1 :]
    if _digest(_arrays_text(arrays), facts) != expected:
        raise SealError("the checksum of its facts does not match them")
    return Sealed(facts, arrays)


def _arrays_text(arrays: Mapping[str, SealedArray]) -> str:
    listed = {name: (each.dtype, each.shape, each.sha256) for name, each in arrays.items()}
    return json.dumps(listed, separators=(",", ":"))


def _digest(arrays: str, facts: str) -> str:
    return hashlib.sha256(f"{arrays}\n{facts}".encode()).hexdigest()
