#!/usr/bin/python
# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: one route."""

from __future__ import annotations

DOCUMENTATION = r"""
module: route
short_description: Make, change or remove one route
version_added: 0.1.0
author:
  - Contributors to weft.netns (@weft)
description:
  - A route is known by its destination, table and metric. Everything else is changed in place, and not needed to remove it.
extends_documentation_fragment:
  - weft.netns._attributes
  - weft.netns._attributes.writes
  - weft.netns._options.in_namespace
  - weft.netns._options.route
  - weft.netns._options.state
seealso:
  - module: weft.netns.rule
  - module: weft.netns.neighbour
  - module: weft.netns.topology
"""

EXAMPLES = r"""
- name: A pair of links to route over
  weft.netns.veth:
    name: left
    peer: right

- name: An address on it
  weft.netns.address:
    link: left
    address: 10.20.0.1/24

- name: A route over a gateway
  weft.netns.route:
    destination: 192.0.2.0/24
    gateway: 10.20.0.254

- name: A default route in a table of its own
  weft.netns.route:
    destination: default
    gateway: 10.20.0.254
    table: 100

- name: Two ways to the same destination
  weft.netns.route:
    destination: 198.51.100.0/24
    nexthops:
      - gateway: 10.20.0.253
        weight: 2
      - gateway: 10.20.0.254

- name: Packets that go nowhere
  weft.netns.route:
    destination: 203.0.113.0/24
    type: blackhole

- name: They may go again
  weft.netns.route:
    destination: 203.0.113.0/24
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
    - add host route 192.0.2.0/24 via 10.20.0.254
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

from ipaddress import ip_address

from ansible_collections.weft.netns.plugins.module_utils import _options
from ansible_collections.weft.netns.plugins.module_utils._document import Document, Params, given, listed, within
from ansible_collections.weft.netns.plugins.module_utils._module import write

ARGUMENTS = {**_options.IN_NAMESPACE, **_options.ROUTE, **_options.STATE}


def document(params: Params) -> Document:
    """A host document with this route, and the links that it names."""
    links = [params["link"], *(hop["link"] for hop in params["nexthops"] or ())]
    if params["source"] is not None and not _is_address(params["source"]):
        links.append(params["source"])
    route = given(params, _options.ROUTE)
    if params["state"] == "absent" and not {"gateway", "link", "nexthops", "type"} & route.keys():
        route["type"] = "unreachable"  # a route needs a way, but one that goes is known by its destination
    return within(params["namespace"], listed(*links), routes=[route])


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def main() -> None:
    write(ARGUMENTS, document, mutually_exclusive=[("nexthops", key) for key in ("gateway", "link", "onlink")])


if __name__ == "__main__":
    main()
