#!/bin/sh
# Prints what is configured on a machine and in each of its namespaces, a line each: without what the kernel chooses anew every time
# (numbers and MACs of host ends, link-local addresses that follow from them), and the rule that it makes for its first VRF and keeps.
# shellcheck disable=SC2016  # the inner shell expands these
look='
    ip -brief link | sed "s/@[^ ]*//" | awk "{ print \"link\", \$1, \$2 }"
    ls -d /sys/class/net/*/brif/* 2> /dev/null || :
    ip -brief address show scope global | sed "s/@[^ ]*//; s/  */ /g"
    { ip route show table all; ip -6 route show table all; } | grep -v -e "^fe80:.*/64" -e "^local fe80:" -e "^anycast" -e "^multicast"
    { ip rule; ip -6 rule; } | sed "s/^/rule /" | grep -v l3mdev-table
    ip neighbour show proxy
    ip neighbour show nud permanent
    bridge fdb show | grep "dst .* permanent" || :
    grep -s . /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/*/forwarding /proc/sys/net/ipv6/conf/*/proxy_ndp || :
    nft list ruleset
'
sh -c "$look" | sed 's/^/host: /'
for name in $(ip netns list | cut -d ' ' -f 1); do
    ip netns exec "$name" sh -c "$look" | sed "s/^/$name: /"
done
