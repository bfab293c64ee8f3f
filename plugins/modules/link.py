#!/usr/bin/python
# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: one link."""

from __future__ import annotations

DOCUMENTATION = r"""
module: link
short_description: Make, change or remove one link
version_added: 0.1.0
author:
  - Contributors to weft.netns (@weft)
description:
  - Makes a network device of the given kind, or manages attributes of one that is there.
  - An attribute is changed in place. A link of another kind, or a veth with another peer, is made anew, and the step says so.
extends_documentation_fragment:
  - weft.netns._attributes
  - weft.netns._attributes.writes
  - weft.netns._options.in_namespace
  - weft.netns._options.link
  - weft.netns._kinds
  - weft.netns._options.state
seealso:
  - module: weft.netns.veth
  - module: weft.netns.address
  - module: weft.netns.topology
"""

EXAMPLES = r"""
- name: A bridge with an address
  weft.netns.link:
    name: br-blue
    kind: bridge
    bridge:
      stp: false
    addresses:
      - 10.20.0.1/24
      - fd00:20::1/64

- name: An isolated port of the bridge, whose other end is in a namespace
  block:
    - name: The namespace
      weft.netns.namespace:
        name: web1

    - name: The port
      weft.netns.link:
        name: vweb1
        kind: veth
        veth:
          peer: eth0
          namespace: web1
        master: br-blue
        port:
          isolated: true

- name: Another MTU for a link that exists
  weft.netns.link:
    name: eth0
    namespace: web1
    mtu: 1400

- name: An overlay to two other hosts
  weft.netns.link:
    name: vx42
    kind: vxlan
    vxlan:
      id: 42
      remotes:
        - 192.0.2.2
        - 192.0.2.3
    master: br-blue

- name: Everything goes
  weft.netns.link:
    name: "{{ item }}"
    state: absent
  loop:
    - vx42
    - vweb1
    - br-blue
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
    - create link host/br-blue bridge
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
from ansible_collections.weft.netns.plugins.module_utils._document import Document, Params, existing, given
from ansible_collections.weft.netns.plugins.module_utils._module import write

ARGUMENTS = {**_options.IN_NAMESPACE, **_options.LINK, **_options.STATE}


def document(params: Params) -> Document:
    """A host document with this link, and the links and namespaces that it names."""
    result: Document = {}
    links = existing(result, params["namespace"])["links"]
    if params["state"] == "absent":
        links[params["name"]] = {"state": "absent"}
        return result
    names = [name for name in _options.LINK if name not in ("name", "admin_state")]
    links[params["name"]] = {**given(params, names), **_state(params)}
    for named in filter(None, (params["master"], params["redirect"])):
        links.setdefault(named, {})
    if params["veth"]:
        existing(result, params["veth"]["namespace"])
    for kind in ("vlan", "vxlan", "macvlan", "ipvlan"):
        if params[kind] and params[kind]["link"]:
            parents = existing(result, params[kind]["namespace"] or params["namespace"])["links"]
            parents.setdefault(params[kind]["link"], {})
    return result


def _state(params: Params) -> Document:
    return {"state": params["admin_state"]} if params["admin_state"] else {}


def main() -> None:
    write(ARGUMENTS, document, required_if=[("kind", kind, (kind,)) for kind in ("veth", "vxlan", "macvlan")])


if __name__ == "__main__":
    main()
