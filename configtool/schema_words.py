# SPDX-License-Identifier: Apache-2.0
"""What to say of a value or key that the schema refuses."""
from __future__ import annotations

import difflib
import re
from typing import Any, Iterable

from .diagnostics import Diagnostic, error
from .source import Mapping, Node, Scalar, Span
from .units import meant_duration, meant_number, meant_rate, meant_size

_TYPES = {"object": "a mapping", "array": "a list", "string": "a string", "integer": "a whole number",
          "boolean": "true or false",
          "number": "a number", "null": "nothing"}

# Keys that people bring along from elsewhere, and what they are called here.
_SYNONYMS = {"cores": "vcpus", "cpu_num": "vcpus", "ncpus": "vcpus", "num_cpus": "vcpus", "smp": "vcpus",
             "cpu_affinity": "cpus",
             "affinity": "cpus", "pcpus": "cpus", "mem": "memory", "regions": "memory", "kernel": "image",
             "binary": "image",
             "elf": "image", "devs": "devices", "passthrough": "devices", "ipcs": "channels", "ipc": "channels",
             "shmem": "channels", "shared_memory": "channels", "shmemlist": "channels", "vmlist": "vms",
             "guests": "vms",
             "domains": "vms", "machine": "board", "platform": "board", "bootargs": "cmdline", "ramdisk": "initrd",
             "base": "at", "base_addr": "at", "ipa": "at", "address": "at", "addr": "at", "load": "at", "pa": "phys",
             "path": "file", "irq": "interrupt", "priority": "criticality", "dtb": "devicetree", "dts": "devicetree",
             "permissions": "access", "version": "bulkhead", "writer": "from", "readers": "to"}


def dotted(path: Iterable[Any]) -> str:
    """'vms.control.images[0]'"""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def flow(value: Any) -> str:
    """A value as one would write it in YAML, on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return hex(value) if value >= 0x10000 else str(value)
    text = str(value)
    return text if re.fullmatch(r"[A-Za-z0-9_./@+-][A-Za-z0-9_./@+ =-]*", text) else f'"{text}"'


def keys_of(schema: Any) -> list[str]:
    """The keys that a mapping may have, without the reserved ones."""
    properties = schema.get("properties", {}) if isinstance(schema, dict) else {}
    return [key for key, part in properties.items() if "not" not in part]


def nearest(word: str, words: Iterable[str], count: int = 1) -> list[str]:
    """Those of `words` that `word` may be a slip for, best first."""
    by_lower: dict[str, str] = {}
    for candidate in words:
        by_lower.setdefault(candidate.lower(), candidate)
    turned = [candidate for lower, candidate in by_lower.items() if sorted(lower) == sorted(word.lower())]
    if turned:
        return turned[:count]
    return [by_lower[found] for found in difflib.get_close_matches(word.lower(), by_lower, count, 0.6)]


def _example(schema: dict[str, Any], key: str | None = None) -> list[str]:
    """A help line with an example of the schema's."""
    examples = schema.get("examples", [])
    if not examples:
        return []
    return [f"write, for example: {key + ': ' if key else ''}{flow(examples[0])}"]


