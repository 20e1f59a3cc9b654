# SPDX-License-Identifier: Apache-2.0
"""`/usr/bin/python3 -m configtool`: the same as bin/configtool."""
from .cli.main import run

run()
