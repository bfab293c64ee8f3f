# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The YAML of a diff is read back as what it was."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.weft.netns.plugins.module_utils import _yaml

# Surrogates and what YAML calls not printable cannot stand in a document that came as YAML or JSON.
TEXT = st.text(st.characters(max_codepoint=0xD7FF), max_size=30)
SCALARS = st.none() | st.booleans() | st.integers() | TEXT | st.sampled_from(["no", "1:30", "0x10", "1e3", "~", "10.0.0.1/24", "::1", "-"])
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=10)


@given(st.dictionaries(TEXT, VALUES, max_size=4))
def test_reads_back(document):
    assert (yaml.safe_load(_yaml.dump(document)) or {}) == document


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({}, ""),
        (
            {
                "namespaces": {"web1": {}},
                "host": {
                    "links": {
                        "br0": {
                            "mac": "02:00:00:00:00:01",
                            "addresses": ["10.0.0.1/24", "fd00::1/64", "fd00::"],
                            "port": {"isolated": True},
                        }
                    },
                    "routes": [{"gateway": "10.0.0.1", "destination": "default"}],
                },
            },
            """\
host:
  links:
    br0:
      addresses:
        - 10.0.0.1/24
        - fd00::1/64
        - "fd00::"
      mac: "02:00:00:00:00:01"
      port:
        isolated: true
  routes:
    - destination: default
      gateway: 10.0.0.1
namespaces:
  web1: {}
""",
        ),
    ],
)
def test_looks_like(document, text):
    assert _yaml.dump(document) == text
