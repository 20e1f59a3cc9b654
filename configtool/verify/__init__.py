# SPDX-License-Identifier: Apache-2.0
"""`configtool verify`: shows from the finished image that no VM reaches what is not its own.

Nothing here imports configtool.plan, configtool.emit or configtool.image: what those decided and wrote is what is
judged. Shared is only what the user wrote (source, language, system) and what the board is (board). The way of the
data:

    bulkhead.elf ─ elf ─ dwarf ─ facts ─┐
                    └── walk_<arch> ────┤
    system.yaml, board ─ expect ────────┼─ checks_* ─ report ─ text, JSON, HTML
    guest images ─ guestfile ───────────┘
"""
