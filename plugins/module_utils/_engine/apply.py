# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps to kernel: in batches, as a transaction. Either all of them hold or the host is as it was."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from . import cascade, files, netns, sysctl
from .claims import Key, object_id
from .codec import RTM, Message, Request, required
from .errors import Fault, KernelError, NetnsError, StepError
from .filters import Filter
from .jail import Jail
from .kernel import Kernel
from .kinds import KINDS
from .model import COLLECTIONS, HOST, Address, Link, Namespace, Rate, Redirect, Resolver, Sysctl, WireGuard, replace, resolver_path
from .netns import Handle
from .observe import read_filter, read_queues
from .planner.leases import LEASE, remembered
from .snapshot import Snapshot, addresses_of, luggage
from .steps import Lease, Leftover, Pair, Step, Transfer
from .wire import CHANGES, TRANSLATORS, address, link, resolver, ruleset, transfer, wireguard

BATCH = 128  # requests in one message to the kernel: far below the socket's buffer
GONE = (errno.ENODEV, errno.ENOENT, errno.ESRCH, errno.EADDRNOTAVAIL)  # deleting what is gone already succeeds
NO_KIND = "Unknown device type"  # rtnl_newlink()


class Transaction:
    """The steps of one run over a kernel. ``owner``: the document's name, with which links and namespaces are marked."""

    def __init__(self, kernel: Kernel, observed: Mapping[str, Namespace], owner: str, steps: Sequence[Step]) -> None:
        self.formers: dict[Key, Any] = {}  # for the claims: former values of sysctls of new links, what was loaded as a filter
        self._kernel = kernel
        self._owner = owner
        self._observed = observed
        self._indexes = {name: {each.name: each.index for each in ns.links.values()} for name, ns in observed.items()}
        self._addresses: dict[tuple[str, str], set[Any]] = {}  # of IPv4: keys of those that there are or were on a link
        for name, ns in observed.items():
            for each in ns.addresses.values():
                self._know(name, each)
        self._batch: list[tuple[Step, str, list[Request]]] = []
        self._done: list[Step] = []
        self._unbound: dict[str, Handle] = {}
        self._luggage: dict[Transfer, transfer.Luggage] = {}
        self._snapshots = {name: self._snapshot(name, steps) for name in sorted(_disturbed(steps) & set(self._indexes))}
        self._tables: dict[str, dict[str, str]] = {}  # nftables' former text, by namespace and family

    def run(self, steps: Iterable[Step]) -> None:
        """Carry out the next steps. After an error, or whenever the result does not please: :meth:`undo`.

        :raises StepError: if the kernel refuses one.
        """
        for step in steps:
            self._carry_out(step)
        self._flush()

    def commit(self) -> None:
        """Let go of what was deleted: from here on nothing can be undone."""
        for handle in self._unbound.values():
            handle.close()
        self._unbound = {}

    def undo(self) -> None:
        """Take back all that was done, last first, and restore what the kernel took along."""
        self._batch = []
        faults = []
        done = list(self._done)
        for step in reversed(done):
            try:
                self._make_room(step)
                self._carry_out(step.inverse)
                self._flush()
                self._complete(step)
            except NetnsError as error:
                faults.append(Fault("", f"could not be undone: {step.text}: {error}"))
        try:
            self._make_missing([step for step in done if step.after is None])
        except NetnsError as error:
            faults.append(Fault("", f"could not be undone: {error}"))
        self._done = []
        for name, snapshot in self._snapshots.items():
            snapshot.restore(self._kernel, name)
        if faults:
            raise StepError(faults)

    def _make_room(self, undone: Step) -> None:
        """The first address of a subnet comes back as the first: those promoted meanwhile go, and the snapshot brings them back."""
        if self._takes_others(undone):
            for each in self._secondaries(undone):
                self._carry_out(Step(undone.namespace, each, None))
            self._flush()

    def _make_missing(self, undone: Iterable[Step]) -> None:
        """Links that went with one on which they lay, though their own deletion was refused."""
        deleted = {(where, each.name) for step in undone for where, each in step.links}
        for where, name in sorted(cascade.spread(self._observed, deleted) - deleted):
            [answer] = self._kernel.send(where, [link.ask(name)])
            if isinstance(answer, KernelError) and where in self._observed:
                again = Step(where, None, self._observed[where].links[name])
                self._carry_out(again)
                self._flush()
                self._complete(again.inverse)

    def _complete(self, undone: Step) -> None:
        """A link made again gets all that it had, as far as it does not have it already, and a bridge its ports."""
        again = undone.inverse.links if undone.after is None or isinstance(undone.before, Lease) else []
        ports = [(where, port) for where, master in again for port in self._observed[where].links.values() if port.master == master.name]
        for where, wanted in again + ports:
            [answer] = self._kernel.send(where, [link.ask(wanted.name)])
            if isinstance(answer, KernelError):  # a port that went too: it joins when it is made again
                continue
            now = link.decode(answer).link
            self._carry_out(Step(where, now, replace(wanted, attributes={**now.attributes, **wanted.attributes})))
            self._flush()
            self._wireguard(Step(where, None, self._observed[where].wireguards.get(wanted.name)))
        for where, wanted in again:
            self._requeue(where, wanted.name)

    def _requeue(self, where: str, made: str) -> None:
        """A link made again gets its rate and its redirect, and those that lead to it do so again."""
        had, indexes = self._observed[where], self._indexes[where]
        lost: list[Rate | Redirect] = [each for each in had.rates.values() if each.link == made]
        lost += [each for each in had.redirects.values() if made in (each.link, each.to) and {each.link, each.to} <= indexes.keys()]
        now = read_queues(self._kernel, where, {index: name for name, index in indexes.items()}) if lost else {}
        for each in lost:
            present = now[COLLECTIONS[type(each)]].get(each.key)
            if each.ours and present != each:
                self._carry_out(Step(where, present, each))
        self._flush()

    def _snapshot(self, name: str, steps: Iterable[Step]) -> Snapshot:
        deleted = {each.name for step in steps if step.after is None for where, each in step.links if where == name}
        return Snapshot.take(self._kernel, name, deleted)

    # -- one step

    def _carry_out(self, step: Step) -> None:
        if type(step.item) in AT_ONCE or _elsewhere(step) or _by_ioctl(step):
            self._flush()
            self._at_once(step)
        elif self._takes_others(step):
            self._flush()
            with self._kernel.promoting(step.namespace, step.item.link):
                self._collect(step)
                self._flush()
        elif self._leaves_others(step):
            self._flush()
            self._collect(step)
            self._flush()
        else:
            self._collect(step)

    def _takes_others(self, step: Step) -> bool:
        """Deleting the first IPv4 address of a subnet deletes the others of that subnet, unless one is promoted (devinet.c)."""
        return self._leaves_others(step) and step.item.prefixlen < 32

    def _leaves_others(self, step: Step) -> bool:
        """One IPv4 address of several on a link goes. Each by itself, the last one first: so an undo, which can only
        append, brings them back in their order, wherever it has to begin."""
        if not isinstance(step.item, Address) or step.after is not None or step.item.family == 6:
            return False
        return bool(self._addresses.get((step.namespace, step.item.link), set()) - {step.item.key})

    def _know(self, where: str, each: Address) -> None:
        if each.family == 4:
            self._addresses.setdefault((where, each.link), set()).add(each.key)

    def _secondaries(self, step: Step) -> list[Address]:
        addresses = self._observed[step.namespace].addresses.values() if step.namespace in self._observed else ()
        return [each for each in addresses if each.secondary and each.link == step.item.link and step.item.family == 4]

    def _collect(self, step: Step) -> None:
        if self._batch and (self._batch[0][1] != step.namespace or len(self._batch) >= BATCH):
            self._flush()
        try:
            requests = self._requests(step)
        except KeyError:  # the index of a link that this batch makes
            self._flush()
            requests = self._requests(step)
        if requests:
            self._batch.append((step, step.namespace, requests))
        if isinstance(step.after, Address):
            self._know(step.namespace, step.after)
        if step.before is None:
            self._unlearn(step)

    def _flush(self) -> None:
        batch, self._batch = self._batch, []
        if not batch:
            return
        name = batch[0][1]
        answers = iter(self._kernel.send(name, [request for _step, _name, requests in batch for request in requests]))
        failed: StepError | None = None
        for step, _name, requests in batch:
            results = [next(answers) for _request in requests]
            if not _refused(step, results[0]):
                self._done.append(step)
                if step.after is None:
                    self._unlearn(step)
                self._learn(step, results)
            error = next((each for each in results if _refused(step, each)), None)
            failed = failed or (_explain(step, error) if error else None)
        if failed:
            raise failed

    def _at_once(self, step: Step) -> None:
        """It counts as done when all of it is, unless its way says so before."""
        try:
            AT_ONCE.get(type(step.item), Transaction._create_elsewhere)(self, step)
        except KernelError as error:
            raise _explain(step, error) from error
        if not self._done or self._done[-1] is not step:
            self._done.append(step)

    def _namespace(self, step: Step) -> None:
        ns: Namespace = step.item
        name = ns.name
        if step.after is None:
            handle = self._kernel.unbind(name)
            if ns.identity:
                self._unbound[name] = handle
            else:  # made by this very run, and undone
                handle.close()
        elif name in self._unbound and ns.identity:
            self._kernel.bind_again(name, self._unbound.pop(name))
        elif ns.path:
            self._kernel.adopt(name, ns.path)
        else:
            self._kernel.make(name, link.loopback(self._owner))
            self._indexes[name] = {"lo": link.LOOPBACK_INDEX}

    def _leftover(self, step: Step) -> None:
        netns.unbind(step.namespace)

    def _lease(self, step: Step) -> None:
        """Several requests: from the first that took effect on, the step counts as done, so that an undo takes it back."""
        before, after = step.before, step.after
        if isinstance(before, Lease) and isinstance(after, Lease):
            self._rename(step, before.inside, {before.link.name, after.link.name}, after.link.name)
        elif isinstance(after, Lease):
            claim, told = next(iter(lease_formers(self._kernel, [step]).items()))
            index = self._move(step, HOST, after.device.name, after.inside, after.link.name)
            self.formers[claim] = {**told, "index": index}
        elif isinstance(before, Lease):
            self._give_back(step, before)

    def _transfer(self, step: Step) -> None:
        """One message, of which some requests may be refused: it counts as done before. What it does over again is there already."""
        item: Transfer = step.item
        giver, taker = (transfer.End(name, self._indexes[HOST][name]) for name in (item.giver, item.taker))
        if step.after is None:
            there = self._luggage[item]
            here = there.on(giver, taker)
            self._clear_behind(item)
        else:
            here = self._luggage[item] = luggage(self._kernel, HOST, item, self._indexes[HOST])
            there = here.on(giver, taker)
            self._done.append(step)
        others = self._addresses.get((HOST, item.giver), set()) - {each.key for each in item.addresses}
        with self._kernel.promoting(HOST, item.giver) if others else contextlib.nullcontext():
            answers = self._kernel.send(HOST, transfer.requests(here, there))
        for each in item.addresses:
            self._know(HOST, replace(each, link=item.taker))
        for answer in answers:
            if isinstance(answer, KernelError) and answer.errno not in (errno.EEXIST, *GONE):
                raise answer

    def _clear_behind(self, item: Transfer) -> None:
        """Addresses come back as the last of their link: those that were behind the first go, and the snapshot brings them back."""
        on_link = [each for each in self._observed[HOST].addresses.values() if each.link == item.giver and each.family == 4]
        first = next((place for place, each in enumerate(on_link) if each in item.addresses), len(on_link))
        self._kernel.send(HOST, [address.remove(each, self._index(HOST)) for each in reversed(on_link[first:])])

    def _give_back(self, step: Step, lease: Lease) -> None:
        device = lease.device
        index = self._move(step, lease.inside, lease.link.name, HOST, device.name)
        now = link.decode(self._must(HOST, [link.down(index), link.ask(device.name)])[-1]).link
        self._must(HOST, link.change(now, device, index, self._index(HOST)))
        self._kernel.replay(HOST, RTM["RTM_NEWADDR"], [address.on(bytes.fromhex(raw), index) for raw in lease.addresses.values()])

    def _move(self, step: Step, source: str, name: str, target: str, new: str) -> int:
        """Returns the index that the device has there: another one, if its own is taken."""
        if source == target:
            return self._rename(step, source, {name}, new)
        self._must(source, [link.move(self._indexes[source][name], new, self._kernel.descriptor(target))])
        self._done.append(step)
        self._indexes[target][new] = self._indexes[source].pop(name)
        return self._settle(target, new)

    def _rename(self, step: Step, where: str, names: set[str], new: str) -> int:
        """Only a link that is down can be renamed, before Linux 6.2."""
        index = next(self._indexes[where].pop(name) for name in names if name in self._indexes[where])
        self._indexes[where][new] = index
        for request in (link.down(index), link.move(index, new, None)):
            self._must(where, [request])
            if step not in self._done:
                self._done.append(step)
        return self._settle(where, new)

    def _settle(self, where: str, name: str) -> int:
        [message] = self._must(where, [link.ask(name)])
        self._indexes[where][name] = link.decode(message).link.index
        return self._indexes[where][name]

    def _sysctl(self, step: Step) -> None:
        if not isinstance(step.after, Sysctl):
            return  # it came with a link or a namespace, and goes with it
        path = sysctl.path(step.after.name)
        if step.before is None:
            former: dict[str, Any] = {"value": self._kernel.read_sysctl(step.namespace, path), "echoes": []}
            self.formers[step.namespace, object_id("sysctls", step.after.key)] = former
        self._kernel.write_sysctl(step.namespace, path, step.after.value)
        for echo, value in step.after.echoes:
            self._kernel.write_sysctl(step.namespace, sysctl.path(echo), value)

    def _wireguard(self, step: Step) -> None:
        if not isinstance(step.after, WireGuard):
            return  # it came with its link, and goes with it
        before = step.before if isinstance(step.before, WireGuard) else None
        for attrs in wireguard.change(self._indexes[step.namespace][step.after.link], before, step.after):
            self._kernel.generic(step.namespace, wireguard.FAMILY, wireguard.SET_DEVICE, attrs)

    def _resolver(self, step: Step) -> None:
        content = resolver.encode(step.after) if isinstance(step.after, Resolver) else None
        files.write(resolver_path(step.namespace), content)

    def _jail(self, step: Step) -> None:
        from . import jail_kernel  # few hosts have jails

        jail_kernel.change(step.before, step.after)  # type: ignore[arg-type]

    def _filter(self, step: Step) -> None:
        """In one transaction of nf_tables, so that there is never none. Undone by the very text that was there."""
        item: Filter = step.item
        name, table = step.namespace, ruleset.table(item.document)
        present = self._kernel.list_tables(name, table)
        texts = self._tables.get(name)
        if texts is None:
            self._tables[name] = present
            texts = ruleset.encode(step.after) if isinstance(step.after, Filter) else {}
        self._kernel.load_tables(name, "".join(f"delete table {family} {table}\n" for family in present) + "".join(texts.values()))
        from . import conntrack  # few runs load a filter

        left = conntrack.stale(step.before, step.after, self._own(name))
        if left:
            self._kernel.inside(name, lambda: conntrack.forget(left))
        for loaded in read_filter(self._kernel, name, item.document, None):
            self.formers[name, object_id("filters", item.key)] = loaded.listing

    def _own(self, name: str) -> set[str]:
        """Addresses of the namespace, before anything was done."""
        return {each.ip for each in self._observed[name].addresses.values()}

    def _create_elsewhere(self, step: Step) -> None:
        """A link whose lower link is in another namespace is asked for there; a tun or tap device by ioctl."""
        item: Link = step.item
        if item.kind == "tun":
            tap, owner = item.attributes.get("mode") == "tap", item.attributes.get("owner")
            self._kernel.make_tun(step.namespace, item.name, tap, owner, item.index)
        else:
            self._ask_elsewhere(step, item)
        self._done.append(step)
        answers = self._kernel.send(step.namespace, link.mark(item.name, self._owner))
        self._learn(step, answers)
        for answer in answers:
            required(answer)

    def _ask_elsewhere(self, step: Step, item: Link) -> None:
        """Linux before 6.14 refuses a name that a link has where the request goes to, as if the new one were to be there:
        then it comes under a passing name."""
        where, lower = item.attributes["namespace"], item.attributes.get("link")
        parent = self._indexes[where][lower] if lower else 0

        def make(name: str) -> None:
            named = replace(item, name=name)
            self._must(where, link.make(named, self._owner, self._index(step.namespace), parent, self._kernel.descriptor(step.namespace)))

        try:
            make(item.name)
        except KernelError as error:
            if error.errno != errno.EEXIST:
                raise
            passing = f"weft{os.urandom(5).hex()}"
            make(passing)
            [message] = self._must(step.namespace, [link.ask(passing)])
            self._must(step.namespace, [link.move(link.decode(message).link.index, item.name, None)])

    def _must(self, namespace: str, requests: Sequence[Request]) -> list[Message]:
        return [required(answer) for answer in self._kernel.send(namespace, requests)]

    # -- requests

    def _requests(self, step: Step) -> list[Request]:
        index = self._index(step.namespace)
        before, after = step.before, step.after
        if isinstance(step.item, Pair):
            return self._pair_requests(step, step.item)
        if isinstance(after, Link):
            if isinstance(before, Link):
                return link.change(before, after, self._indexes[step.namespace][after.name], index)
            lower = after.attributes.get("link")
            return link.make(_makeable(after), self._owner, index, index(lower) if lower else 0)
        if isinstance(before, Link):
            return [link.remove(before)]
        if type(step.item) in CHANGES:
            return list(CHANGES[type(step.item)](before, after, index))
        translator = TRANSLATORS[type(step.item)]
        return [translator.make(after, index) if after is not None else translator.remove(before, index)]

    def _pair_requests(self, step: Step, pair: Pair) -> list[Request]:
        if step.after is None:
            return [link.remove(pair.outer)]
        target = None if pair.inside == step.namespace else self._kernel.descriptor(pair.inside)
        return link.make_pair(pair.outer, pair.inner, self._owner, self._index(step.namespace), target)

    def _index(self, namespace: str) -> Any:
        return self._indexes[namespace].__getitem__

    def _unlearn(self, step: Step) -> None:
        """A link that is deleted has no index any more, one that is made none yet."""
        for where, each in step.links:
            self._indexes[where].pop(each.name, None)

    def _learn(self, step: Step, results: Iterable[Any]) -> None:
        """The indexes of links just made: the answer tells a pair's other end too."""
        for message in results:
            if not isinstance(message, Message):
                continue
            seen = link.decode(message)
            self._indexes[step.namespace][seen.link.name] = seen.link.index
            if isinstance(step.item, Pair):
                self._indexes[step.item.inside][step.item.inner.name] = seen.parent


