"""Labels of queries, layers and heads."""

from __future__ import annotations

from generator.present.cells.chunks.maps import POOL, PRIMARY, RECEIVED, VALUES
from generator.present.cells.chunks.patches import PATCH


def query_label(query: str, any_class_token: bool) -> str:
    """Label of a query in the query menu."""
    if query == PRIMARY:
        return "CLS token" if any_class_token else query_label(RECEIVED, any_class_token)
    if query == VALUES:
        # short, to fit the menu
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
    """Label of a row: ``layer 3``, or the pooling probe."""
    return "pooling probe" if row == POOL else f"layer {row}"


def column_name(column: str) -> str:
    """Label of a column: ``head 3``, or the mean."""
    return "mean over heads" if column == "mean" else f"head {column}"
