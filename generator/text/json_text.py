"""Parser of JSON from untrusted sources."""

from __future__ import annotations

import json
from typing import Any


def parsed_json(data: bytes | str) -> Any:
    """The value of a JSON text in UTF-8, with or without a byte order mark.

    Raises:
        ValueError: the text is no JSON, is nested too deeply for Python, or has a number of
            thousands of digits. ``json.JSONDecodeError`` for an error in a line.
    """
    text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        raise
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except ValueError as error:  # Python's own limit
        raise ValueError("it holds a number of thousands of digits") from error
