#!/usr/bin/python
# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: one veth pair."""

from __future__ import annotations

DOCUMENTATION = r"""
module: veth
short_description: Make or remove one pair of veth links
version_added: 0.1.0
author:
  - Contributors to weft.netns (@weft)
description:
  - A veth pair is two links that pass packets to each other. Each end is made in its own network namespace, with its own name and
    MAC address.
  - Both ends are up. Removing one end removes the pair.
extends_documentation_fragment:
  - weft.netns._attributes
  - weft.netns._attributes.writes
  - weft.netns._options.veth
  - weft.netns._options.state
seealso:
  - module: weft.netns.link
  - module: weft.netns.topology
"""

EXAMPLES = r"""
- name: A namespace
  weft.netns.namespace:
    name: web1

- name: A pair from the host into it
  weft.netns.veth:
    name: vweb1
    peer: eth0
    peer_namespace: web1
    peer_mac: "02:00:0a:14:00:0b"
    mtu: 1400

- name: The pair goes
  weft.netns.veth:
    name: vweb1
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
from ansible_collections.weft.netns.plugins.module_utils._document import Document, Params, existing
from ansible_collections.weft.netns.plugins.module_utils._module import write

ARGUMENTS = {**_options.VETH, **_options.STATE}


def document(params: Params) -> Document:
    """A host document with both ends; to remove the pair one of them is enough."""
    result: Document = {}
    links = existing(result, params["namespace"])["links"]
    if params["state"] == "absent":
        links[params["name"]] = {"state": "absent"}
        return result
    links[params["name"]] = _end(params, "mac", params["peer"], params["peer_namespace"])
    peers = existing(result, params["peer_namespace"])["links"]
    peers[params["peer"]] = _end(params, "peer_mac", params["name"], params["namespace"])
    return result


def _end(params: Params, mac: str, peer: str, namespace: str) -> Document:
    link = {"kind": "veth", "veth": {"peer": peer, "namespace": namespace}, "mac": params[mac], "mtu": params["mtu"]}
    return {key: value for key, value in link.items() if value is not None}


def main() -> None:
    write(ARGUMENTS, document, required_if=[("state", "present", ("peer",))])


if __name__ == "__main__":
    main()
