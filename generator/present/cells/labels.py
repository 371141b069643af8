"""What queries, rows and columns of maps are called."""

from __future__ import annotations

from generator.present.cells.maps import POOL, PRIMARY, RECEIVED, VALUES
from generator.present.cells.patches import PATCH


def query_label(query: str, any_class_token: bool) -> str:
    """What a query is called where it is chosen."""
    if query == PRIMARY:
        return "CLS token" if any_class_token else query_label(RECEIVED, any_class_token)
    if query == VALUES:
        # short: it has to fit where it is chosen
        return f"{'CLS' if any_class_token else query_label(RECEIVED, False)} × values"
    if query.startswith("reg") and query[3:].isdecimal():
        return f"register {query[3:]}"
    names = {
        "DIST": "distillation token",
        PATCH: "a patch",
        RECEIVED: "all tokens (mean received)",
    }
    return names.get(query, f"{query} token")


def row_name(row: str) -> str:
    """``layer 3``, or the pooling probe."""
    return "pooling probe" if row == POOL else f"layer {row}"


def column_name(column: str) -> str:
    """``head 3``, or the mean."""
    return "mean over heads" if column == "mean" else f"head {column}"
