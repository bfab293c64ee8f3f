#!/usr/bin/python
# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: the network of a host, read."""

from __future__ import annotations

DOCUMENTATION = r"""
module: topology_info
short_description: Read the network of a host and its namespaces
version_added: 0.1.0
author:
  - Contributors to weft.netns (@weft)
description:
  - Returns what the kernel has, as a host document. It has the links, addresses, routes, rules and neighbours of the target and of its
    named network namespaces.
  - It changes nothing.
extends_documentation_fragment:
  - weft.netns._attributes
  - weft.netns._attributes.reads
options:
  namespaces:
    description:
      - Network namespaces to read, V(host) for the target's own. All of them if omitted.
      - One that is not there is left out of the result.
    type: list
    elements: str
  gather:
    description:
      - What to read. Everything if omitted.
    type: list
    elements: str
    choices: [links, addresses, routes, rules, neighbours, jails, pairs]
seealso:
  - module: weft.netns.topology
"""

EXAMPLES = r"""
- name: Read everything
  weft.netns.topology_info:
  register: found

- name: The pairs, one line each
  ansible.builtin.debug:
    msg: "{{ item.namespace }}/{{ item.name }} {{ item.mac }} - {{ item.peer_namespace }}/{{ item.peer }} {{ item.peer_mac }}"
  loop: "{{ found.pairs }}"

- name: Only the addresses of the target itself
  weft.netns.topology_info:
    namespaces: [host]
    gather: [addresses]
"""

RETURN = r"""
host:
  description: The target's own network namespace, in the shape of a host document.
  returned: success
  type: dict
  sample:
    links:
      br-blue: {kind: bridge, state: up, mtu: 1500, mac: "02:00:0a:14:00:01", addresses: [10.20.0.1/24]}
      vweb1: {kind: veth, state: up, mtu: 1500, mac: "02:00:0a:14:00:02", master: br-blue, veth: {peer: eth0, namespace: web1}}
    routes: []
namespaces:
  description: The named network namespaces, each in the same shape.
  returned: success
  type: dict
  sample:
    web1:
      links:
        eth0: {kind: veth, state: up, mtu: 1500, mac: "02:00:0a:14:00:0b", addresses: [10.20.0.11/24]}
      routes:
        - {destination: default, gateway: 10.20.0.1, link: eth0}
jails:
  description: The jails of the target, by name, each in the shape of a host document, and the processes in it.
  returned: success, if jails are gathered and there are any
  type: dict
  sample:
    web1:
      addresses: [192.0.2.1]
      loopback: own
      cgroup: weft/web1
      link: lo
      processes: [4711]
pairs:
  description: Both ends of every veth pair, each pair once.
  returned: success, if pairs are gathered
  type: list
  elements: dict
  contains:
    namespace:
      description: Network namespace of one end.
      type: str
    name:
      description: Its name.
      type: str
    mac:
      description: Its MAC address.
      type: str
    peer_namespace:
      description: Network namespace of the other end.
      type: str
    peer:
      description: Its name.
      type: str
    peer_mac:
      description: Its MAC address.
      type: str
  sample:
    - namespace: host
      name: vweb1
      mac: "02:00:0a:14:00:02"
      peer_namespace: web1
      peer: eth0
      peer_mac: "02:00:0a:14:00:0b"
faults:
  description: What is wrong, every fault of it.
  returned: failure
  type: list
  elements: dict
  contains:
    path:
      description: Where; may be empty.
      type: str
    message:
      description: What is wrong.
      type: str
"""

from ansible_collections.weft.netns.plugins.module_utils._module import read

ARGUMENTS = {
    "namespaces": {"type": "list", "elements": "str"},
    "gather": {"type": "list", "elements": "str", "choices": ["links", "addresses", "routes", "rules", "neighbours", "jails", "pairs"]},
}


def main() -> None:
    read(ARGUMENTS)


if __name__ == "__main__":
    main()
