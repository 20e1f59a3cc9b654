# SPDX-License-Identifier: Apache-2.0
from .registry import Rule, register
for c in range(1,20):
    register(Rule(f"BH03{c:02}", "error", "plan", "", "", "", "", None))
