# SPDX-License-Identifier: LGPL-2.1-or-later
"""What chaos.py declares: random worlds, their files, and what the kernel has to look like then.

A world is {"host": Ns, "ns": {name: Ns}}; an Ns and its links are plain dicts. Both the text of the files and
the expectation come from it, and from nothing else: netnsd has no say in what is right.

Which MTU, MAC address, alias or sysctl is declared at all depends on the link and the seed alone, not on the
time: what leaves a file keeps its last value (netnsd.netns(5)), which would be one more thing to carry along.
"""
import copy
import random

GROUP = "1852142707"
NAMES = [f"c{i}" for i in range(6)]
BRIDGE = "br-chaos"
SYSCTLS = {  # key below /proc/sys: values that the kernel takes as they are
    "net/ipv4/ip_default_ttl": ["65", "77", "99"],
    "net/ipv4/conf/all/rp_filter": ["0", "1", "2"],
    "net/ipv4/tcp_fin_timeout": ["30", "45"],
    "net/core/somaxconn": ["1000", "2000"],
}


class Generator:
    def __init__(self, seed):
        self.seed = seed

    def always(self, p, *what):
        """A coin that always falls the same way for the same thing."""
        return random.Random(f"{self.seed}/{what}").random() < p

    def mac(self, rnd):
        return "02:%02x:%02x:%02x:%02x:%02x" % tuple(rnd.randrange(256) for _ in range(5))

    def common(self, rnd, key, link, subnet, hosts, ipv6=True):
        """What each end of a link has."""
        if self.always(0.6, key, "mac"):
            link["mac"] = self.mac(rnd)
        if self.always(0.6, key, "mtu"):
            link["mtu"] = rnd.choice([1400, 1450, 1500, 9000])
        link["addrs"] = []
        for host in hosts:
            if rnd.random() < 0.7:
                link["addrs"].append(f"10.{subnet}.0.{host}/24")
            if ipv6 and rnd.random() < 0.4:
                link["addrs"].append(f"fd00:{subnet:x}::{host:x}/64")
        return link

    def bridge(self, rnd, where, name, subnet):
        link = self.common(rnd, (where, name), {"kind": "bridge", "name": name}, subnet, [1])
        link["mtu"] = rnd.choice([1400, 1500])  # undeclared it would follow its ports
        link["stp"] = rnd.choice([0, 1])
        link["ageing"] = rnd.choice([15, 300])
        return link

    def veth(self, rnd, where, name, subnet, others, masters):
        down = rnd.random() < 0.1
        link = self.common(rnd, (where, name), {"kind": "veth", "name": name}, subnet, [2, 3], not down)
        if down:
            link["policy"] = rnd.choice(["down", "always-down"])
        if masters and rnd.random() < 0.3:
            link["master"] = rnd.choice(masters)
        peer = {"ns": rnd.choice(others) if others and rnd.random() < 0.5 else None, "name": f"{where}-{name}"}
        self.common(rnd, (where, name, "peer"), peer, subnet, [10], not down)
        if not peer["ns"] and rnd.random() < 0.5:
            peer["master"] = BRIDGE
        link["peer"] = peer
        return link

    def host(self, rnd):
        return {"host": True, "links": [self.bridge(rnd, "-", BRIDGE, 200)], "sysctls": {}, "routes": [], "rules": [],
                "neighbors": []}

    def namespace(self, rnd, name, others):
        """others: the namespaces that may have the far ends of links."""
        n = int(name[1:])
        ns = {"links": [], "sysctls": {}, "routes": [], "rules": [], "neighbors": [], "loopback": rnd.random() < 0.8}
        for key, values in SYSCTLS.items():
            if self.always(0.4, name, key):
                ns["sysctls"][key] = rnd.choice(values)
        if self.always(0.5, name, "forwarding"):
            ns["forwarding"] = rnd.choice(["yes", "no"])
        if rnd.random() < 0.4:
            ns["dns"] = rnd.sample(["10.0.0.1", "10.0.0.2", "fd00::1"], rnd.randint(1, 3))
        masters = []
        if rnd.random() < 0.4:
            ns["links"].append(self.bridge(rnd, name, "br0", 100 + n))
            masters = ["br0"]
        for k in range(rnd.randint(1, 3)):
            ns["links"].append(self.veth(rnd, name, f"eth{k}", 10 * n + k + 1, others, masters))
        veths = [link for link in ns["links"] if link["kind"] == "veth"]
        for link in ns["links"]:
            if self.always(0.3, name, link["name"], "alias"):
                link["alias"] = f"{link['name']} of {name}, {rnd.randrange(3)}"
            if rnd.random() < 0.3:
                link["altnames"] = [f"{name}-{link['name']}-{rnd.randrange(3)}"]
        if rnd.random() < 0.3 and "policy" not in veths[0] and "master" not in veths[0]:
            ns["links"].append(self.common(rnd, (name, "m0"), {"kind": "macvlan", "name": "m0", "parent": veths[0]["name"],
                                           "mode": rnd.choice(["bridge", "private"])}, 150 + n, [1]))
            ns["links"][-1]["mtu"] = 1280  # never more than its parent's
        if rnd.random() < 0.3:
            ns["links"].append(self.common(rnd, (name, "vx0"), {"kind": "vxlan", "name": "vx0", "vni": 5 + n,
                                           "remote": f"10.99.0.{rnd.randint(1, 2)}"}, 170 + n, [1]))
            ns["links"][-1]["mtu"] = 1400
        if rnd.random() < 0.2:
            ns["links"].append({"kind": "ifb", "name": "ifb0", "addrs": []})
        self.routing(rnd, ns, veths)
        return ns

    def routing(self, rnd, ns, veths):
        for k, link in enumerate(veths):
            if "policy" in link:
                continue
            v4 = [a for a in link["addrs"] if "." in a]
            v6 = [a for a in link["addrs"] if ":" in a]
            if v4 and rnd.random() < 0.6:
                ns["routes"].append({"dst": f"198.51.{k}.0/24", "gateway": v4[0].rsplit(".", 1)[0] + ".254",
                                     "dev": link["name"], "metric": rnd.choice([0, 50])})
            if v6 and rnd.random() < 0.6:
                ns["routes"].append({"dst": f"2001:db8:{k + 1}::/48", "gateway": v6[0].split("::")[0] + "::fe",
                                     "dev": link["name"], "metric": rnd.choice([1024, 50])})
            if v4 and k == 0 and rnd.random() < 0.5:
                link["gateway"] = v4[0].rsplit(".", 1)[0] + ".253"
            if v4 and rnd.random() < 0.4:
                ns["neighbors"].append({"dst": v4[0].rsplit(".", 1)[0] + ".77", "dev": link["name"], "lladdr": self.mac(rnd)})
        if rnd.random() < 0.4:
            ns["routes"].append({"dst": "203.0.113.0/24", "type": rnd.choice(["blackhole", "unreachable"]), "metric": 0})
        if rnd.random() < 0.3:
            ns["routes"].append({"dst": "2001:db8:99::/48", "type": "unreachable", "metric": 2048})
        for priority in (100, 200):
            if rnd.random() < 0.4:
                ns["rules"].append({"priority": priority, "src": "10.0.0.0/8", "table": rnd.choice([100, 101])})

    def first(self, rnd):
        world = {"host": self.host(rnd), "ns": {}}
        for name in NAMES[:4]:
            world["ns"][name] = self.namespace(rnd, name, list(world["ns"]))
        return world

    def change(self, rnd, world):
        """Another world, and what is other in it."""
        world = copy.deepcopy(world)
        files = [name for name in world["ns"] if not world["ns"][name].get("transient")]
        absent = [name for name in NAMES if name not in world["ns"]]
        what = rnd.choice(["new", "gone", "other", "other", "other", "other", "host", "twice"])
        if what == "host":
            world["host"] = self.host(rnd)
            return world, "host"
        if what == "new" and absent or not files:
            name = rnd.choice(absent)
        else:
            name = rnd.choice(files)
        if what == "gone" and len(files) > 2:
            del world["ns"][name]
            for other in world["ns"].values():
                for link in other["links"]:
                    if "peer" in link and link["peer"]["ns"] == name:
                        link["peer"]["ns"] = None
            return world, f"{name} goes"
        world["ns"][name] = self.namespace(rnd, name, [n for n in files if n < name])
        if what == "twice":
            world, more = self.change(rnd, world)
            return world, f"{name} and {more}"
        return world, name


