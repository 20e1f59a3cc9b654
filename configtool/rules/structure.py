# SPDX-License-Identifier: Apache-2.0
"""Rules on what a description has to have, and on its names."""
from __future__ import annotations

from typing import Iterator

from ..diagnostics import Diagnostic, Label
from ..source import Span
from .registry import Context, Rule, reported, rule

_VM = """\
vms:
  hello:
    vcpus: 1
    memory: {ram: 16MiB}
    image: {file: guest.elf}
"""
_TWO = _VM + _VM.split("\n", 1)[1].replace("hello", "other")


@rule("BH0112", "action with limits that mean nothing", phase="system", explain="""\
`at_most`, `within` and `then` limit restarts: at most so many within that time, then what `then` says. They belong to
`action: restart`, and `at_most` and `within` need each other.""",
      fails=_VM + "    on_fault: {action: restart, at_most: 3}\n",
      passes=_VM + "    on_fault: {action: restart, at_most: 3, within: 10s, then: stop}\n")
def limits(self: Rule, context: Context) -> Iterator[Diagnostic]:
    for vm in context.system.vms:
        for key, action in (("on_fault", vm.on_fault), ("on_reset", vm.on_reset), ("on_poweroff", vm.on_poweroff),
                            ("watchdog", vm.watchdog.action if vm.watchdog else None)):
            if action is None:
                continue
            given = [name for name, value in (("at_most", action.at_most), ("within", action.within_us),
                                              ("then", action.then))
                     if value is not None]
            what = f"{key} of VM '{vm.name}'"
            if given and action.action != "restart":
                yield self.diagnostic(f"{what} limits restarts by {' and '.join(given)}, and its action is "
                                      f"'{action.action}'",
                                      action.span, help=[f"write {{action: {action.action}}}, or action: restart"])
            elif given == ["at_most"] or given == ["at_most", "then"]:
                yield self.diagnostic(f"{what} says at_most, and not within which time", action.span,
                                      help=[f"write, for example: {{action: restart, at_most: {action.at_most}, "
                                            f"within: 10s}}"])
            elif given and "at_most" not in given:
                yield self.diagnostic(f"{what} says {' and '.join(given)}, and not after how many restarts",
                                      action.span,
                                      help=["write, for example: {action: restart, at_most: 3, within: 10s, then: "
                                            "stop}"])


@rule("BH0120", "VM without an image", phase="system", explain="""\
A VM has neither `image` nor `images`, so nothing would run in it.""",
      fails=_VM.replace("    image: {file: guest.elf}\n", ""), passes=_VM)
def no_image(self: Rule, context: Context) -> Iterator[Diagnostic]:
    for vm in context.system.vms:
        if not vm.images:
            yield self.diagnostic(f"VM '{vm.name}' has no image", vm.span,
                                  help=[f"write, for example: image: {{file: {vm.name}.elf}}"])


# Files of a system that a VM's header would take the place of, headers of C that it would hide, and owners in listings.
_TAKEN = {"plan": "the generated plan.h", "config": "the hypervisor's config.h",
          "hypervisor": "the hypervisor in reports",
          "free": "memory that nobody has, in reports",
          **{name: f"C's <{name}.h>" for name in ("float", "iso646", "limits", "stdalign", "stdarg", "stdatomic",
                                                  "stdbool", "stddef",
                                                  "stdint", "stdnoreturn", "string", "stdio", "stdlib", "errno",
                                                  "assert")}}


@rule("BH0121", "VM name that is taken", phase="system", explain="""\
A VM's name is the name of its C header and of an owner in listings. Some names would hide another header, or the
hypervisor itself.""",
      fails=_VM.replace("hello", "config"), passes=_VM)
def taken_name(self: Rule, context: Context) -> Iterator[Diagnostic]:
    for vm in context.system.vms:
        if vm.name.lower() in _TAKEN:
            yield self.diagnostic(f"a VM cannot be called '{vm.name}'", vm.span,
                                  notes=[f"the name would collide with {_TAKEN[vm.name.lower()]}"],
                                  help=[f"write, for example: {vm.name}-vm"])


