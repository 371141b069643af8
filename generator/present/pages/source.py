"""Scripts and style sheets of the program as a site has them: without comments and indentation."""

from __future__ import annotations

import re

_COMMENTS = re.compile(r"^[ \t]*(?:/\*(?:[^*]|\*(?!/))*\*/[ \t]*|//.*)\n", re.MULTILINE)
_TYPES = re.compile(r"/\*\* @\w+ (?:[^*\n]|\*(?!/))*\*/ ?")
_INDENTATION = re.compile(r"^[ \t]+|\n(?=\n)", re.MULTILINE)


def without_comments(source: str) -> str:
    """A script or a style sheet of the program without what only its authors need.

    Comments are two fifths of the scripts that an image page waits for. It takes away comments that
    begin a line and types within one, which is how the program's own files are written. A template
    string must not span lines.
    """
    for what in (_COMMENTS, _TYPES, _INDENTATION):
        source = what.sub("", source)
    return source
