# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the sweep does again and again: from which files, by which request, to which files. All MAC
addresses are given, so that two runs can be compared to the last attribute."""

HOST = """[Namespace]
Host=yes
[Bridge br-lan]
MACAddress=02:00:00:00:01:01
Address=10.30.0.1/24
Address=fd00:30::1/64
"""

ROUTER = """[Namespace]
Description=Way out
IPv4Forwarding=yes
IPv6Forwarding=yes
[Veth eth0]
PeerName=ns-router
PeerBridge=br-lan
PeerMACAddress=02:00:00:00:02:01
MACAddress=02:00:00:00:00:02
MTUBytes=1400
Address=10.30.0.2/24
Address=fd00:30::2/64
Gateway=10.30.0.1
Gateway=fd00:30::1
"""

RED = """[Namespace]
DNS=10.30.0.1
Sysctl=net.ipv4.conf.all.rp_filter=2
[Veth eth0]
MACAddress=02:00:00:00:03:02
PeerMACAddress=02:00:00:00:03:01
PeerNamespace=router
PeerName=red
PeerAddress=10.31.1.1/24
Address=10.31.1.2/24
Address=fd00:31:1::2/64
Gateway=10.31.1.1
Alias=the way to the router
AlternativeName=red-to-router
[MACVLAN m0]
MACAddress=02:00:00:00:03:03
Parent=eth0
Mode=bridge
Address=10.32.1.1/24
[VXLAN vx0]
MACAddress=02:00:00:00:03:04
VNI=5
Local=10.31.1.2
Remote=10.31.1.9
DestinationPort=4789
[Route net]
Destination=198.51.100.0/24
Gateway=10.31.1.1
[Route none]
Destination=203.0.113.0/24
Type=blackhole
[RoutingPolicyRule one]
Priority=100
From=10.32.0.0/16
Table=100
Family=ipv4
"""

BLUE = """[Namespace]
[Veth eth0]
MACAddress=02:00:00:00:04:02
PeerMACAddress=02:00:00:00:04:01
PeerNamespace=router
PeerName=blue
PeerAddress=10.31.2.1/24
Address=10.31.2.2/24
Gateway=10.31.2.1
[Neighbor peer]
Link=eth0
Address=10.31.2.77
LinkLayerAddress=02:00:00:00:09:09
"""

# Everything that can change: MTU, addresses, routes, rules, sysctls, the DNS file, names, a master that
# goes, a link that must be made again, one that comes and one that goes.
RED_CHANGED = """[Namespace]
DNS=10.30.0.9
Domains=example.net
Sysctl=net.ipv4.conf.all.rp_filter=1
Sysctl=net.ipv6.conf.all.hop_limit=70
[Veth eth0]
MACAddress=02:00:00:00:03:02
PeerMACAddress=02:00:00:00:03:01
PeerNamespace=router
PeerName=red
PeerAddress=10.31.1.1/24
MTUBytes=1380
Address=10.31.1.3/24
Address=fd00:31:1::2/64
Gateway=10.31.1.1
Alias=another word
AlternativeName=red-to-router-2
[MACVLAN m0]
MACAddress=02:00:00:00:03:03
Parent=eth0
Mode=private
Address=10.32.1.1/24
[VXLAN vx0]
MACAddress=02:00:00:00:03:04
VNI=6
Local=10.31.1.3
Remote=10.31.1.9
DestinationPort=4789
[IFB ifb0]
MACAddress=02:00:00:00:03:05
[Route net]
Destination=198.51.100.0/24
Gateway=10.31.1.9
Metric=7
[RoutingPolicyRule one]
Priority=101
From=10.32.0.0/16
Table=101
Family=ipv4
"""

ROUTER_CHANGED = ROUTER.replace("PeerBridge=br-lan\n", "").replace("IPv4Forwarding=yes", "IPv4Forwarding=no").replace(
    "Address=fd00:30::2/64\n", "").replace("Gateway=fd00:30::1\n", "")

GREEN = """[Namespace]
DNS=10.30.0.1
[Veth eth0]
MACAddress=02:00:00:00:05:02
PeerMACAddress=02:00:00:00:05:01
PeerBridge=br-lan
Address=10.30.0.5/24
"""

LAB = {"host": HOST, "router": ROUTER, "red": RED, "blue": BLUE}
CHANGED = {"host": HOST.replace("10.30.0.1/24", "10.30.0.1/25"), "router": ROUTER_CHANGED, "red": RED_CHANGED,
           "green": GREEN}

SYSCTLS = ["net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding", "net/ipv4/conf/all/rp_filter",
           "net/ipv6/conf/all/hop_limit"]

ADD = ["Namespace.DNS=10.30.0.1", "Veth eth0.MACAddress=02:00:00:00:06:02",
       "Veth eth0.PeerMACAddress=02:00:00:00:06:01", "Veth eth0.PeerNamespace=router", "Veth eth0.PeerName=tmp",
       "Veth eth0.Address=10.31.6.2/24", "Veth eth0.PeerAddress=10.31.6.1/24"]


class Scenario:
    """From `base` by a request `(method, parameters)` to `files`. restart: what is there after a start
    that comes in between: "goal", or "either" where the request is not kept in files."""

    def __init__(self, base, files, request, restart="goal", prepare=()):
        self.base, self.files, self.request = base, files, request
        self.restart, self.prepare = restart, prepare


APPLY = ("Manager.Apply", {})
REEXEC = ("Manager.Reexec", {})
SCENARIOS = {
    # Traced from the first instruction; request None: the start itself.
    "start": Scenario({}, LAB, None),
    "create": Scenario({}, LAB, APPLY),
    "change": Scenario(LAB, CHANGED, APPLY),
    # "HUP": the signal instead of a call.
    "reload": Scenario(LAB, CHANGED, "HUP"),
    # Traced through the exec, in the old program and in the new one.
    "reexec": Scenario(LAB, LAB, REEXEC),
    "delete": Scenario(LAB, {"host": HOST}, APPLY),
    "down": Scenario(LAB, LAB, ("Namespace.Down", {"all": True}), restart="either"),
    "up": Scenario(LAB, LAB, ("Namespace.Up", {"name": "red"}), restart="either",
                   prepare=[("Namespace.Down", {"name": "red"})]),
    "add": Scenario(LAB, LAB, ("Namespace.Add", {"name": "tmp", "settings": ADD}), restart="either"),
    "del": Scenario(LAB, LAB, ("Namespace.Delete", {"name": "tmp"}), restart="either",
                    prepare=[("Namespace.Add", {"name": "tmp", "settings": ADD})]),
}
