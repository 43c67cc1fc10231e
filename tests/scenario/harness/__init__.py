# SPDX-License-Identifier: Apache-2.0
"""What the scenarios share: processes, a raw HTTP client, a cutting proxy, reading back."""
