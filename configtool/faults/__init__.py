# SPDX-License-Identifier: Apache-2.0
"""What a console log tells of faults: read, put beside the guests' symbols and the description, explained."""
