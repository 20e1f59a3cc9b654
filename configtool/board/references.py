# SPDX-License-Identifier: Apache-2.0
"""Which properties of a device tree name other nodes by phandle, and with how many arguments.

A tree does not tell: a cell with a phandle looks like any other. The names are those of the kernel's bindings (types
phandle and phandle-array) and of its list of supplier properties; for properties of vendors the bindings were held
against the trees of 2,800 boards. A property that nobody knows is taken to hold no phandle.
"""
from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Iterator

from .dts import DeviceTree, Node, Property, TreeError

# Lists of phandles, each followed by as many cells as the provider's property says ('' : none).
_LISTS = {
    "clocks": "#clock-cells", "assigned-clocks": "#clock-cells", "assigned-clock-parents": "#clock-cells",
    "resets": "#reset-cells", "power-domains": "#power-domain-cells", "phys": "#phy-cells", "dmas": "#dma-cells",
    "mboxes": "#mbox-cells", "interconnects": "#interconnect-cells", "hwlocks": "#hwlock-cells",
    "io-channels": "#io-channel-cells", "io-backends": "#io-backend-cells", "pwms": "#pwm-cells",
    "thermal-sensors": "#thermal-sensor-cells", "cooling-device": "#cooling-cells", "sound-dai": "#sound-dai-cells",
    "mux-controls": "#mux-control-cells", "mux-states": "#mux-state-cells", "nvmem-cells": "#nvmem-cell-cells",
    "access-controllers": "#access-controller-cells", "performance-domains": "#performance-domain-cells",
    "pses": "#pse-cells", "trigger-sources": "#trigger-source-cells", "msi-parent": "#msi-cells",
    "iommus": "#iommu-cells", "timestamps": "#timestamp-cells",
    "memory-region": "", "phy-handle": "", "phy-device": "", "operating-points-v2": "", "required-opps": "",
    "cpu-idle-states": "", "domain-idle-states": "", "power-supplies": "", "usb-phy": "", "remote-endpoint": "",
    "leds": "", "ports": "", "dais": "", "links": "", "cpus": "", "extcon": "", "backlight": "", "panel": "",
    "nvmem": "", "next-level-cache": "", "sram": "", "cci-control-port": "", "regulator-coupled-with": "",
    "devfreq-events": "", "audio-aux-devs": "", "aux-devs": "", "audio-codec": "", "audio-cpu": "", "peer-hub": "",
    "pcs-handle": "", "pcsphy-handle": "", "mac-handle": "", "interrupt-affinity": "", "affinity": "",
    "dma-masters": "", "fsl,fman-ports": "", "qcom,bcm-voters": "", "renesas,cmms": "", "renesas,ipmmu-main": "",
    "ti,ptcs": "", "ti,tptcs": "", "ti,prus": "", "ti,watchdog-timers": "", "ti,timers": "", "mediatek,larbs": "",
    "nvidia,outputs": "", "marvell,crypto-srams": "", "altr,rec-parent": "", "qcom,tx-device": "",
    "qcom,rx-device": "", "simple-audio-card,aux-devs": "",
}

# A phandle, and behind it cells of any meaning.
_FIRST = frozenset("""
    access-controller backlight bitclock-master boot-led buffer-manager capture companion cpu ctrl-module ddc
    ddc-i2c-bus devfreq display ethernet firmware flash fpga-mgr frame-master gpr hdmi-phandle i2c-bus i2c-parent
    internal-mem intf_mode iram lens-focus link mdio-parent-bus mmc-pwrseq mode-reg monitored-battery nand-ecc-engine
    native-mode phy pinctrl playback pm-sram pm_qos power ptp-timer reg-io regmap rproc sata secure-monitor sfp shmem
    simple-audio-card,bitclock-master simple-audio-card,frame-master slave-dev ssi-controller stmpe-pwm
    thermal-sensor trip vbus-regulator wakeup-parent
    allwinner,codec-analog-controls allwinner,sram amlogic,ao-secure amlogic,canvas amlogic,secbus2 apple,sart
    arm,cs-dev-assoc arm,trig-devs arm,vexpress,config-bridge aspeed,ahbc aspeed,external-nodes fsl,anatop
    fsl,blk-ctrl fsl,ddrc fsl,dsp-ctrl fsl,imx7d-pcie-phy fsl,input-sel fsl,iram fsl,mipi-phy-gpr fsl,pcie-scfg
    fsl,pres fsl,prg fsl,rcpm-wakeup fsl,ssi fsl,stop-mode fsl,tempmon fsl,tempmon-data fsl,usbmisc fsl,usbphy
    fsl,weim-cs-gpr lantiq,rcu marvell,system-controller marvell,usb-misc-reg mediatek,adsp mediatek,apmixedsys
    mediatek,auxadc mediatek,ethsys mediatek,gce-client-reg mediatek,hdmi-codec mediatek,headset-codec
    mediatek,infracfg mediatek,pctl mediatek,pericfg mediatek,platform mediatek,scp mediatek,sgmiisys mediatek,smi
    mediatek,topckgen mediatek,vdecsys mediatek,vpu mediatek,wed mediatek,wed-pcie mediatek,wo-ccif
    nuvoton,sys-mgr nuvoton,sysgcr nvidia,bpmp nvidia,ddc-i2c-bus nvidia,dpaux nvidia,mipi-calibrate nvidia,panel
    nvidia,phy nvidia,pmc nvidia,xusb-padctl qcom,4ln-config-sel qcom,adsp qcom,dload-mode qcom,gmu qcom,halt-regs
    qcom,ice qcom,ipc qcom,mmio qcom,perst-regs qcom,qaccept-regs qcom,qmp qcom,rpm-msg-ram qcom,rproc qcom,saw
    qcom,smem-states qcom,spare-regs qcom,stream-id-range qcom,tcsr-reg ralink,memctl renesas,bonding
    renesas,companion renesas,fcp renesas,vsps rockchip,audio-codec rockchip,hdmi-codec rockchip,headset-codec
    rockchip,i2s-controller rockchip,pmu samsung,audio-codec samsung,i2s-controller snps,axi-config
    snps,mtl-rx-config snps,mtl-tx-config spacemit,apmu st,gcan st,sync ti,am65x-oldi-io-ctrl ti,bootreg
    ti,camerrx-control ti,ctrl_mod ti,elm-id ti,iep ti,mcbsp ti,mii-g-rt ti,mii-rt ti,oldi-io-ctrl ti,pm ti,ringacc
    ti,rproc ti,sci ti,serdes-clk ti,unmapped-event-sources""".split())
