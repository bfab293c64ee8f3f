#!/usr/bin/python
# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: the engine as a command of the target."""

from __future__ import annotations

DOCUMENTATION = r"""
module: engine
short_description: Put the engine on a host, as the command weft-netns
version_added: 0.1.0
author:
  - Contributors to weft.netns (@weft)
description:
  - Puts the engine of this collection, the same that C(topology) sends along with each call, on the host as plain files,
    and the command C(/usr/local/sbin/weft-netns), which runs it without Ansible.
  - C(weft-netns apply) makes the network of the documents that the host keeps, C(weft-netns plan) tells what that would do,
    C(weft-netns show) prints what is there, C(weft-netns down) removes what a document made. C(weft-netns --help) has the rest.
  - The command runs with the Python that this module runs with, which must have pyroute2. Role C(prepare) sees to that.
  - The role C(persist) uses this module to make the network again at boot.
extends_documentation_fragment:
  - weft.netns._attributes
  - weft.netns._attributes.writes
options:
  state:
    description:
      - V(present) makes the files those of this version of the collection. Files of another version go.
      - V(absent) removes them. What the engine made in the kernel stays.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: weft.netns.topology
"""

EXAMPLES = r"""
- name: The engine is a command of the host
  weft.netns.engine:

- name: It goes
  weft.netns.engine:
    state: absent
"""

RETURN = r"""
steps:
  description:
    - The files that change, one line each. Empty if nothing changes.
    - The same in check mode.
  returned: success
  type: list
  elements: str
  sample:
    - create file /usr/local/lib/weft-netns/_engine/cli.py
    - create file /usr/local/sbin/weft-netns
timing:
  description: How long each part took, in milliseconds.
  returned: success
  type: dict
  contains:
    observe:
      description: Reading what is there.
      type: float
    plan:
      description: Finding what differs.
      type: float
    apply:
      description: Writing it.
      type: float
  sample: {observe: 4.1, plan: 0.2, apply: 6.3}
diff:
  description: The files that change, before and after, each with its mode and the SHA-256 digest of its content.
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
  description: What is wrong.
  returned: failure
  type: list
  elements: dict
  contains:
    path:
      description: Empty.
      type: str
    message:
      description: What is wrong.
      type: str
"""

from ansible_collections.weft.netns.plugins.module_utils import _options
from ansible_collections.weft.netns.plugins.module_utils._install import install
from ansible_collections.weft.netns.plugins.module_utils._module import change


def main() -> None:
    change(_options.STATE, install)


if __name__ == "__main__":
    main()
