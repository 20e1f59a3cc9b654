# SPDX-License-Identifier: Apache-2.0
"""Diagnostics for people and for programs."""