# What cannot wait for others in a batch, and the way of each.
AT_ONCE: dict[type, Callable[[Transaction, Step], None]] = {
    Namespace: Transaction._namespace,
    Leftover: Transaction._leftover,
    Lease: Transaction._lease,
    Transfer: Transaction._transfer,
    Sysctl: Transaction._sysctl,
    WireGuard: Transaction._wireguard,
    Resolver: Transaction._resolver,
    Jail: Transaction._jail,
    Filter: Transaction._filter,
}


def lease_formers(kernel: Kernel, steps: Iterable[Step]) -> dict[Key, Any]:
    """What has to be known of devices before they are moved, for the claims on them."""
    found: dict[Key, Any] = {}
    back: dict[str, Mapping[str, str]] = {}  # addresses of devices that these steps give back before they move them elsewhere
    for step in steps:
        lease = step.after
        if isinstance(step.before, Lease) and lease is None:
            back[step.before.device.name] = step.before.addresses
        if isinstance(lease, Lease) and step.before is None:
            addresses = back.get(lease.device.name) or addresses_of(kernel, HOST, lease.device)
            found[lease.inside, object_id(LEASE, lease.link.name)] = remembered(lease.device, addresses)
    return found


def _elsewhere(step: Step) -> bool:
    """A link to be made by a request to another namespace: where its lower link is."""
    item = step.after
    return isinstance(item, Link) and step.before is None and item.attributes.get("namespace", step.namespace) != step.namespace


