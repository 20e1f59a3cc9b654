# SPDX-License-Identifier: Apache-2.0
"""What a UART is to the console's driver: known or not, and how far apart its registers are. From the bindings of each."""
from __future__ import annotations

from ..board.model import Device

# By compatible: (log2 of the bytes from one register to the next, bytes of a register) where the device tree does not say
# it. A driver that knows its registers by itself takes no notice.
_BYTES = (0, 1)
_WORDS = (2, 4)
_KNOWN = {
    "arm,pl011": _BYTES, "arm,sbsa-uart": _BYTES, "cdns,uart-r1p12": _BYTES, "xlnx,xuartps": _BYTES, "ns16550a": _BYTES,
    "ns16550": _BYTES, "snps,dw-apb-uart": _BYTES, "nvidia,tegra20-uart": _WORDS, "brcm,bcm2835-aux-uart": _WORDS,
    "ti,am654-uart": _WORDS, "ti,omap4-uart": _WORDS, "ti,omap3-uart": _WORDS, "ti,omap2-uart": _WORDS,
    "mediatek,mt6577-uart": _WORDS, "intel,xscale-uart": _WORDS, "mrvl,mmp-uart": _WORDS, "fsl,imx6q-uart": _BYTES,
    "fsl,imx21-uart": _BYTES, "fsl,imx53-uart": _BYTES, "fsl,imx8qxp-lpuart": _BYTES, "fsl,imx7ulp-lpuart": _BYTES,
    "amlogic,meson-uart": _BYTES, "amlogic,meson-gx-uart": _BYTES, "amlogic,meson-ao-uart": _BYTES,
    "amlogic,meson-g12a-uart": _BYTES, "amlogic,meson-s4-uart": _BYTES, "sifive,uart0": _BYTES, "qcom,geni-debug-uart": _BYTES,
    "marvell,armada-3700-uart": _BYTES, "renesas,scif": (2, 2), "renesas,hscif": (2, 2), "renesas,scif-r9a07g044": (1, 2),
    "renesas,scif-r9a09g057": (1, 2), "samsung,exynos4210-uart": _BYTES, "samsung,exynos5433-uart": _BYTES,
    "samsung,exynos850-uart": _BYTES, "samsung,exynos8895-uart": _BYTES, "google,gs101-uart": _BYTES}


def stride(device: Device) -> tuple[int, int] | None:
    """(shift, width in bytes); None: there is no driver for it."""
    kind = next((_KNOWN[c] for c in device.compatible if c in _KNOWN), None)
    if kind is None or device.node is None:
        return kind
    shift, width = (device.node.u32(name, default) for name, default in zip(("reg-shift", "reg-io-width"), kind))
    return shift or 0, width or 1
