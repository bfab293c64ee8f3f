# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter ``diagram``: a picture of host documents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.weft.netns.plugins.plugin_utils import _diagram, _diagram_mermaid, _diagram_svg, _diagram_text

FORMATS: dict[str, Callable[[list[_diagram.Host]], str]] = {
    "text": _diagram_text.draw,
    "mermaid": _diagram_mermaid.draw,
    "svg": _diagram_svg.draw,
}


def diagram(document: Any, format: str = "text") -> str:
    """A picture of one host document, or of a mapping of hosts to theirs."""
    if format not in FORMATS:
        raise AnsibleFilterError(f"weft.netns.diagram: format is one of {', '.join(FORMATS)}, not {format!r}")
    try:
        return FORMATS[format](_diagram.read(document))
    except (ValueError, TypeError, AttributeError) as error:
        raise AnsibleFilterError(f"weft.netns.diagram: {error}") from error


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"diagram": diagram}