# --- files --------------------------------------------------------------------------------------

def link_lines(link):
    sections = {"veth": "Veth", "bridge": "Bridge", "macvlan": "MACVLAN", "vxlan": "VXLAN", "ifb": "IFB"}
    lines = [f"[{sections[link['kind']]} {link['name']}]"]
    keys = {"mac": "MACAddress", "mtu": "MTUBytes", "alias": "Alias", "master": "Bridge", "policy": "ActivationPolicy",
            "parent": "Parent", "mode": "Mode", "vni": "VNI", "remote": "Remote", "ageing": "AgeingTimeSec", "gateway": "Gateway"}
    lines += [f"{text}={link[key]}" for key, text in keys.items() if key in link]
    if "stp" in link:
        lines.append("STP=" + ["no", "yes"][link["stp"]])
    if link["kind"] == "vxlan":
        lines.append("DestinationPort=4789")
    lines += [f"AlternativeName={name}" for name in link.get("altnames", [])]
    lines += [f"Address={address}" for address in link["addrs"]]
    if "peer" in link:
        peer = link["peer"]
        keys = {"ns": "PeerNamespace", "name": "PeerName", "mac": "PeerMACAddress", "mtu": "PeerMTUBytes", "master": "PeerBridge"}
        lines += [f"{text}={peer[key]}" for key, text in keys.items() if peer.get(key)]
        lines += [f"PeerAddress={address}" for address in peer["addrs"]]
    return lines


