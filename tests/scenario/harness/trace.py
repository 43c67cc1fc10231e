# SPDX-License-Identifier: Apache-2.0
"""What a test sent and got, kept so that a failure can show it."""

MAX_NOTES = 24
MAX_BYTES = 1200

_notes = []


def reset():
    _notes.clear()


def note(label, content):
    """Keeps one line of traffic; the oldest fall out."""
    _notes.append((label, content))
    if len(_notes) > MAX_NOTES:
        del _notes[0]


def printable(content):
    if isinstance(content, str):
        content = content.encode("utf-8", "replace")
    cut = content[:MAX_BYTES]
    text = cut.decode("latin-1")
    text = "".join(c if c in "\n\t" or 0x20 <= ord(c) < 0x7F else f"\\x{ord(c):02x}"
                   for c in text.replace("\r\n", "\n"))
    if len(content) > MAX_BYTES:
        text += f" … ({len(content)} bytes)"
    return text


def render():
    lines = []
    for label, content in _notes:
        lines.append(f"--- {label}")
        lines.extend("    " + line for line in printable(content).split("\n"))
    return "\n".join(lines)
