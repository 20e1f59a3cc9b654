# SPDX-License-Identifier: Apache-2.0
"""Nodes against a JSON schema of schemas/, with every finding in Bulkhead's words and at its place in the YAML.

A validator of jsonschema says that something is wrong and where; what to say of it is decided here, by the validator's
name and by the `title` of the schema that it comes from (Size, Duration, Address, Name, ...).
"""
from __future__ import annotations

import os
from typing import Any, Callable

from .diagnostics import Diagnostic
from .schema_words import describe, keys_of, missing_and_unknown
from .source import Mapping, Node, Scalar, Sequence

SCHEMAS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "schemas")

# Validators in the order in which one speaks for a value: a value of the wrong type has no other mistakes.
_ORDER = ("not", "type", "const", "enum", "minLength", "maxLength", "pattern", "minimum", "maximum", "minItems",
          "maxItems",
          "minProperties", "maxProperties")


def validate(root: Mapping, schema_name: str) -> list[Diagnostic]:
    """What is wrong with a document by schemas/<schema_name>; empty when nothing is."""
    from jsonschema.validators import Draft7Validator   # late: it costs 50 ms

    schema = load_schema(schema_name)
    values: dict[tuple[Any, ...], list[Any]] = {}
    keys: dict[tuple[Any, ...], list[Any]] = {}
    names: dict[tuple[Any, ...], list[Any]] = {}
    for problem in Draft7Validator(schema).iter_errors(plain(root)):
        path = tuple(problem.absolute_path)
        if "propertyNames" in problem.absolute_schema_path:
            names.setdefault((*path, problem.instance), []).append(problem)
        elif problem.validator in ("required", "additionalProperties"):
            keys.setdefault(path, []).append(problem)
        else:
            values.setdefault(path, []).append(problem)
    found: list[Diagnostic] = []
    index: _Index = {}
    for path, problems in values.items():
        problem = min(problems, key=lambda p: _rank(p.validator))
        key, node = locate(root, path, index)
        found.append(describe(problem, path, key, node))
    for path, problems in names.items():
        key, node = locate(root, path, index)
        found.append(describe(problems[0], path, key, node))
    for path, problems in keys.items():
        key, node = locate(root, path, index)
        assert isinstance(node, Mapping)
        found.extend(missing_and_unknown(problems, path, key, node, parent_keys(schema, path)))
    return found


def _rank(validator: str) -> int:
    return _ORDER.index(validator) if validator in _ORDER else len(_ORDER)


def plain(node: Node, memo: dict[int, Any] | None = None) -> Any:
    """Dicts, lists and values; a node that aliases share is converted once."""
    if isinstance(node, Scalar):
        return node.value
    memo = {} if memo is None else memo
    if id(node) not in memo:
        memo[id(node)] = ({key.text: plain(value, memo) for key, value in node.pairs} if isinstance(node, Mapping)
                          else [plain(item, memo) for item in node.items])
    return memo[id(node)]


_Index = dict[int, dict[str, tuple[Scalar, Node]]]


def locate(root: Node, path: tuple[Any, ...], index: "_Index | None" = None) -> tuple[Scalar | None, Node]:
    """The node at a path, and the key that it stands under (None at the top and in a list). `index`: one for many calls
    with the same root makes them quick."""
    key: Scalar | None = None
    node = root
    index = {} if index is None else index
    for step in path:
        if isinstance(node, Mapping):
            if id(node) not in index:
                index[id(node)] = {k.text: (k, v) for k, v in node.pairs}
            key, node = index[id(node)][step]
        else:
            assert isinstance(node, Sequence)
            key, node = None, node.items[step]
    return key, node


def load_schema(name: str) -> dict[str, Any]:
    """A schema with its definitions put in place: jsonschema takes most of its time to follow references."""
    import json

    with open(os.path.join(SCHEMAS, name), encoding="utf-8") as file:
        raw = json.load(file)
    definitions = raw.pop("definitions", {})
    return _inline(raw, lambda reference: definitions[reference.rsplit("/", 1)[1]])    # type: ignore[no-any-return]


def _inline(part: Any, resolve: Callable[[str], Any]) -> Any:
    if isinstance(part, list):
        return [_inline(item, resolve) for item in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        part = {**resolve(part["$ref"]), **{key: value for key, value in part.items() if key != "$ref"}}
    made = {key: value if key in ("examples", "default") else _inline(value, resolve) for key, value in part.items()}
    if "pattern" in made and made["pattern"].endswith("$"):
        made["pattern"] = made["pattern"][:-1] + r"\Z"     # Python's $ stands before a newline at the end, too
    return made


def parent_keys(schema: dict[str, Any], path: tuple[Any, ...]) -> dict[str, str]:
    """Keys of the mappings above a path, with the place they belong to: for a key that slipped in too deep."""
    found = {key: "'hypervisor', at the top of the file" for key in keys_of(schema.get("properties", {}).get("hypervisor"))}
    for depth, step in enumerate(path):
        for key in keys_of(schema):
            found[key] = ".".join(str(s) for s in path[:depth]) or "the top of the file"
        if isinstance(step, int):
            schema = schema.get("items", {})
        else:
            schema = schema.get("properties", {}).get(step) or schema.get("additionalProperties") or {}
    return found
