#!/usr/bin/python
# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: one jail."""

from __future__ import annotations

DOCUMENTATION = r"""
module: jail
short_description: Hold a service to a few of the addresses of the host
version_added: 0.1.0
author:
  - Contributors to weft.netns (@weft)
description:
  - A jail is a cgroup whose sockets may only use the addresses of the jail. It has no network namespace and no link of its own,
    and no packet of an established connection is looked at.
  - A wildcard bind is narrowed to the address of the jail, so that many services listen on C(*:80) side by side. Binding to another
    address fails with C(EPERM). A socket that is not bound sends from the address of the jail.
  - The addresses are added to the host with the jail, and go with it.
extends_documentation_fragment:
  - weft.netns._attributes
  - weft.netns._attributes.writes
  - weft.netns._options.jail
  - weft.netns._options.state
notes:
  - A process that has CAP_NET_RAW can send packets past all sockets, and one that may write to the file system of cgroups can leave.
    What runs in a jail needs neither.
  - The document C(docs/jails.md) of this collection has the rules, one by one.
seealso:
  - module: weft.netns.topology
  - module: weft.netns.topology_info
"""

EXAMPLES = r"""
- name: A service has one address, whatever it listens on
  weft.netns.jail:
    name: web1
    addresses: [192.0.2.1, "2001:db8::1"]
    unit: nginx.service

- name: Two have one address, each with its own ports
  weft.netns.jail:
    name: "{{ item.name }}"
    addresses: [192.0.2.2]
    ports: "{{ item.ports }}"
  loop:
    - {name: mail, ports: [25, 465, 587]}
    - {name: files, ports: [21, 40000-40999]}

- name: One goes, and its address with it
  weft.netns.jail:
    name: web1
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
    - create address host/lo 192.0.2.1/32
    - create jail web1 192.0.2.1 around nginx.service
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

from typing import Any

from ansible_collections.weft.netns.plugins.module_utils import _options
from ansible_collections.weft.netns.plugins.module_utils._document import Document, Params, given
from ansible_collections.weft.netns.plugins.module_utils._module import write

ARGUMENTS = {**_options.JAIL, **_options.STATE}
CONSTRAINTS: dict[str, Any] = {"required_if": [("state", "present", ["addresses"])], "mutually_exclusive": [("cgroup", "unit")]}


def document(params: Params) -> Document:
    """A host document with this jail."""
    return {"jails": {params["name"]: given(params, [key for key in _options.JAIL if key != "name"])}}


def main() -> None:
    write(ARGUMENTS, document, **CONSTRAINTS)


if __name__ == "__main__":
    main()
