# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes a random, valid configuration: generate.py SEED ROUND DIRECTORY."""
import random
import sys

seed, round_, directory = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
rnd = random.Random(seed * 1000 + round_)
maybe = lambda p: rnd.random() < p


def mac():
    return "02:%02x:%02x:%02x:%02x:%02x" % tuple(rnd.randrange(256) for _ in range(5))


def write(name, lines):
    with open(f"{directory}/{name}.netns", "w") as f:
        f.write("\n".join(lines) + "\n")


def common(lines, subnet, host, peer="", mtus=(1280, 1400, 1500, 9000)):
    if maybe(0.5):
        lines.append(f"{peer}MACAddress={mac()}")
    if maybe(0.5):
        lines.append(f"{peer}MTUBytes={rnd.choice(mtus)}")
    if maybe(0.7):
        lines.append(f"{peer}Address=10.{subnet}.0.{host}/24")
    if maybe(0.5):
        lines.append(f"{peer}Address=fd00:{subnet:x}::{host:x}/64")


def bridge(name, subnet):
    lines = [f"[Bridge {name}]"]
    for key, values in {
        "STP": ["yes", "no"], "AgeingTimeSec": ["0", "15", "5min"],
        "ForwardDelaySec": ["4", "15"], "HelloTimeSec": ["1", "2"], "MaxAgeSec": ["10", "20"],
        "Priority": ["0", "4096", "32768"], "MulticastSnooping": ["yes", "no"],
        "MulticastQuerier": ["yes", "no"], "GroupForwardMask": ["8", "0"],
    }.items():
        if maybe(0.3):
            lines.append(f"{key}={rnd.choice(values)}")
    common(lines, subnet, 1)
    return lines


names = [f"g{i}" for i in range(rnd.randint(1, 5))]
host = ["[Namespace]", "Host=yes"]
if maybe(0.8):
    host += bridge("br-gen", 200)
write("host", host)
have_bridge = len(host) > 2
for n, name in enumerate(names):
    lines = ["[Namespace]"]
    if maybe(0.3):
        lines.append("IPv4Forwarding=" + rnd.choice(["yes", "no"]))
    if maybe(0.3):
        lines.append("Sysctl=net.ipv4.conf.all.rp_filter=" + rnd.choice("012"))
    if maybe(0.3):
        lines.append("DNS=10.0.0.1 fd00::1")
    if maybe(0.2):
        lines.append("Loopback=no")
    links = []
    if maybe(0.4):
        lines += bridge("br0", 100 + n)
    for k in range(rnd.randint(0, 3)):
        subnet, link = 10 * n + k + 1, f"eth{k}"
        links.append((link, subnet))
        lines.append(f"[Veth {link}]")
        common(lines, subnet, 2)
        if maybe(0.3) and n > 0:
            lines += [f"PeerNamespace={rnd.choice(names[:n])}", f"PeerName={name}-{link}"]
            if maybe(0.5):
                common(lines, subnet, 3, "Peer")
        elif have_bridge and maybe(0.6):
            lines.append("PeerBridge=br-gen")
        if maybe(0.3):
            lines.append(f"Alias=link {k} of {name}")
        if maybe(0.3):
            lines.append(f"AlternativeName={name}-{link}-alternative")
        if maybe(0.3):
            lines.append("LinkLocalAddressing=" + rnd.choice(["no", "ipv6"]))
        if maybe(0.2):
            lines.append("IPv6AcceptRA=" + rnd.choice(["yes", "no"]))
        if maybe(0.15):
            lines.append("ActivationPolicy=" + rnd.choice(["up", "always-up", "manual"]))
    if links and maybe(0.4):
        lines += ["[MACVLAN m0]", f"Parent={links[0][0]}", "Mode=" + rnd.choice(["bridge", "private", "vepa"])]
        common(lines, 150 + n, 1, mtus=[1280])  # never more than its parent's
    if maybe(0.3):
        lines += ["[VXLAN vx0]", f"VNI={rnd.choice([5, 6])}", f"Local=10.{10 * n + 1}.0.2", "Remote=10.99.0.1",
                  "DestinationPort=4789", "MacLearning=" + rnd.choice(["yes", "no"])]
        common(lines, 170 + n, 1)
    if maybe(0.3):
        lines += ["[IFB ifb0]"]
    if maybe(0.4):
        lines += ["[Route hole]", "Destination=203.0.113.0/24", "Type=" + rnd.choice(["blackhole", "unreachable"])]
    if maybe(0.4):
        lines += ["[Route hole6]", "Destination=2001:db8:1::/48", "Type=unreachable", f"Metric={rnd.choice([1, 2048])}"]
    if maybe(0.4):
        lines += ["[RoutingPolicyRule r]", f"Priority={rnd.choice([100, 200])}", "From=10.0.0.0/8",
                  f"Table={rnd.choice([100, 101])}", "Family=ipv4"]
    write(name, lines)
