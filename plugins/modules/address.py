#!/usr/bin/python
# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: one address."""

from __future__ import annotations

DOCUMENTATION = r"""
module: address
short_description: Give a link an address, or take it away
version_added: 0.1.0
author:
  - Contributors to weft.netns (@weft)
description:
  - Other addresses of the link stay as they are.
  - An IPv6 address can be used at once, without waiting for duplicate address detection.
extends_documentation_fragment:
  - weft.netns._attributes
  - weft.netns._attributes.writes
  - weft.netns._options.in_namespace
  - weft.netns._options.address
  - weft.netns._options.state
seealso:
  - module: weft.netns.link
  - module: weft.netns.topology
"""

EXAMPLES = r"""
- name: A second address for the loopback of the target
  weft.netns.address:
    link: lo
    address: 192.0.2.1/32

- name: And inside a namespace
  block:
    - name: The namespace
      weft.netns.namespace:
        name: web1

    - name: Its address
      weft.netns.address:
        namespace: web1
        link: lo
        address: 2001:db8::1/128

- name: The first one goes
  weft.netns.address:
    link: lo
    address: 192.0.2.1/32
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
    - add host/lo address 192.0.2.1/32
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
from ansible_collections.weft.netns.plugins.module_utils._document import Document, Params, within
from ansible_collections.weft.netns.plugins.module_utils._module import write

ARGUMENTS = {**_options.IN_NAMESPACE, **_options.ADDRESS, **_options.STATE}


def document(params: Params) -> Document:
    """A host document with this address."""
    return within(params["namespace"], {params["link"]: {"addresses": [params["address"]]}})


def main() -> None:
    write(ARGUMENTS, document)


if __name__ == "__main__":
    main()
