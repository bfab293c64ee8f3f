#!/usr/bin/python
# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: one network namespace."""

from __future__ import annotations

DOCUMENTATION = r"""
module: namespace
short_description: Make, adopt or remove one network namespace
version_added: 0.1.0
author:
  - Contributors to weft.netns (@weft)
description:
  - Makes a named network namespace, as C(ip netns add) does, with its loopback up; or gives a name to one that a running container has.
  - It is known to C(ip netns) and to the other modules by this name.
extends_documentation_fragment:
  - weft.netns._attributes
  - weft.netns._attributes.writes
  - weft.netns._options.namespace
  - weft.netns._options.state
seealso:
  - module: weft.netns.topology
  - module: weft.netns.veth
"""

EXAMPLES = r"""
- name: A namespace that forwards packets
  weft.netns.namespace:
    name: web1
    sysctls:
      net.ipv4.ip_forward: 1

- name: It goes
  weft.netns.namespace:
    name: web1
    state: absent

- name: A process that has a network of its own, as a container has
  ansible.builtin.shell: unshare --net sleep 300 >/dev/null 2>&1 & echo $!
  register: started

- name: Give its network namespace a name
  weft.netns.namespace:
    name: app
    pid: "{{ started.stdout }}"

- name: Take the name away; the process keeps its network
  weft.netns.namespace:
    name: app
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
    - create namespace web1
    - set web1 sysctl net.ipv4.ip_forward 1
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
from ansible_collections.weft.netns.plugins.module_utils._document import Document, Params, given
from ansible_collections.weft.netns.plugins.module_utils._module import write

ARGUMENTS = {**_options.NAMESPACE, **_options.STATE}


def document(params: Params) -> Document:
    """A host document with this namespace."""
    return {"namespaces": {params["name"]: given(params, ("pid", "path", "sysctls", "in_use"))}}


def main() -> None:
    write(ARGUMENTS, document, mutually_exclusive=[("pid", "path")])


if __name__ == "__main__":
    main()
