"""Slugs: stable names that are safe in file names and URLs on every system.

A slug is made of ``a-z``, ``0-9`` and single inner hyphens, and depends on the name alone. Six hex
digits of a hash are added if two names share a slug, or a name is too long, reserved or without a
Latin letter. They depend on the name and its key, not on the order or number of the others, so a
published address stays what it is when pictures are added or reordered.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

LONGEST = 40
"""Characters of the longest slug. Three of them and a file name stay below 150 characters."""

RESERVED = frozenset(
    {"index", "404", "con", "prn", "aux", "nul"}
    | {f"{port}{n}" for port in ("com", "lpt") for n in range(10)}
)
"""Reserved names: Windows devices, and pages with a meaning to web servers."""

# Letters that Unicode does not decompose into a base letter and a mark.
_LATIN = str.maketrans(
    {"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}
)


def slugify(name: str) -> str:
    """A safe slug for a name; the same name (in any Unicode form and case) gives the same slug."""
    plain = _plain(name)
    if plain and plain not in RESERVED and len(plain) <= LONGEST:
        return plain
    return _marked(plain, name.casefold())


def unique_slugs(names: Sequence[str], keys: Sequence[str] | None = None) -> tuple[str, ...]:
    """Distinct slugs for names, in order.

    Args:
        names: the names, in any script.
        keys: distinguish names with the same slug, such as a path or a hash; the names when left
            out. Equal names with equal keys are numbered in order.
    """
    keys = names if keys is None else keys
    slugs = [slugify(name) for name in names]
    shared = {slug for slug, count in Counter(slugs).items() if count > 1}
    taken = set(slugs) - shared
    result = []
    for slug, name, key in zip(slugs, names, keys, strict=True):
        unique = slug
        attempt = 1
        while slug in shared and unique in taken | shared:
            unique = _marked(
                slug, f"{name}\n{key}" if attempt == 1 else f"{name}\n{key}\n{attempt}"
            )
            attempt += 1
        taken.add(unique)
        result.append(unique)
    return tuple(result)


def _plain(name: str) -> str:
    """The Latin letters and digits of a name in lower case; hyphens replace the rest."""
    letters = unicodedata.normalize("NFKD", name.casefold()).casefold().translate(_LATIN)
    bare = "".join(c for c in letters if not unicodedata.combining(c))
    return re.sub(r"[^a-z0-9]+", "-", bare).strip("-")


def _marked(plain: str, key: str) -> str:
    """A slug followed by six hex digits of the key's hash, at most :data:`LONGEST` characters."""
    text = unicodedata.normalize("NFC", key)  # macOS decomposes file names
    mark = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:6]
    start = plain[: LONGEST - 7].strip("-")
    return f"{start}-{mark}" if start else f"x-{mark}"
