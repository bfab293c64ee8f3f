#!/usr/bin/python
# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: the whole network of one host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: topology
short_description: Declare the whole container network of one host
version_added: 0.1.0
author:
  - Contributors to weft.netns (@weft)
description:
  - Makes the network namespaces, links, addresses, routes, rules and neighbours of a host document, and removes what an earlier document
    of the same O(name) had and this one has not.
  - If the kernel refuses a step, the steps before it are undone and the host is as it was. All faults of a document are reported together,
    before anything is changed.
  - Only what this collection made is ever removed. Other links, namespaces, addresses, routes and rules stay.
  - If neither O(document) nor O(src) is given, the document is compiled on the controller, from the variables C(netns_networks)
    and C(netns_containers).
  - On a host that has the folder C(/etc/weft-netns/documents), which role C(persist) makes, the document is also kept there for the next
    boot, and goes from there with O(state=absent). To keep it, or another one, is a step like the others.
extends_documentation_fragment:
  - weft.netns._attributes
  - weft.netns._attributes.writes
  - weft.netns._options.state
attributes:
  action:
    description: Indicates this has a corresponding action plugin so some parts of the options can be executed on the controller.
    support: full
options:
  document:
    description:
      - The host document, a dictionary or one JSON string.
      - The top level has C(host), the target's own namespace, and C(namespaces), by name. Each of them has C(links), C(routes), C(rules),
        C(neighbours) and C(sysctls); their keys are the options of the modules for one link, one route and so on, except that
        a link's C(state) is V(up), V(down) or V(absent).
      - C(host) may have a C(filter), which nftables holds. C(guards), by link, C(mac) and C(addresses). Nothing else enters by these
        links; the link-local address that follows from the MAC need not be listed. A link that has no MAC has addresses alone.
        C(isolated), a list of C(links) between which nothing is forwarded. Where they are ports of a bridge, C(destinations) are prefixes
        for which the host takes nothing from them, but for the addresses in C(except). C(masquerade), a list of C(sources), prefixes,
        that leave with the host's own address by any link that is not in C(links), or with C(address), from one of C(ports). C(publish),
        a list of ports of the host (C(protocol), C(host_port), which may be a range, and C(host_address), or all of the host's) and where
        they lead (C(address), C(port), and C(link), by which that is reached; the host's 127.0.0.1 counts where that link has the sysctl
        C(route_localnet)). C(anycast), by link, a port of a bridge, C(mac) and C(addresses) of a gateway that other hosts have as well,
        as they have this MAC. Nothing from it or to it crosses that port, nor ARP and neighbour discovery for it.
      - Not needed with O(state=absent).
    type: raw
  src:
    description:
      - A file on the controller that has the host document, in YAML or JSON.
    type: path
  name:
    description:
      - Name of the document. Documents of different names share a host without touching each other's objects.
      - It can be the name of a file.
    type: str
    default: default
  purge:
    description:
      - Remove what a former document of this O(name) made and this one does not have.
      - What is made with V(false) is not kept for the next boot.
    type: bool
    default: true
  state:
    description:
      - V(present) makes the host as the document says.
      - V(absent) removes everything that documents of this O(name) made, and puts back what they changed.
  lock_timeout:
    description:
      - How long to wait for another run on the same host, in seconds.
    type: float
    default: 60
seealso:
  - module: weft.netns.topology_info
  - module: weft.netns.namespace
  - module: weft.netns.link
  - module: weft.netns.engine
"""

EXAMPLES = r"""
- name: Two containers on a bridge
  weft.netns.topology:
    document:
      host:
        links:
          br-blue: {kind: bridge, addresses: [10.20.0.1/24]}
          vweb1: {kind: veth, veth: {peer: eth0, namespace: web1}, master: br-blue}
          vweb2: {kind: veth, veth: {peer: eth0, namespace: web2}, master: br-blue}
      namespaces:
        web1:
          links:
            eth0: {kind: veth, veth: {peer: vweb1}, addresses: [10.20.0.11/24]}
          routes:
            - {destination: default, gateway: 10.20.0.1}
        web2:
          links:
            eth0: {kind: veth, veth: {peer: vweb2}, addresses: [10.20.0.12/24]}
          routes:
            - {destination: default, gateway: 10.20.0.1}

- name: Everything goes
  weft.netns.topology:
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
    - create link host/br-blue bridge
    - create link host/vweb1 veth to web1/eth0
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
from ansible_collections.weft.netns.plugins.module_utils._document import Document, Params, decoded
from ansible_collections.weft.netns.plugins.module_utils._module import write

ARGUMENTS = {
    "document": {"type": "raw"},
    "src": {"type": "path"},
    "name": {"type": "str", "default": "default"},
    "purge": {"type": "bool", "default": True},
    "lock_timeout": {"type": "float", "default": 60.0},
    **_options.STATE,
}


def document(params: Params) -> Document | None:
    """The host document; the action plugin has put what is in ``src`` there."""
    return decoded(params["document"])


def settings(params: Params) -> Document:
    """What the engine must know besides the document."""
    return {key: params[key] for key in ("name", "purge", "lock_timeout")}


def main() -> None:
    write(ARGUMENTS, document, settings, mutually_exclusive=[("document", "src")], required_if=[("state", "present", ("document",))])


if __name__ == "__main__":
    main()
