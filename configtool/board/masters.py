# SPDX-License-Identifier: Apache-2.0
"""Whether a device reads or writes memory by itself: what its kind, its bindings and its generic name tell.

A device tree says so only in part (`iommus`, `dma-coherent`), so there are tables: by compatible, then by the generic
names that section 2.2.2 of the Devicetree Specification recommends. What stands in neither is not known, and treated
with caution.
"""
from __future__ import annotations

from .dts import Node

_MASTERS = ("virtio,mmio", "qemu,fw-cfg-mmio", "arm,pl080", "arm,pl081", "arm,pl330", "arm,mali-", "cdns,gem",
            "snps,dwmac", "snps,dwc3", "brcm,bcm2835-dma", "xlnx,zynqmp-qspi-1.0", "qcom,geni-se-qup")
_NOT = ("ns16550", "snps,dw-apb-uart", "arm,pl011", "arm,sbsa-uart", "arm,pl031", "arm,pl061", "google,goldfish-rtc",
        "cfi-flash", "sifive,uart0", "cdns,uart", "xlnx,xuartps", "xlnx,zynqmp-uart", "arm,sp805", "arm,sp804",
        "mmio-sram", "cdns,spi-r1p6", "xlnx,zynq-can", "cdns,ttc", "arm,coresight-dynamic-funnel",
        "arm,coresight-etm", "arm,coresight-cti", "arm,coresight-stm", "arm,coresight-cpu-debug",
        "arm,coresight-dynamic-replicator", "qcom,coresight-tpd", "arm,smmu-v3-pmcg", "fsl,imx21-i2c")

# Generic names, for all devices of a class.
_NAMES_MASTERS = frozenset("""
    ethernet mmc mmci sdhci sdhc dwmmc usb usb3 sata ahci gpu dma-controller dma crypto display-controller display
    video-codec nvme ufs ufshc pcie pci isp csi npu vpu jr remoteproc lcdif lcd-controller etr iep rga pxp jpegdec
    jpegenc""".split())
_NAMES_NOT = frozenset("""
    serial uart rtc gpio pinctrl watchdog timer pwm clock-controller clock clk reset-controller efuse flash rng adc
    saradc mailbox temperature-sensor thermal-sensor tmu tsadc tempmon interrupt-controller i2c sram power-controller
    syscon keypad phy usb-phy usbphy usb2phy pcie-phy hdmi-phy mdio interconnect memory-controller hwlock hwspinlock
    spinlock chipid qfprom regulator ddr-pmu spmi system-cache-controller larb smi cpufreq pinmux""".split())


def masters_memory(node: Node, kind: str, behind_iommu: bool) -> bool | None:
    """None: not known. `kind` is that of the device (model.Device)."""
    if kind in ("pci", "iommu"):
        return True
    if kind in ("interrupt-controller", "timer", "pmu", "clint", "power", "bus"):
        return False
    if behind_iommu or node.has("dma-coherent"):
        return True
    prop = node.get("compatible")
    for name in prop.value.decode("utf-8", "replace").split("\0") if prop else ():
        if name.startswith(_MASTERS):
            return True
        if name == "syscon" or name.startswith(_NOT):
            return False
    if node.unit_name in _NAMES_MASTERS:
        return True
    return False if node.unit_name in _NAMES_NOT else None