def describe(problem: Any, path: tuple[Any, ...], key: Scalar | None, node: Node) -> Diagnostic:
    """One finding about a value (or, for propertyNames, about a key), in our words."""
    schema, kind, name = problem.schema, problem.validator, dotted(path)
    title = schema.get("title", "")
    last = key.text if key else None
    if "propertyNames" in problem.absolute_schema_path:
        thing = _THINGS[path[-2]]
        return _bad_name(str(path[-1]), key.span if key else node.span, thing)
    if kind == "not":
        return error("BH0110", f"'{last}' is reserved for a later version", key.span if key else node.span,
                     notes=[f"it will be for {schema['description'].split(': ', 1)[-1].rstrip('.')}"],
                     help=["remove it: this version does nothing with it"])
    text = node.text if isinstance(node, Scalar) else ""
    if isinstance(node, Scalar) and node.value is None:
        return error("BH0102", f"{name} has no value", key.span if key else node.span, help=_example(schema, last))
    if title == "Size" and isinstance(node, Scalar) and kind in ("type", "pattern"):
        return _bad_quantity("size", name, node, "units are KiB, MiB and GiB", meant_size(text), "16MiB")
    if title == "Rate" and isinstance(node, Scalar) and kind in ("type", "pattern"):
        return _bad_quantity("rate", name, node, "units are KiB/s, MiB/s and GiB/s", meant_rate(text), "200MiB/s")
    if title == "Percentage" and isinstance(node, Scalar) and kind in ("type", "pattern"):
        number = re.match(r"\s*([1-9][0-9]?|100)(\.0*)?\s*%?\s*\Z", text)
        return error("BH0104", f"'{text}' is no percentage", node.span, "from 1% to 100%",
                     help=[f"write {number.group(1)}%" if number else "write, for example: 50%"])
    if title == "Duration" and isinstance(node, Scalar) and kind in ("type", "pattern"):
        return _bad_quantity("duration", name, node, "units are us, ms and s", meant_duration(text), "10ms")
    if title == "Colors" and kind == "pattern" and re.fullmatch(r"[0-9]+(-[0-9]+)?(\s*,\s*[0-9]+(-[0-9]+)?)+", text):
        return error("BH1051", f"{name} is no set of colors", node.span, help=[f"write a list: [{text}]"])
    if title == "Colors" and kind in ("type", "pattern", "minimum", "enum"):
        return error("BH1051", f"{name} is no set of colors", node.span, help=[
            "write a range (0-3), a list ([0, 2, 5-6]), a share (50%) or auto" if kind != "enum" else "write colors: auto"])
    if title == "Values" and kind in ("type", "pattern"):
        return error("BH1012", f"{name} is no value of an argument", node.span, help=[
            "write a number (69), a range (64-71) or a list of both ([69, 71-72])"])
    if title == "Version of the language":
        return error("BH0111", f"this configtool does not know version {text or 'of that form'} of the language",
                     node.span,
                     help=["write bulkhead: 1"])
    if kind == "type":
        return _wrong_type(schema, name, key, node)
    if kind in ("enum", "const") or kind == "pattern" and title in ("Device tree", "Guest address", "Tree address", "Arguments", "Split"):
        return _not_one_of(schema, name, key, node)
    if kind in ("minimum", "maximum"):
        limit = "the least" if kind == "minimum" else "the most"
        bound = problem.validator_value
        shown = hex(bound) if bound >= 0x10000 else str(bound)
        return error("BH0105", f"{name} is {text}; {limit} is {shown}", node.span)
    if kind == "pattern" and title == "Name":
        return _bad_name(text, node.span, "system-")
    if kind == "pattern":
        return error("BH0113", f"{name} holds a control character", node.span, help=["remove it"])
    return _wrong_count(problem, name, key, node)


def _bad_quantity(what: str, name: str, node: Scalar, units: str, meant: str | None, example: str) -> Diagnostic:
    if re.match(r"0+(\.0*)?\s*[A-Za-z]*\Z", node.text):
        return error("BH0104", f"{name} is a {what} of zero", node.span, help=["remove it, or give it what it needs"])
    if isinstance(node.value, int) and not isinstance(node.value, bool):
        message, label = f"{name} is a {what} without a unit", units
        if meant is None and what == "size" and node.value < 1024:
            return error("BH0104", message, node.span, label,
                         help=[f"write {node.value}KiB, {node.value}MiB or {node.value}GiB"])
        if meant is None and what == "size":
            return error("BH0104", message, node.span, label, help=["sizes are whole KiB; this is not"])
        if meant is None:
            return error("BH0104", message, node.span, label,
                         help=[f"write {node.value}us, {node.value}ms or {node.value}s"])
    else:
        message, label = f"'{node.text}' is no {what}", units
    return error("BH0104", message, node.span, label,
                 help=[f"write {meant}" if meant else f"write, for example: {example}"])


