# SPDX-License-Identifier: Apache-2.0
"""`extends:`: a system description that starts from another one.

Keys of the file win over those of its base, level by level; a list replaces a list; null takes away what the base has.
"""
from __future__ import annotations

import os

from .diagnostics import ConfigError, Label, Sink, error
from .source import Document, Mapping, Node, Scalar, Span
from .yaml_nodes import read_document

MAX_BASES = 8


def read_extended(path: str, sink: Sink) -> tuple[Mapping | None, tuple[str, ...]]:
    """The top mapping of a description and its bases made one, and the files that it came from, itself first.

    None, with the reasons in the sink, when one of them is wrong. Raises Unreadable when the first cannot be read.
    """
    chain: list[Document] = []
    seen: dict[str, Span] = {os.path.realpath(path): Span(path)}
    named_at: Span | None = None
    try:
        while True:
            document = _read(path, named_at, sink)
            chain.append(document)
            base = document.root.get("extends")
            if base is None:
                break
            if not isinstance(base, Scalar) or not isinstance(base.value, str) or "\0" in base.text:
                raise ConfigError(error("BH0102", "extends has to be the path of one file", base.span,
                                        help=["write, for example: extends: base.yaml"]))
            path = os.path.join(os.path.dirname(path), base.text)
            real, named_at = os.path.realpath(path), base.span
            if real in seen:
                raise ConfigError(error("BH0012", "a file that extends itself", base.span,
                                        "this one is already in the chain",
                                        related=[Label(other, "from here") for other in list(seen.values())[1:]]))
            if len(chain) > MAX_BASES:
                raise ConfigError(error("BH0012", f"more than {MAX_BASES} files that extend one another", base.span))
            seen[real] = base.span
            sink.extension.users[path] = base.span
    except ConfigError as wrong:
        sink.add(*wrong.diagnostics)
        return None, ()
    merged = chain[-1].root
    for document in reversed(chain[:-1]):
        merged = _merge(merged, document.root, sink.extension.overrides)
    if len(chain) > 1:
        merged = Mapping(merged.span, tuple((key, value) for key, value in merged if key.text != "extends"))
    return merged, tuple(document.file for document in chain)


def _read(path: str, named_at: Span | None, sink: Sink) -> Document:
    document = read_document(path, named_at)
    sink.texts[path] = document.text
    sink.allow(document.allows)
    return document


def _merge(base: Mapping, over: Mapping, overrides: dict[Span, Span]) -> Mapping:
    pairs: list[tuple[Scalar, Node]] = []
    for key, value in base:
        new = over.get(key.text)
        if new is None:
            pairs.append((key, value))
        elif isinstance(value, Mapping) and isinstance(new, Mapping):
            pairs.append((key, _merge(value, new, overrides)))
        elif not (isinstance(new, Scalar) and new.value is None):
            overrides[new.span] = value.span
            pairs.append((over.key(key.text) or key, new))
    known = {key.text for key, _ in base}
    pairs.extend((key, value) for key, value in over if key.text not in known)
    return Mapping(over.span, tuple(pairs))
