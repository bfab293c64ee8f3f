#!/usr/bin/python
# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: one routing policy rule."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rule
short_description: Make or remove one rule of the routing policy
version_added: 0.1.0
author:
  - Contributors to weft.netns (@weft)
description:
  - A rule says which routing table serves which packets. All its options together tell it from others.
extends_documentation_fragment:
  - weft.netns._attributes
  - weft.netns._attributes.writes
  - weft.netns._options.in_namespace
  - weft.netns._options.rule
  - weft.netns._options.state
seealso:
  - module: weft.netns.route
  - module: weft.netns.topology
"""

EXAMPLES = r"""
- name: Packets from this network use a table of their own
  weft.netns.rule:
    priority: 1000
    from: 10.20.0.0/24
    table: 100

- name: Marked IPv6 packets are refused
  weft.netns.rule:
    priority: 1001
    family: ipv6
    fwmark: 0x1/0xff
    type: prohibit

- name: They may pass again
  weft.netns.rule:
    priority: 1001
    family: ipv6
    fwmark: 0x1/0xff
    type: prohibit
    state: absent
"""

RETURN = r"""
steps:
  description:
    - The changes, one line each, in the order they are made. Empty if nothing changes.
    - The same in check mode.
  returned: success
  type: list
  elements: str
  sample:
    - add host rule 1000 from 10.20.0.0/24 lookup 100
timing:
  description: How long each part took, in milliseconds.
  returned: success
  type: dict
  contains:
    observe:
      description: Reading the kernel.
      type: float
    plan:
      description: Finding the steps.
      type: float
    apply:
      description: Taking them, and reading again.
      type: float
  sample: {observe: 4.1, plan: 0.2, apply: 6.3}
diff:
  description: The objects that change, as YAML, before and after.
  returned: in diff mode
  type: dict
  contains:
    before:
      description: As they were.
      type: str
    after:
      description: As they are now, or would be.
      type: str
faults:
  description: What is wrong, every fault of it.
  returned: failure
  type: list
  elements: dict
  contains:
    path:
      description: Where in the document; may be empty.
      type: str
    message:
      description: What is wrong.
      type: str
"""

from ansible_collections.weft.netns.plugins.module_utils import _options
from ansible_collections.weft.netns.plugins.module_utils._document import Document, Params, given, listed, within
from ansible_collections.weft.netns.plugins.module_utils._module import write

ARGUMENTS = {**_options.IN_NAMESPACE, **_options.RULE, **_options.STATE}


def document(params: Params) -> Document:
    """A host document with this rule."""
    return within(params["namespace"], listed(), rules=[given(params, _options.RULE)])


def main() -> None:
    write(ARGUMENTS, document)


if __name__ == "__main__":
    main()
