"""The text of a source, its tree, and where in the text a node of the tree is."""

from __future__ import annotations

import ast
import re
import warnings
from io import BytesIO
from tokenize import detect_encoding

from .failures import CannotRewrite

# What ends a line for Python; `str.splitlines` knows more, form feeds among them.
LINE_END = re.compile(r"\r\n|\r|\n")
BOM = "\ufeff"


class Text:
    """A source without its byte order mark, and its tree."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = _parsed(text)
        self._starts = [0, *(found.end() for found in LINE_END.finditer(text))]
        self._ascii = text.isascii()

    def at(self, line: int, column_bytes: int) -> int:
        """Give the index of a place that the tree has, whose columns count bytes of UTF-8."""
        start = self._starts[line - 1]
        if self._ascii:
            return start + column_bytes
        # A character has a byte at least.
        head = self.text[start : start + column_bytes].encode()[:column_bytes]
        return start + len(head.decode())

    def span(self, node: ast.stmt | ast.expr | ast.alias) -> tuple[int, int]:
        """Give the indexes of the first character of a node, and of that behind it."""
        end_line, end_column = node.end_lineno, node.end_col_offset
        if end_line is None or end_column is None:  # pragma: no cover - a parsed node has both
            raise CannotRewrite(node.lineno, 0, "Python does not say where a statement ends")
        return self.at(node.lineno, node.col_offset), self.at(end_line, end_column)

    def column(self, node: ast.stmt | ast.expr) -> int:
        """Give the column of a node, from 1, in characters."""
        return self.at(node.lineno, node.col_offset) - self._starts[node.lineno - 1] + 1


def decoded(source: bytes) -> tuple[str, str]:
    """Decode a source as Python does.

    Returns:
        The text, line ends as they are, and the name of the encoding.

    Raises:
        CannotRewrite: it is not in the encoding that it names, or would not come back the same.
    """
    lines = LINE_END.sub("\n", source[:4096].decode("latin-1")).encode("latin-1")
    try:
        encoding, _ = detect_encoding(BytesIO(lines).readline)
        text = source.decode(encoding)
    except (SyntaxError, UnicodeError) as error:
        raise CannotRewrite(0, 0, str(error)) from None
    if text.encode(encoding) != source:
        raise CannotRewrite(0, 0, f"the encoding {encoding} has several ways to write this text")
    return text, encoding


def _parsed(text: str) -> ast.Module:
    try:
        try:
            return ast.parse(text)
        except SyntaxError:
            # A warning of Python about the code may have been made an error.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return ast.parse(text)
    except SyntaxError as error:
        line, column = error.lineno or 0, error.offset or 0
        raise CannotRewrite(line, column, error.msg) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise CannotRewrite(0, 0, str(error) or type(error).__name__) from None
