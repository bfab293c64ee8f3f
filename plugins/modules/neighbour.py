#!/usr/bin/python
# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: one neighbour."""

from __future__ import annotations

DOCUMENTATION = r"""
module: neighbour
short_description: Make, change or remove one permanent neighbour
version_added: 0.1.0
author:
  - Contributors to weft.netns (@weft)
description:
  - A permanent entry of the ARP or neighbour discovery table, or an address that the link answers for.
extends_documentation_fragment:
  - weft.netns._attributes
  - weft.netns._attributes.writes
  - weft.netns._options.in_namespace
  - weft.netns._options.neighbour
  - weft.netns._options.state
seealso:
  - module: weft.netns.route
  - module: weft.netns.topology
"""

EXAMPLES = r"""
- name: A pair of links
  weft.netns.veth:
    name: left
    peer: right

- name: A neighbour that need not be asked for
  weft.netns.neighbour:
    link: left
    address: 169.254.1.1
    mac: "02:00:00:00:00:01"

- name: Answer for an address that is elsewhere
  weft.netns.neighbour:
    link: right
    address: 10.20.0.11
    proxy: true

- name: No longer
  weft.netns.neighbour:
    link: right
    address: 10.20.0.11
    proxy: true
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
    - add host neighbour left 169.254.1.1 lladdr 02:00:00:00:00:01
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

ARGUMENTS = {**_options.IN_NAMESPACE, **_options.NEIGHBOUR, **_options.STATE}


def document(params: Params) -> Document:
    """A host document with this neighbour."""
    return within(params["namespace"], listed(params["link"]), neighbours=[given(params, _options.NEIGHBOUR)])


def main() -> None:
    write(ARGUMENTS, document, required_one_of=[("mac", "proxy")], mutually_exclusive=[("mac", "proxy")])


if __name__ == "__main__":
    main()