def text(ns):
    lines = ["[Namespace]"]
    if ns.get("host"):
        lines.append("Host=yes")
    if not ns.get("loopback", True):
        lines.append("Loopback=no")
    if "forwarding" in ns:
        lines.append(f"IPv4Forwarding={ns['forwarding']}")
    if "dns" in ns:
        lines.append("DNS=" + " ".join(ns["dns"]))
    lines += [f"Sysctl={key}={value}" for key, value in ns["sysctls"].items()]
    for link in ns["links"]:
        lines += link_lines(link)
    for i, route in enumerate(ns["routes"]):
        lines += [f"[Route r{i}]", f"Destination={route['dst']}", f"Metric={route['metric']}"]
        lines += [f"{k}={route[v]}" for k, v in (("Gateway", "gateway"), ("Type", "type")) if v in route]
    for rule in ns["rules"]:
        lines += [f"[RoutingPolicyRule p{rule['priority']}]", f"Priority={rule['priority']}", f"From={rule['src']}",
                  f"Table={rule['table']}"]
    for i, neighbor in enumerate(ns["neighbors"]):
        lines += [f"[Neighbor n{i}]", f"Address={neighbor['dst']}", f"LinkLayerAddress={neighbor['lladdr']}",
                  f"Link={neighbor['dev']}"]
    return "\n".join(lines) + "\n"


# --- what the kernel has to have ----------------------------------------------------------------

def empty(up=True):
    return {"lo": up, "links": {}, "routes": set(), "rules": set(), "neighbors": set(), "sysctls": {}, "dns": None}


def expect_end(end, kind, link, altnames=()):
    """What is not declared is left out; the comparison looks at what is here."""
    want = {"kind": kind, "up": "policy" not in link, "group": GROUP, "master": end.get("master"),
            "addrs": sorted(end["addrs"]), "altnames": sorted(altnames)}
    want.update({key: end[key] for key in ("mac", "mtu") if key in end})
    return want


def expect_link(all_, where, link):
    want = expect_end(link, link["kind"], link, link.get("altnames", []))
    want["alias"] = link.get("alias")
    want.update({key: link[key] for key in ("parent", "mode", "vni", "remote", "stp") if key in link})
    if "ageing" in link:
        want["ageing"] = link["ageing"] * 100
    all_[where]["links"][link["name"]] = want
    if "gateway" in link:
        all_[where]["routes"].add(("unicast", "default", link["gateway"], link["name"], 0, "254"))
    if "peer" in link:
        peer = link["peer"]
        there = peer["ns"] or "-"
        far = expect_end(peer, "veth", link)  # ActivationPolicy= is both ends.
        all_[there]["links"][peer["name"]] = far
        want["peer"] = (there, peer["name"])
        far["peer"] = (where, link["name"])


def expect(world):
    """{place: what is there}; the place - is the host."""
    everything = {"-": world["host"], **world["ns"]}
    all_ = {where: empty(ns.get("loopback", True)) for where, ns in everything.items()}
    for where, ns in everything.items():
        here = all_[where]
        for link in ns["links"]:
            expect_link(all_, where, link)
        for r in ns["routes"]:
            here["routes"].add((r.get("type", "unicast"), r["dst"], r.get("gateway"), r.get("dev"), r["metric"], "254"))
        here["rules"] = {(r["priority"], r["src"], str(r["table"])) for r in ns["rules"]}
        here["neighbors"] = {(n["dst"], n["lladdr"], n["dev"]) for n in ns["neighbors"]}
        here["sysctls"] = dict(ns["sysctls"])
        if "forwarding" in ns:
            here["sysctls"]["net/ipv4/ip_forward"] = str(int(ns["forwarding"] == "yes"))
        if "dns" in ns:
            here["dns"] = ns["dns"]
    return all_


def identity(world):
    """{(place, link): (what cannot change in place, which other links go with it)}"""
    links = {}
    for where, ns in {"-": world["host"], **world["ns"]}.items():
        for link in ns["links"]:
            me = (where, link["name"])
            key = (link["kind"], link.get("parent"), link.get("mode"), link.get("vni"), link.get("remote"))
            children = [(where, other["name"]) for other in ns["links"] if other.get("parent") == link["name"]]
            if "peer" in link:
                far = (link["peer"]["ns"] or "-", link["peer"]["name"])
                links[far] = (me, [me])
                links[me] = (key + far, [far] + children)
            else:
                links[me] = (key, children)
    return links
