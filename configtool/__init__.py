# SPDX-License-Identifier: Apache-2.0
"""configtool: turns a YAML description of a mixed-criticality system into every table that Bulkhead boots with.

The way of the data (docs/internals/architecture.md): source -> schema -> system; dts -> board; system + board + images
-> plan; rules read all of them; emitters read the plan alone.
"""

__version__ = "0.1.0"
