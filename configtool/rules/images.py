# SPDX-License-Identifier: Apache-2.0
from .registry import Rule, register
for c in range(1,25):
    register(Rule(f"BH04{c:02}", "error", "plan", "", "", "", "", None))
