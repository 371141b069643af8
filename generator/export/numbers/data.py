"""Records as files for other programs: npz and safetensors, with a description of every array."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np

from generator.export.archive import zip_bytes
from generator.export.source import Source
from generator.records.extras import PROJECTIONS
from generator.records.file import pack_record, record_arrays, record_facts
from generator.records.record import SCHEMA, AttentionRecord

RecordFormat = Literal["npz", "safetensors"]

INDEX = "records.json"
README = "README.md"


@dataclass(frozen=True, slots=True)
class ArrayNote:
    """What an array of a record is.

    Attributes:
        name: in the file.
        axes: in order.
        dtype: of its values.
        unit: of its values.
        text: what it is.
    """

    name: str
    axes: tuple[str, ...]
    dtype: str
    unit: str
    text: str


TIMES = "times uniform: softmax weight x number of keys"
NOTES = (
    ArrayNote(
        "attention",
        ("query", "layer", "head", "key"),
        "float16",
        TIMES,
        "Rows of the prefix tokens, in the order of layout.prefix.",
    ),
    ArrayNote(
        "received",
        ("layer", "head", "key"),
        "float16",
        TIMES,
        "Attention each key receives, averaged over the patch queries.",
    ),
    ArrayNote(
        "entropy",
        ("layer", "head"),
        "float32",
        "share of log(number of keys)",
        "Entropy of each row over all keys, averaged over all queries: 0 is one key, 1 is uniform.",
    ),
    ArrayNote(
        "entropy_patches",
        ("layer", "head"),
        "float32",
        "share of log(number of patches)",
        "The same with each row cut to the patches and renormalized.",
    ),
    ArrayNote(
        "distance",
        ("layer", "head"),
        "float32",
        "input pixels",
        "Attention-weighted distance between patch centers, averaged over patch queries; what goes "
        "to the prefix counts 0.",
    ),
    ArrayNote(
        "distance_patches",
        ("layer", "head"),
        "float32",
        "input pixels",
        "The same with each row cut to the patches and renormalized (ViT, Dosovitskiy et al. 2021, "
        "Fig. 11).",
    ),
    ArrayNote(
        "mass",
        ("layer", "head", "query group", "key group"),
        "float32",
        "share of 1",
        "Attention that goes from a group's queries to a group's keys, averaged over the queries. "
        "Groups are the prefix tokens, one each, then all patches.",
    ),
    ArrayNote(
        "self_attention",
        ("layer", "head"),
        "float32",
        "share of 1",
        "Attention a patch pays to itself, averaged over patch queries.",
    ),
    ArrayNote(
        "norms",
        ("layer + 1", "token"),
        "float32",
        "L2 norm",
        "Of the residual stream after each block, before the final LayerNorm; index 0 is the "
        "embedding.",
    ),
    ArrayNote(
        "rollout",
        ("start layer", "key"),
        "float32",
        "share of 1",
        "Attention rollout (Abnar & Zuidema 2020) of the CLS row, or of the mean patch row for a "
        "model without CLS, from the start layer to the last; index 0 is through all layers.",
    ),
    ArrayNote(
        "rollout_cosine",
        ("start layer",),
        "float32",
        "cosine",
        "Mean cosine between the rollouts of different patch queries: near 1, all are alike.",
    ),
    ArrayNote(
        "received_from_outliers",
        ("layer", "key"),
        "float16",
        TIMES,
        "Attention each key receives from outlier patches, mean over them and over heads.",
    ),
    ArrayNote(
        "pooling.attention",
        ("head", "key"),
        "float16",
        TIMES,
        "Attention of a learned probe that pools the patches; only where the model has one.",
    ),
    ArrayNote(
        "pooling.entropy",
        ("head",),
        "float32",
        "share of log(number of patches)",
        "Entropy of the probe's rows.",
    ),
    ArrayNote(
        "patch_attention",
        ("layer", "query", "key"),
        "float16",
        TIMES,
        "Rows of the patches, mean over heads; with all heads kept, [layer, head, query, key]. "
        "Only where the gallery kept them.",
    ),
    ArrayNote(
        "features.last",
        ("patch", "channel"),
        "float16",
        "activation",
        "Residual stream of the patches after the last block, before the final LayerNorm.",
    ),
    *(
        ArrayNote(
            f"features.{name}",
            ("patch", "channel"),
            "float16",
            "activation",
            f"{name.capitalize()} of the patches in the last block, heads side by side: what "
            "objects are found in, where they were asked for.",
        )
        for name in PROJECTIONS
    ),
    ArrayNote(
        "features.pooled",
        ("layer + 1", "CLS or mean patch", "channel"),
        "float32",
        "activation",
        "Residual stream of the CLS token (NaN without one) and its mean over the patches.",
    ),
    ArrayNote(
        "values.norms",
        ("layer", "head", "key"),
        "float16",
        "L2 norm",
        "Of a key's value vector after the head's part of the output projection and LayerScale "
        "(Kobayashi et al. 2020).",
    ),
    ArrayNote(
        "values.contribution",
        ("layer", "key"),
        "float32",
        "L2 norm",
        "Of what a key contributes to the first prefix token through all heads, or to the mean "
        "patch of a model without prefix.",
    ),
    ArrayNote(
        "massive.value",
        ("layer + 1", "place"),
        "float32",
        "activation",
        "The three largest values of the residual stream by magnitude (Sun et al. 2024).",
    ),
    ArrayNote("massive.token", ("layer + 1", "place"), "int32", "index", "Their tokens."),
    ArrayNote("massive.channel", ("layer + 1", "place"), "int32", "index", "Their channels."),
    ArrayNote(
        "massive.median", ("layer + 1",), "float32", "activation", "Median magnitude of the layer."
    ),
    ArrayNote(
        "massive.channel_max",
        ("layer + 1", "channel"),
        "float32",
        "activation",
        "Largest magnitude over the patches.",
    ),
    ArrayNote(
        "relevance.keys",
        ("key",),
        "float32",
        "relevance",
        "Class-specific relevance of every token (Chefer et al. 2021) for the class in "
        "facts.prediction.target; not a distribution.",
    ),
    ArrayNote(
        "lens.probability",
        ("layer + 1", "token"),
        "float16",
        "share of 1",
        "Of that class, with the class head read at every token (Vilas et al. 2023).",
    ),
    ArrayNote(
        "lens.rank",
        ("layer + 1", "token"),
        "int32",
        "rank from 1",
        "Of that class among all classes, likewise.",
    ),
)
"""Every array that a record may have, in the order of :class:`AttentionRecord`, parts last."""


@dataclass(frozen=True, slots=True)
class RecordItem:
    """A record in the index of an export.

    Attributes:
        file: its name.
        model: label of the model.
        model_id: on the hub, or the name of its folder.
        commit: of the model; the hash of its weights for a folder.
        image: file name of the image.
        image_sha256: hash of the image's file.
        key: of the record in the store.
        sha256: hash of the file.
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
    """A record as npz: its arrays, and ``facts``, a text array with its facts as JSON.

    Any numpy reads it, without pickle. The same record gives the same bytes.
    """
    arrays = {**record_arrays(record), "facts": np.array(record_facts(record))}
    return zip_bytes({f"{name}.npy": _npy(array) for name, array in arrays.items()})


def _npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, array, allow_pickle=False)
    return file.getvalue()


def record_files(source: Source, kind: RecordFormat) -> Iterator[tuple[str, bytes]]:
    """Every record of a gallery as a file of its own, then their index and a description.

    Raises:
        StoreError: the store does not have a record; the message names it.
    """
    items = []
    for cell, record in source.records():
        name = f"{cell.image}--{cell.model}.{kind}"
        data = npz_bytes(record) if kind == "npz" else pack_record(record)
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
        "arrays": [asdict(note) for note in NOTES],
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
        f"| `{n.name}` | {', '.join(n.axes)} | {n.dtype} | {n.unit} | {n.text} |" for n in NOTES
    )
    return f"""# Records of attention

One file for each image and model. `{INDEX}` lists them with the commit of the model and the hash of
the image.

```python
{reading}
```

Array indices count from 0; layers, heads and registers on pages count from 1. Tokens are the prefix
(`layout.prefix`: CLS, registers), then the patches row by row (`layout.rows` x `layout.cols`).
`view` is the box of the original picture, in pixels, that the patches cover.

| array | axes | dtype | unit | |
| --- | --- | --- | --- | --- |
{rows}
"""