@rule("BH0122", "names that become the same", phase="system", explain="""\
Names of VMs and channels become C identifiers, in which `-` turns into `_` and capitals are used. Two names that differ
only in these would be one.""", fails=_TWO.replace("hello", "net-a").replace("other", "net_a"),
      passes=_TWO.replace("hello", "net-a").replace("other", "net-b"))
def same_name(self: Rule, context: Context) -> Iterator[Diagnostic]:
    system = context.system
    for what, named in (("VM", [(vm.name, vm.span) for vm in system.vms]),
                        ("channel", [(c.name, c.span) for c in system.channels])):
        seen: dict[str, tuple[str, Span]] = {}
        for name, span in named:
            identifier = name.upper().replace("-", "_")
            other, first = seen.setdefault(identifier, (name, span))
            if first != span:
                yield self.diagnostic(f"{what} '{name}' and {what} '{other}' become the same identifier {identifier}",
                                      span,
                                      related=[Label(first, "the other one")], help=["rename one of them"])


@rule("BH0123", "two VMs that take the rest", phase="system", explain="""\
`devices: {rest: true}` gives a VM every device that nobody else has. Only one VM can have that.""",
      fails=_VM.replace("{file: guest.elf}", "{file: guest.elf}\n    devices: {rest: true}")
      + _VM.split("\n", 1)[1].replace("hello", "other") + "    devices: {rest: true}\n",
      passes=_VM + "    devices: {rest: true}\n")
def two_rests(self: Rule, context: Context) -> Iterator[Diagnostic]:
    rests = [(vm.name, vm.devices_rest.span) for vm in context.system.vms if vm.devices_rest]
    for name, span in rests[1:]:
        yield self.diagnostic(f"VM '{name}' and VM '{rests[0][0]}' both take the rest of the devices", span,
                              related=[Label(rests[0][1], "the first one")],
                              help=["list the devices of all but one of them"])


reported("BH0124", "rest of the devices that has changed", phase="plan", explain="""\
`devices: {rest: true}` stands for every device that nobody else has, so a new device tree can change what a VM gets.
`configtool plan --lock` writes down what it stands for, `configtool plan --locked` fails when that is no longer so.
`check` alone does not look.""",
         fails=_VM + "    devices: {rest: true}\n# with a system.yaml.lock that lists other devices\n",
         passes=_VM + "    devices: [rtc@101000]\n")


_LINUX = _VM.replace("16MiB", "128MiB").replace("guest.elf", "Image")


@rule("BH0125", "reset of a guest that ends it", phase="image", severity="warning", explain="""\
A Linux kernel that gives up does not touch what it should not: it asks for a reset, after as many seconds as `panic=`
of its command line says. What happens then is `on_reset`, and unless that is written, the VM stops. A VM that is to
be restarted after a fault, or whose command line has `panic=`, is expected to come back. Write what is meant:
`on_reset: {action: restart}`, or `{action: stop}`.""",
      fails=_LINUX + "    on_fault: {action: restart}\n",
      passes=_LINUX + "    on_fault: {action: restart}\n    on_reset: {action: restart}\n")
def silent_reset(self: Rule, context: Context) -> Iterator[Diagnostic]:
    for vm in context.system.vms:
        if vm.on_reset is not None or not any(ref.path in context.images and context.images[ref.path].kind == "linux"
                                              for ref in vm.images):
            continue
        options = vm.linux
        panic = next((word for word in (options.cmdline or "").split() if word.startswith("panic=")),
                     "panic=0") if options else "panic=0"
        help_ = ["write on_reset: {action: restart}, or {action: stop} if that is meant"]
        if panic != "panic=0" and options is not None:
            yield self.diagnostic(f"VM '{vm.name}' stops when its kernel resets itself", options.cmdline_span
                                  or options.span,
                                  f"{panic}: after a panic it does", help=help_)
        elif vm.on_fault is not None and vm.on_fault.action == "restart":
            yield self.diagnostic(f"VM '{vm.name}' is restarted after a fault, and stops when its kernel resets itself",
                                  vm.on_fault.span, help=help_)