def _by_ioctl(step: Step) -> bool:
    return isinstance(step.after, Link) and step.before is None and step.after.kind == "tun"


def _disturbed(steps: Iterable[Step]) -> set[str]:
    """Namespaces where the kernel may take along more than the steps say."""
    found = set()
    for step in steps:
        if isinstance(step.item, (Lease, Transfer)) or (step.before is not None and type(step.item) not in AT_ONCE):
            found |= {step.namespace} | {where for where, _link in step.links}
    return found


def _makeable(item: Link) -> Link:
    """An observed link has every attribute of its kind, also such as this kernel can only show: leave them out."""
    if not item.index:
        return item
    known = KINDS[str(item.kind)].keys
    return replace(item, attributes={key: value for key, value in item.attributes.items() if known[key].fixed or value})


def _refused(step: Step, answer: Any) -> bool:
    return isinstance(answer, KernelError) and not (step.after is None and answer.errno in GONE)


def _explain(step: Step, error: KernelError) -> StepError:
    hint = ""
    if NO_KIND in str(error):
        kind = step.links[0][1].kind
        hint = f"; this kernel has no links of kind {kind} (modprobe {kind}, where it is a module)"
    return StepError([Fault(step.namespace if step.namespace == HOST else f"namespaces.{step.namespace}", f"{step.text}: {error}{hint}")])