def _wrong_type(schema: dict[str, Any], name: str, key: Scalar | None, node: Node) -> Diagnostic:
    wanted = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    words = " or ".join(_TYPES[t] for t in wanted)
    last = key.text if key else None
    name = name or "the file"
    if not isinstance(node, Scalar):
        given = "a mapping" if isinstance(node, Mapping) else "a list"
        span = key.span if key else node.span
        return error("BH0102", f"{name} is {given}; it has to be {words}", span, help=_example(schema, last))
    if "array" in wanted and wanted[0] == "boolean" and last and isinstance(node.value, str):
        return error("BH0102", f"{name} is '{node.text}'; it has to be {words}", node.span,
                     help=[f"write {last}: [{flow(node.text)}]"])
    if wanted[0] in ("array", "object") and last and isinstance(node.value, str):
        first = (schema.get("required") or [""])[0]
        wrapped = f"[{flow(node.text)}]" if wanted[0] == "array" else f"{{{first}: {flow(node.text)}}}"
        help_ = [f"write {last}: {wrapped}"] if wanted[0] == "array" or first == "file" else _example(schema, last)
        return error("BH0102", f"{name} is '{node.text}'; it has to be {words}", node.span, help=help_)
    if "integer" in wanted:
        meant = meant_number(node.text)
        notes = []
        if meant and schema.get("title") == "Address" and re.fullmatch("[0-9]{7,}", meant):
            meant = f"{meant}, or 0x{meant} if it is hexadecimal"
        if re.fullmatch(r"0[0-9]+", node.text):
            octal = re.fullmatch("0+([1-7][0-7]*)", node.text)
            meant = f"{meant}, or 0o{octal.group(1)} if it is octal" if octal else meant
        if not node.plain and meant:
            notes = ["in quotes it is a string"]
        return error("BH0102", f"{name} is '{node.text}', which is no whole number", node.span, notes=notes,
                     help=[f"write {meant}"] if meant else _example(schema, last))
    if wanted == ["boolean"]:
        word = node.text.lower()
        meant = {"on": "true", "yes": "true", "y": "true", "1": "true", "true": "true",
                 "off": "false", "no": "false", "n": "false", "0": "false", "false": "false"}.get(word)
        return error("BH0102", f"{name} is '{node.text}', which is neither true nor false", node.span,
                     help=[f"write {meant}"] if meant else _example(schema, last))
    if "string" in wanted:
        if schema.get("title") == "CPU" and isinstance(node.value, int):
            return error("BH0102", f"{name} is a number; CPUs go by their names in the device tree", node.span,
                         help=[f"write cpu@{node.value:x}, or the CPU's label"])
        if schema.get("title") == "Device" and isinstance(node.value, int):
            return error("BH0102", f"{name} is a number; devices go by their names in the device tree", node.span,
                         help=["write its label, alias, path or node name; configtool board show BOARD lists them with "
                               "their addresses"])
        given = "true or false" if isinstance(node.value, bool) else "a number"
        return error("BH0102", f"{name} is {given}; it has to be {words}", node.span,
                     help=[f"put it in quotes: \"{node.text}\""])
    return error("BH0102", f"{name} is '{node.text}'; it has to be {words}", node.span, help=_example(schema, last))


def _not_one_of(schema: dict[str, Any], name: str, key: Scalar | None, node: Node) -> Diagnostic:
    choices = schema.get("enum") or ([schema["const"]] if "const" in schema else
                                     schema["pattern"][1:-2].strip("()").split("|"))
    choices = [flow(choice) for choice in choices]
    given = node.text if isinstance(node, Scalar) else "that"
    if schema.get("title") == "Rest":
        return error("BH0103", f"{name} is {given}", node.span,
                     help=["write true, or remove the line and list the devices"])
    if schema.get("title") == "Guest address":
        meant = meant_number(given)
        return error("BH0103", f"'{given}' is no guest address", node.span,
                     help=[f"write {meant}" if meant else "write a number, as 0x80000000, or identity"])
    if schema.get("title") == "Tree address":
        meant = meant_number(given)
        return error("BH0103", f"'{given}' is no guest address", node.span,
                     help=[f"write {meant}" if meant else "write a number, as 0x80000000, or the name of a region of memory"])
    span = node.span if isinstance(node, Scalar) else key.span if key else node.span
    near = nearest(given, choices)
    last = key.text if key else name
    listed = ", ".join(choices)
    return error("BH0103", f"'{given}' is no value of {last}", span,
                 help=[f"did you mean '{near[0]}'? there are: {listed}" if near else
                       f"write one of: {listed}" if len(choices) > 1 else f"the only value is: {listed}"])


