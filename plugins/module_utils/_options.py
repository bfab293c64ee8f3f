# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Argument specs of the modules, one snippet per object.

Each is described under the same name in plugins/doc_fragments/_options.py. Private to the collection.
"""

from __future__ import annotations

from typing import Any

Spec = dict[str, dict[str, Any]]

STRING = {"type": "str"}
INTEGER = {"type": "int"}
BOOLEAN = {"type": "bool"}
NAME = {"type": "str", "required": True}
STRINGS = {"type": "list", "elements": "str"}
HERE = {"type": "str", "default": "host"}  # a namespace
FAMILY = {"type": "str", "choices": ["ipv4", "ipv6"]}

STATE: Spec = {"state": {"type": "str", "choices": ["present", "absent"], "default": "present"}}

IN_NAMESPACE: Spec = {"namespace": HERE}

NAMESPACE: Spec = {
    "name": NAME,
    "pid": INTEGER,
    "path": {"type": "path"},
    "sysctls": {"type": "dict"},
    "in_use": {"type": "str", "choices": ["refuse", "force"], "default": "refuse"},
}

VETH: Spec = {
    "name": NAME,
    "namespace": HERE,
    "peer": STRING,
    "peer_namespace": HERE,
    "mac": STRING,
    "peer_mac": STRING,
    "mtu": INTEGER,
}

VLANS = {
    "type": "list",
    "elements": "dict",
    "options": {"id": {"type": "str", "required": True}, "pvid": BOOLEAN, "untagged": BOOLEAN},
}

# Dictionaries of the link kinds, by kind.
KINDS: dict[str, Spec] = {
    "veth": {"peer": NAME, "namespace": HERE},
    "bridge": {
        "vlan_filtering": BOOLEAN,
        "stp": BOOLEAN,
        "forward_delay": INTEGER,
        "mcast_snooping": BOOLEAN,
        "ageing_time": INTEGER,
        "vlans": VLANS,
        "addresses_of": STRING,
    },
    "vlan": {
        "link": NAME,
        "namespace": STRING,
        "id": {"type": "int", "required": True},
        "protocol": {"type": "str", "choices": ["802.1Q", "802.1ad"]},
    },
    "vxlan": {
        "id": {"type": "int", "required": True},
        "link": STRING,
        "namespace": STRING,
        "local": STRING,
        "group": STRING,
        "remotes": STRINGS,
        "port": INTEGER,
        "learning": BOOLEAN,
    },
    "macvlan": {
        "link": NAME,
        "namespace": STRING,
        "mode": {"type": "str", "choices": ["bridge", "private", "vepa", "passthru", "source"]},
        "sources": {"type": "list", "elements": "str"},
    },
    "ipvlan": {
        "link": NAME,
        "namespace": STRING,
        "mode": {"type": "str", "choices": ["l2", "l3", "l3s"]},
        "flag": {"type": "str", "choices": ["bridge", "private", "vepa"]},
    },
    "netkit": {"peer": NAME, "namespace": HERE, "mode": {"type": "str", "choices": ["l2", "l3"]}},
    "vrf": {"table": NAME},
    "wireguard": {
        "namespace": STRING,
        "private_key_file": {"type": "path"},
        "listen_port": INTEGER,
        "fwmark": INTEGER,
        "peers": {
            "type": "list",
            "elements": "dict",
            "options": {
                "public_key": NAME,
                "preshared_key_file": {"type": "path"},
                "endpoint": STRING,
                "allowed_ips": STRINGS,
                "persistent_keepalive": INTEGER,
            },
        },
    },
    "physical": {"interface": STRING, "permanent_mac": STRING},
    "tun": {"mode": {"type": "str", "choices": ["tun", "tap"]}, "owner": INTEGER},
}

PORT: Spec = {
    "isolated": BOOLEAN,
    "learning": BOOLEAN,
    "neigh_suppress": BOOLEAN,
    "hairpin": BOOLEAN,
    "group_fwd_mask": INTEGER,
    "vlans": VLANS,
}

LINK: Spec = {
    "name": NAME,
    "kind": {"type": "str", "choices": sorted([*KINDS, "dummy", "ifb"])},
    "admin_state": {"type": "str", "choices": ["up", "down"]},
    "mtu": INTEGER,
    "mac": STRING,
    "master": STRING,
    "txqueuelen": INTEGER,
    "addresses": STRINGS,
    "rate": STRING,
    "redirect": STRING,
    "port": {"type": "dict", "options": PORT},
    **{kind: {"type": "dict", "options": options} for kind, options in KINDS.items()},
}

ADDRESS: Spec = {"link": NAME, "address": NAME}

HOP: Spec = {"gateway": STRING, "link": STRING, "weight": INTEGER, "onlink": BOOLEAN}

ROUTE: Spec = {
    "destination": NAME,
    "family": FAMILY,
    "gateway": STRING,
    "link": STRING,
    "nexthops": {"type": "list", "elements": "dict", "options": HOP},
    "source": STRING,
    "metric": INTEGER,
    "table": STRING,
    "onlink": BOOLEAN,
    "type": {"type": "str", "choices": ["unicast", "blackhole", "unreachable", "prohibit", "local", "throw"]},
}

RULE: Spec = {
    "priority": {"type": "int", "required": True},
    "family": FAMILY,
    "from": STRING,
    "to": STRING,
    "iif": STRING,
    "oif": STRING,
    "fwmark": STRING,
    "table": STRING,
    "type": {"type": "str", "choices": ["lookup", "blackhole", "unreachable", "prohibit"]},
}

JAIL: Spec = {
    "name": NAME,
    "addresses": STRINGS,
    "ports": STRINGS,
    "loopback": {"type": "str", "choices": ["own", "host"], "default": "own"},
    "cgroup": STRING,
    "unit": STRING,
    "link": {"type": "str", "default": "lo"},
}

NEIGHBOUR: Spec = {"link": NAME, "address": NAME, "mac": STRING, "proxy": BOOLEAN, "probe": BOOLEAN}
