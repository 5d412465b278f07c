# SPDX-License-Identifier: LGPL-2.1-or-later
"""What chaos.py sees: the kernel by `ip -j -d` and files, in the form of world.expect()."""
import json
import os
import subprocess

import world

KERNEL = "2"  # protocol of routes that the kernel makes
RTN = {"1": "unicast", "2": "local", "3": "broadcast", "6": "blackhole", "7": "unreachable"}
BATCH = "addr show\nroute show table all\nrule show\nneigh show nud permanent\n"
BATCH6 = "route show table all\nrule show\n"


def script(sysctls):
    return (f"ip -N -j -d -b - <<'E'\n{BATCH}E\necho;ip -6 -N -j -d -b - <<'E'\n{BATCH6}E\n"
            + "".join(f"echo; printf '\"%s\"' \"$(cat /proc/sys/{key})\"\n" for key in sysctls))


def values(text):
    """All JSON values of a text, one behind the other."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while True:
        while at < len(text) and text[at].isspace():
            at += 1
        if at == len(text):
            return found
        value, at = decoder.raw_decode(text, at)
        found.append(value)


def run(where, argv, **kw):
    if where != "-":
        argv = ["nsenter", f"--net=/run/netns/{where}", "--"] + argv
    return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60, **kw)


def dns(where):
    try:
        with open(f"/etc/netns/{where}/resolv.conf", encoding="utf-8", errors="replace") as f:
            lines = [line.split() for line in f]
    except FileNotFoundError:
        return None
    return [words[1] for words in lines if words and words[0] == "nameserver"] if all(
        not words or words[0].startswith("#") or words[0] == "nameserver" for words in lines) else lines


def see_link(link):
    info = link.get("linkinfo", {})
    data = info.get("info_data", {})
    return {
        "index": link["ifindex"], "kind": info.get("info_kind"), "up": "UP" in link["flags"], "group": str(link.get("group")),
        "master": link.get("master"), "mac": link.get("address"), "mtu": link["mtu"], "alias": link.get("ifalias"),
        "altnames": sorted(link.get("altnames", [])), "parent": link.get("link"), "link_index": link.get("link_index"),
        "mode": data.get("mode"), "vni": data.get("id"), "remote": data.get("remote"), "stp": data.get("stp_state"),
        "ageing": data.get("ageing_time"),
        "addrs": sorted(f"{a['local']}/{a['prefixlen']}" for a in link["addr_info"] if not a["local"].startswith("fe80")),
    }


def see_route(r):
    kind = str(r.get("type", "unicast"))
    kind = RTN.get(kind, kind)
    return (kind, r["dst"], r.get("gateway"), r.get("dev") if kind == "unicast" else None, r.get("metric", 0),
            str(r.get("table", "254")))


def look(where, sysctls=()):
    """None when the place cannot be entered just now."""
    result = run(where, ["sh", "-c", script(sysctls)])
    try:
        links, routes, rules, neighbors, routes6, rules6, *rest = values(result.stdout)
    except ValueError:
        return None
    if len(rest) != len(sysctls):
        return None
    here = world.empty()
    for link in links:
        if link["ifname"] == "lo":
            here["lo"] = "UP" in link["flags"]
        else:
            here["links"][link["ifname"]] = see_link(link)
    here["routes"] = {see_route(r) for r in routes + routes6 if str(r.get("protocol")) != KERNEL}
    here["rules"] = {(r["priority"], f"{r['src']}/{r['srclen']}" if "srclen" in r else r["src"], str(r["table"]))
                     for r in rules + rules6 if r["priority"] not in (0, 32766, 32767)}
    here["neighbors"] = {(n["dst"], n.get("lladdr"), n["dev"]) for n in neighbors}
    here["sysctls"] = dict(zip(sysctls, rest))
    here["dns"] = dns(where)
    return here


def names():
    """{name in /run/netns: inode} of those that are mounted, and how many mounts of namespaces each path has. All
    by one look: between two, a name may have been put back."""
    found, mounts = {}, {}
    with open("/proc/self/mountinfo", encoding="utf-8") as f:
        for line in f:
            if " - nsfs " in line:
                root, path = line.split()[3:5]
                mounts[path] = mounts.get(path, 0) + 1
                if os.path.dirname(path) == "/run/netns":
                    found[os.path.basename(path)] = int(root.removeprefix("net:[").removesuffix("]"))
    return found, mounts


def nsids():
    """How many namespaces bear a mark of ours."""
    out = run("-", ["ip", "-j", "netns", "list-id"]).stdout
    return sum(2000000000 <= entry["nsid"] < 2200000000 for found in values(out) for entry in found)


def compare_links(where, want, have, all_have):
    for name in sorted(set(want) | set(have)):
        if name not in have:
            yield f"{where}: link {name} is not there"
        elif name not in want:
            yield f"{where}: a link {name} nobody asked for: {have[name]}"
        else:
            for key, value in want[name].items():
                got = have[name].get(key)
                if key == "peer":
                    far = all_have.get(value[0], {"links": {}})["links"].get(value[1])
                    value, got = far and far["index"], have[name]["link_index"]
                if got != value:
                    yield f"{where}: {name}: {key} is {got}, expected {value}"


def compare(want, have):
    """What differs, a line each."""
    diff = []
    for where in want:
        mine, theirs = want[where], have.get(where)
        if theirs is None:
            diff.append(f"{where}: cannot be entered")
            continue
        if where != "-" and mine["lo"] != theirs["lo"]:
            diff.append(f"{where}: lo up is {theirs['lo']}")
        diff += compare_links(where, mine["links"], theirs["links"], have)
        for what in ("routes", "rules", "neighbors"):
            diff += [f"{where}: {what}: {x} is not there" for x in sorted(mine[what] - theirs[what], key=str)]
            diff += [f"{where}: {what}: {x} nobody asked for" for x in sorted(theirs[what] - mine[what], key=str)]
        for key, value in mine["sysctls"].items():
            if theirs["sysctls"].get(key) != value:
                diff.append(f"{where}: {key} is {theirs['sysctls'].get(key)}, expected {value}")
        if where not in ("-", "alien") and mine["dns"] != theirs["dns"]:
            diff.append(f"{where}: name servers {theirs['dns']}, expected {mine['dns']}")
    return diff
