# SPDX-License-Identifier: Apache-2.0
"""Turns openapi.yaml into JSON when the gateway is built: openapi_json.py IN OUT.

Only what means the same in YAML 1.1, YAML 1.2 and JSON passes: no member twice, no dates, no
anchors.
"""

import json
import os
import sys

import yaml


class Loader(yaml.SafeLoader):
    """The safe loader, without what would be lost or guessed."""

    def compose_node(self, parent, index):
        if self.check_event(yaml.AliasEvent):
            raise yaml.constructor.ConstructorError(
                None, None, "an alias", self.peek_event().start_mark)
        return super().compose_node(parent, index)


def mapping(loader, node):
    members = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node)
        if not isinstance(key, str) or key in members:
            raise yaml.constructor.ConstructorError(
                None, None, f"{key!r} is given twice, or is no text", key_node.start_mark)
        members[key] = loader.construct_object(value_node, deep=True)
    return members


Loader.add_constructor("tag:yaml.org,2002:map", mapping)


def main(source, target):
    with open(source, encoding="utf-8") as file:
        document = yaml.load(file, Loader)  # noqa: S506, a safe loader
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # Builds beside each other may share the target.
    part = f"{target}.{os.getpid()}"
    with open(part, "w", encoding="utf-8") as file:
        file.write(text + "\n")
    os.replace(part, target)


main(*sys.argv[1:])
