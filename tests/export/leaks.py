"""Looking for names in every byte that is published, also in what is compressed."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path


def contents(name: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    """A file's name and bytes, and everything that is packed in them."""
    yield name, name.encode()
    yield name, data
    if data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield name, archive.comment
            for entry in archive.infolist():
                yield from contents(f"{name}/{entry.filename}", archive.read(entry))
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        for kind, body in png_chunks(data):
            yield name, body if kind != b"zTXt" else zlib.decompress(body.split(b"\0\0", 1)[1])
    if data[:4] == b"%PDF":
        for found in re.finditer(rb"stream\r?\n(.*?)\r?\nendstream", data, re.DOTALL):
            try:
                yield name, zlib.decompress(found[1])
            except zlib.error:
                yield name, found[1]


def png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 8
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        yield data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        at += length + 12


def metadata(path: Path) -> list[str]:
    """Words in pictures: chunks of a PNG or a WebP that hold no pixels."""
    found = []
    files = [path] if path.is_file() else [p for p in sorted(path.rglob("*")) if p.is_file()]
    for file in files:
        for name, data in contents(file.name, file.read_bytes()):
            if data[:8] == b"\x89PNG\r\n\x1a\n":
                kinds = {kind.decode() for kind, _ in png_chunks(data)}
                found += [
                    f"{k} in {name}" for k in kinds - {"IHDR", "PLTE", "tRNS", "IDAT", "IEND"}
                ]
            if data[:4] == b"RIFF":
                found += [f"{k} in {name}" for k in ("EXIF", "XMP ", "ICCP") if k.encode() in data]
    return found


def leaks(path: Path, *markers: str) -> list[str]:
    """Where a marker is found, in a file or in a folder's files, in any case."""
    files = [path] if path.is_file() else [p for p in sorted(path.rglob("*")) if p.is_file()]
    assert files
    found = []
    for file in files:
        name = file.name if path.is_file() else file.relative_to(path).as_posix()
        for where, data in contents(name, file.read_bytes()):
            for form in (data, data.replace(b"\0", b"")):  # numpy and PDF write wide letters
                found += [f"{m} in {where}" for m in markers if m.lower().encode() in form.lower()]
    return sorted(set(found))
