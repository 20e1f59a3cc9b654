# SPDX-License-Identifier: Apache-2.0
"""The layout of a C variable as the compiler laid it out, from the image's debug information.

No offset is copied from a header: what is judged is the structure that the hypervisor's code was compiled with.
Source: DWARF Debugging Information Format, version 5, chapter 5 (types) and section 4.1 (variables).
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Iterator, NamedTuple, Union

from .elf import Elf, NotAnImage

if TYPE_CHECKING:
    from elftools.dwarf.compileunit import CompileUnit
    from elftools.dwarf.die import DIE

_ADDRESS = 0x03                 # DW_OP_addr
_MOST = 1 << 22                 # bytes of an array that are believed


@dataclass(frozen=True)
class Scalar:
    """An integer, a bool, or an enumeration with the names of its values."""
    size: int
    signed: bool = False
    names: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class PointerTo:
    size: int
    target: "Type | None"       # None: a structure that the variable does not hold by itself, or void


@dataclass(frozen=True)
class Array:
    element: "Type"
    count: int
    size: int


@dataclass(frozen=True)
class Struct:
    name: str
    size: int
    members: tuple[tuple[str, int, "Type"], ...]        # name, offset in bytes, type


Type = Union[Scalar, PointerTo, Array, Struct]


class Pointer(NamedTuple):
    """A pointer's value, and what it points at."""
    address: int
    target: Type | None


class Record:
    """A decoded structure: one attribute for each member. AttributeError where the image's has no such member."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)


@dataclass(frozen=True)
class Variable:
    address: int
    type: Type


@dataclass(frozen=True)
class Unit:
    """Variables of one source file: one by name, and all its arrays by address."""
    variable: Variable
    arrays: dict[int, Array]


def unit(elf: Elf, source: str, name: str) -> Unit:
    """What source file `source` defines: the variable `name` and its arrays. Raises NotAnImage."""
    from io import BytesIO

    from elftools.elf.elffile import ELFFile

    if elf.section(".debug_info") is None:
        raise NotAnImage("it has no debug information (it was stripped, or compiled without -g), and the layout of the "
                         "hypervisor's configuration is read there")
    try:
        info = ELFFile(BytesIO(elf.data)).get_dwarf_info()
        for cu in info.iter_CUs():
            top = cu.get_top_DIE()
            if _name(top).rpartition("/")[2] == source:
                found = dict(_variables(cu, top))
                if name in found:
                    return Unit(found[name], {v.address: v.type for v in found.values() if isinstance(v.type, Array)})
    except Exception as error:      # whatever pyelftools makes of damaged bytes
        raise NotAnImage(f"its debug information cannot be read ({type(error).__name__})") from None
    raise NotAnImage(f"its debug information does not tell of '{name}' in {source}: it is no image of Bulkhead")


def _name(die: "DIE") -> str:
    found = die.attributes.get("DW_AT_name")
    return str(found.value.decode("utf-8", "replace")) if found else ""


def _variables(cu: "CompileUnit", top: "DIE") -> Iterator[tuple[str, Variable]]:
    """Those with an address, by name."""
    types = _Types(cu)
    for die in top.iter_children():
        if die.tag != "DW_TAG_variable" or "DW_AT_location" not in die.attributes:
            continue
        declared = die.get_DIE_from_attribute("DW_AT_specification") if "DW_AT_specification" in die.attributes else die
        place = bytes(die.attributes["DW_AT_location"].value)
        if len(place) in (5, 9) and place[0] == _ADDRESS:
            # The definition may complete the type: `extern const T x[];` has no length.
            yield _name(declared), Variable(int.from_bytes(place[1:], "little"),
                                            types.of(die if "DW_AT_type" in die.attributes else declared))


class _Types:
    def __init__(self, cu: "CompileUnit") -> None:
        self._word = cu["address_size"]
        self._known: dict[int, Type] = {}

    def of(self, die: "DIE") -> Type:
        """The type of a variable, a member, or an element."""
        target = die.get_DIE_from_attribute("DW_AT_type")
        if target.offset not in self._known:
            self._known[target.offset] = self._make(target)
        return self._known[target.offset]

    def _make(self, die: "DIE") -> Type:
        tag, attributes = die.tag, die.attributes
        if tag in ("DW_TAG_const_type", "DW_TAG_volatile_type", "DW_TAG_typedef"):
            return self.of(die)
        if tag == "DW_TAG_base_type":
            encoding = attributes["DW_AT_encoding"].value
            return Scalar(attributes["DW_AT_byte_size"].value, encoding in (0x05, 0x06))    # DW_ATE_signed, signed_char
        if tag == "DW_TAG_enumeration_type":
            names = tuple((c.attributes["DW_AT_const_value"].value, _name(c)) for c in die.iter_children()
                          if c.tag == "DW_TAG_enumerator")
            return Scalar(attributes["DW_AT_byte_size"].value, names=names)
        if tag == "DW_TAG_pointer_type":
            return PointerTo(self._word, self.of(die) if "DW_AT_type" in attributes else None)
        if tag == "DW_TAG_structure_type":
            members = tuple((_name(c), c.attributes["DW_AT_data_member_location"].value, self.of(c))
                            for c in die.iter_children() if c.tag == "DW_TAG_member")
            return Struct(_name(die), attributes["DW_AT_byte_size"].value, members)
        if tag == "DW_TAG_array_type":
            made = self.of(die)
            for dimension in reversed([c for c in die.iter_children() if c.tag == "DW_TAG_subrange_type"]):
                bound = dimension.attributes.get("DW_AT_upper_bound")
                count = dimension.attributes["DW_AT_count"].value if bound is None else bound.value + 1
                if not 0 <= count * max(made.size, 1) <= _MOST:
                    raise ValueError("an array too large")
                made = Array(made, count, made.size * count)
            return made
        raise ValueError(tag)


def decode(type_: Type, data: bytes, at: int = 0) -> Any:
    """A value: an int, the name of an enumeration's value (an int where it has none), a Pointer, a tuple, a Record."""
    if isinstance(type_, Scalar):
        value = int.from_bytes(data[at:at + type_.size], "little", signed=type_.signed)
        return dict(type_.names).get(value, value) if type_.names else value
    if isinstance(type_, PointerTo):
        return Pointer(int.from_bytes(data[at:at + type_.size], "little"), type_.target)
    if isinstance(type_, Array):
        return tuple(decode(type_.element, data, at + i * type_.element.size) for i in range(type_.count))
    return Record({name: decode(kind, data, at + offset) for name, offset, kind in type_.members})
