"""Records as files for other programs: npz and safetensors, with a description of every array."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np

from generator.analysis.quantities.arrays import ARRAY_QUANTITIES
from generator.export.archive import zip_bytes
from generator.export.source import Source
from generator.records.arrays import ARRAYS, RecordArray
from generator.records.file import pack_record, record_arrays, record_facts
from generator.records.record import SCHEMA, AttentionRecord, FloatArray

RecordFormat = Literal["npz", "safetensors"]

INDEX = "records.json"
README = "README.md"


@dataclass(frozen=True, slots=True)
class ArrayNote:
    """Description of an array in the index.

    Attributes:
        axes: axis words, outermost first; see the README beside the files.
        quantity: id in the table of quantities.
        definition: definition of the quantity, and notes on this array.
    """

    name: str
    axes: tuple[str, ...]
    dtype: str
    quantity: str
    unit: str
    definition: str
    source: str


def array_note(array: RecordArray) -> ArrayNote:
    """Describe an array for the index.

    Raises:
        KeyError: the array has no quantity.
    """
    what = ARRAY_QUANTITIES[array.name]
    return ArrayNote(
        name=array.name,
        axes=array.axes,
        dtype=array.dtype,
        quantity=what.id,
        unit=what.unit,
        definition=f"{what.definition} {array.note}".strip(),
        source=what.source,
    )


NOTES = {array.name: array_note(array) for array in ARRAYS}
"""Descriptions of all arrays of records, by name."""


@dataclass(frozen=True, slots=True)
class RecordItem:
    """Description of a record in the index.

    Attributes:
        model_id: id on the hub, or the name of its folder.
        commit: commit of the model; for a folder, the hash of its weights.
        key: key of the record in the store.
    """

    file: str
    model: str
    model_id: str
    commit: str
    image: str
    image_sha256: str
    key: str
    sha256: str


def npz_bytes(record: AttentionRecord) -> bytes:
    """Write a record as npz: its arrays, and ``facts``, a text array with its facts as JSON.

    numpy reads it without pickle. The same record gives the same bytes.
    """
    arrays = {**described_arrays(record), "facts": np.array(record_facts(record))}
    return zip_bytes({f"{name}.npy": _npy(array) for name, array in arrays.items()})


def safetensors_bytes(record: AttentionRecord) -> bytes:
    """Write a record as safetensors: the bytes of its file in the store."""
    described_arrays(record)
    return pack_record(record)


def described_arrays(record: AttentionRecord) -> dict[str, FloatArray]:
    """The arrays of a record, each of which must be described in the index.

    Raises:
        KeyError: an array is not in :data:`NOTES`.
    """
    arrays = record_arrays(record)
    if unknown := sorted(arrays.keys() - NOTES.keys()):
        raise KeyError(
            f"{', '.join(unknown)}: no axes and no quantity. Add the array to ARRAYS in "
            "generator/records/arrays.py, and its quantity to ARRAY_QUANTITIES."
        )
    return arrays


def _npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, array, allow_pickle=False)
    return file.getvalue()


def record_files(source: Source, kind: RecordFormat) -> Iterator[tuple[str, bytes]]:
    """Every record of a gallery as a file, then the index and a README.

    Raises:
        StoreError: a record is missing; the message names it.
    """
    items = []
    for cell, record in source.records():
        name = f"{cell.image}--{cell.model}.{kind}"
        data = npz_bytes(record) if kind == "npz" else safetensors_bytes(record)
        items.append(
            RecordItem(
                file=name,
                model=source.model(cell).label,
                model_id=record.model.id,
                commit=record.model.version,
                image=source.image(cell).name,
                image_sha256=record.image_sha256,
                key=record.key,
                sha256=hashlib.sha256(data).hexdigest(),
            )
        )
        yield name, data
    index = {
        "schema": SCHEMA,
        "title": source.run.title,
        "arrays": [asdict(note) for note in NOTES.values()],
        "records": [asdict(item) for item in items],
    }
    yield INDEX, (json.dumps(index, indent=1, ensure_ascii=False) + "\n").encode()
    yield README, _readme(kind).encode()


def _readme(kind: RecordFormat) -> str:
    reading = {
        "npz": 'record = numpy.load("image--model.npz")\n'
        'record["entropy"]                       # [layer, head]\n'
        'json.loads(str(record["facts"]))["layout"]["prefix"]',
        "safetensors": 'record = safetensors.numpy.load_file("image--model.safetensors")\n'
        'record["entropy"]                       # [layer, head]\n'
        'with safetensors.safe_open("image--model.safetensors", "numpy") as file:\n'
        '    json.loads(file.metadata()["record"])["layout"]["prefix"]',
    }[kind]
    rows = "\n".join(
        f"| `{n.name}` | {', '.join(n.axes)} | {n.dtype} | {n.unit} | {n.definition} |"
        for n in NOTES.values()
    )
    return f"""# Records of attention

One file for each image and model. `{INDEX}` lists them with the commit of the model and the hash of
the image.

```python
{reading}
```

Array indices count from 0; layers, heads and registers on pages count from 1. Axis `layer + 1`
starts with the embedding. Tokens are the prefix (`layout.prefix`: CLS, registers), then the patches
row by row (`layout.rows` x `layout.cols`). `view` is the box of the original picture, in pixels,
that the patches cover. A record has the arrays that the gallery measured and the model has;
float16 ones are float32 where a value is beyond float16.

| array | axes | dtype | unit | |
| --- | --- | --- | --- | --- |
{rows}
"""