_FIRST_LIKE = re.compile(r"(^|[,-])(syscon|grf|sysreg|syscfg|sysctrl|usbgrf)([,-]|$)|[,-](phandle|handle)$")

_GPIO_RANGE = 3             # cells after the phandle (bindings, gpio/gpio.txt)


@dataclass(frozen=True)
class Reference:
    """One entry of a property. `at` is the cell that holds the phandle; `provider` is None for an empty entry (0)."""
    at: int
    provider: Node | None
    args: tuple[int, ...]


def refers(name: str) -> bool:
    """Whether a property of this name holds phandles."""
    return _form(name) is not None


def references(tree: DeviceTree, prop: Property) -> tuple[Reference, ...]:
    """The entries of a property of which refers() holds. Raises TreeError where a phandle leads nowhere or the cells do
    not come out."""
    form = _form(prop.name)
    cells = prop.cells
    if form is None or not cells:
        return ()
    if form == "first":
        return (Reference(0, _provider(tree, prop, cells[0]), cells[1:]),)
    found, at = [], 0
    while at < len(cells):
        if cells[at] in (0, 0xFFFFFFFF):
            found.append(Reference(at, None, ()))
            at += 1
            continue
        provider = _provider(tree, prop, cells[at])
        count = _GPIO_RANGE if form == "range" else _count(prop, provider, form)
        if at + 1 + count > len(cells):
            raise TreeError(f"{prop.name} ends in the middle of an entry: {provider.path} takes {count} cells",
                            prop.span)
        found.append(Reference(at, provider, cells[at + 1:at + 1 + count]))
        at += 1 + count
    return tuple(found)


def all_references(tree: DeviceTree, node: Node) -> Iterator[tuple[Property, tuple[Reference, ...] | None]]:
    """Each property of a node that names others, with its entries; None where they cannot be read."""
    hog = node.has("gpio-hog")              # its `gpios` are pins of the controller that it is a child of
    for prop in node.properties:
        if refers(prop.name) and prop.value and not (hog and prop.name == "gpios"):
            try:
                yield prop, references(tree, prop)
            except TreeError:
                yield prop, None


def _form(name: str) -> str | None:
    """'#x-cells': a list of that; '': a list of bare phandles; 'first', 'range'; None: no phandles."""
    listed = _LISTS.get(name)
    if listed is not None:
        return listed
    if name.startswith("#"):
        return None
    if name.endswith("-supply"):
        return ""
    if name.startswith("pinctrl-") and name[8:].isdigit():
        return ""
    if name == "gpio-ranges":
        return "range"
    if name in ("gpio", "gpios") or name.endswith(("-gpios", "-gpio")) and not name.endswith(("nr-gpio", "nr-gpios")):
        return "#gpio-cells"
    if name in _FIRST or _FIRST_LIKE.search(name):
        return "first"
    return None


def _provider(tree: DeviceTree, prop: Property, number: int) -> Node:
    found = tree.phandle(number)
    if found is None:
        raise TreeError(f"{prop.name} refers to phandle {number:#x}, which no node has", prop.span)
    return found


def _count(prop: Property, provider: Node, name: str) -> int:
    """Cells behind a phandle."""
    if not name:
        return 0
    count = provider.u32(name)
    if count is None:
        if name in ("#nvmem-cell-cells", "#msi-cells", "#trigger-source-cells"):
            return 0                    # absent means none (bindings, nvmem/nvmem.yaml, interrupt-controller/msi.txt)
        raise TreeError(f"{prop.name} refers to {provider.path}, which has no {name}", prop.span)
    return count