def _wrong_count(problem: Any, name: str, key: Scalar | None, node: Node) -> Diagnostic:
    schema, kind, bound = problem.schema, problem.validator, problem.validator_value
    span = key.span if key and not isinstance(node, Scalar) else node.span
    last = key.text if key else None
    count = len(problem.instance)
    if kind in ("minLength", "maxLength"):
        message = f"{name} is an empty string" if count == 0 else f"{name} has {count} characters; the most is {bound}"
        return error("BH0107", message, span, help=_example(schema, last) if count == 0 else [])
    if count == 0:
        return error("BH0107", f"{name} is empty", span, help=_example(schema, last))
    things = "entries" if kind.endswith("Items") else "keys"
    limit = "at least" if kind.startswith("min") else "at most"
    if schema.get("minItems") == schema.get("maxItems") is not None or kind.endswith("Properties") and bound == 1:
        limit = "exactly"
    return error("BH0107", f"{name} has {count} {things if count > 1 else 'entry' if things == 'entries' else 'key'}; "
                 f"it takes {limit} {bound}", span, help=_example(schema, last))


_THINGS = {"vms": "vm", "channels": "channel", "memory": "region"}


def _bad_name(name: str, span: Span, thing: str) -> Diagnostic:
    cleaned = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")
    if cleaned[:1].isdigit():
        cleaned = thing + cleaned
    cleaned = cleaned[:31].rstrip("-_")
    help_ = ["a name is a letter, then letters, digits, - and _, at most 31 in all"]
    if cleaned and cleaned != name and cleaned[0].isalpha():
        help_.append(f"write, for example: {cleaned}")
    return error("BH0106", f"'{name}' cannot be a name" if name else "an empty name", span, help=help_)


def missing_and_unknown(problems: list[Any], path: tuple[Any, ...], key: Scalar | None, node: Mapping,
                        above: dict[str, str]) -> list[Diagnostic]:
    """Keys that are missing from a mapping and keys that it cannot have; a pair of the two that are alike is one
    mistake."""
    schema = next((p.schema for p in problems if p.validator == "additionalProperties"), problems[0].schema)
    properties = schema.get("properties", {})
    present = {k.text for k, _ in node}
    required = [name for p in problems if p.validator == "required" for name in p.validator_value]
    missing = [name for name in dict.fromkeys(required) if name not in present]
    unknown = [k for k, _ in node if k.text not in properties] if any(
        p.validator == "additionalProperties" for p in problems) else []
    where = dotted(path)
    found: list[Diagnostic] = []
    for wrong in unknown:
        known = keys_of(schema)
        synonym = _SYNONYMS.get(wrong.text.lower())
        near = nearest(wrong.text, missing) or nearest(wrong.text, known) or ([synonym] if synonym in known else [])
        if near and near[0] in present:
            found.append(_unknown(wrong, where, [f"'{near[0]}' is here already: remove this one"]))
        elif near and near[0] in missing:
            missing.remove(near[0])
            found.append(_unknown(wrong, where, [f"did you mean '{near[0]}'? it is missing here"]))
        elif near:
            found.append(_unknown(wrong, where, [f"did you mean '{near[0]}'?"]))
        else:
            found.append(_unknown(wrong, where, _elsewhere(wrong.text, schema, above) or
                                  [f"keys here: {', '.join(keys_of(schema))}"]))
    for name in missing:
        part = properties.get(name, {})
        place = key.span if key else Span(node.span.file) if not path else node.span
        found.append(error("BH0101", f"{where}.{name} is missing" if where else f"'{name}' is missing", place,
                           help=_example(part, name)))
    return found


def _unknown(key: Scalar, where: str, help_: list[str]) -> Diagnostic:
    return error("BH0100", f"unknown key '{key.text}' in {where}" if where else f"unknown key '{key.text}'", key.span,
                 help=help_)


def _elsewhere(name: str, schema: dict[str, Any], above: dict[str, str]) -> list[str]:
    """Where a key would be right that is wrong here."""
    inside = [key for key, part in schema.get("properties", {}).items() if name in keys_of(part)]
    if name == "ram" and "memory" in schema.get("properties", {}):
        return ["it belongs under 'memory': memory: {ram: 16MiB}"]
    if inside:
        return [f"it belongs under '{inside[0]}'"]
    entries = {"vms": "a VM", "channels": "a channel", "memory": "a region of memory"}
    for key, part in schema.get("properties", {}).items():
        if key in entries and name in keys_of(part.get("additionalProperties")):
            return [f"it belongs to {entries[key]}, under its name in '{key}'"]
    if name in above:
        return [f"it belongs to {above[name]}: check its indentation"]
    return []
