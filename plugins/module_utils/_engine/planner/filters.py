# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter of the host: it stands before links come up, and falls when all else is done."""

from __future__ import annotations

from ..filters import Filter
from ..model import COLLECTIONS, HOST, replace
from ..steps import Step
from . import objects
from .context import Context

FILTERS = COLLECTIONS[Filter]


def changes(ctx: Context) -> list[Step]:
    """The filter as declared. Without purge, what it has beside that stays."""
    if HOST not in ctx.now:  # looked at by itself is a part of the host's namespaces only
        return []
    host = ctx.wanted(HOST)
    wanted = {key: item if ctx.purge else _joined(item, ctx.now[HOST].filters.get(key)) for key, item in host.filters.items()}
    return objects.changes(ctx, replace(host, filters=wanted), FILTERS)


def removals(ctx: Context) -> list[Step]:
    """What it holds back may be there until the end. Of a filter that is declared to be absent, what else it has stays."""
    if HOST not in ctx.now:
        return []
    for key, item in ctx.wanted(HOST).filters.items() if ctx.absent else ():
        seen = ctx.now[HOST].filters.get(key)
        rest = _less(seen, item) if seen else None
        if rest:
            return [Step(HOST, seen, rest)] if rest != seen else []
    return objects.removed(ctx, ctx.now[HOST], FILTERS, set())


def _joined(want: Filter, seen: Filter | None) -> Filter:
    if seen is None:
        return want
    guards = {guard.link: guard for guard in (*seen.guards, *want.guards)}
    anycast = {entry.link: entry for entry in (*seen.anycast, *want.anycast)}
    publish = {entry.key: entry for entry in (*seen.publish, *want.publish)}
    return replace(
        want,
        guards=tuple(sorted(guards.values(), key=lambda guard: guard.link)),
        isolated=tuple(sorted({*seen.isolated, *want.isolated}, key=lambda entry: entry.links)),
        masquerade=tuple(sorted({*seen.masquerade, *want.masquerade}, key=lambda entry: entry.sources)),
        anycast=tuple(sorted(anycast.values(), key=lambda entry: entry.link)),
        publish=tuple(sorted(publish.values(), key=lambda entry: entry.key)),
    )


def _less(seen: Filter, gone: Filter) -> Filter | None:
    links, ports = {guard.link for guard in gone.guards}, {entry.link for entry in gone.anycast}
    published = {entry.key for entry in gone.publish}
    rest = replace(
        seen,
        guards=tuple(guard for guard in seen.guards if guard.link not in links),
        isolated=tuple(entry for entry in seen.isolated if entry not in gone.isolated),
        masquerade=tuple(entry for entry in seen.masquerade if entry not in gone.masquerade),
        anycast=tuple(entry for entry in seen.anycast if entry.link not in ports),
        publish=tuple(entry for entry in seen.publish if entry.key not in published),
    )
    return rest if any(rest.parts.values()) else None
