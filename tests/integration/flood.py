# SPDX-License-Identifier: LGPL-2.1-or-later
"""A flood of changes in many namespaces, and an oracle for it that knows nothing of netnsd: one rtnetlink
socket in each namespace.

flood.py links NUMBER NAMES...     makes links l0 ... in each, by no hand of netnsd
flood.py flap ROUNDS NAMES...      down with another MTU, up with another; an address comes and goes
flood.py mark NAME NAMES...        makes a link of this name in each
flood.py oracle FILE NAMES...      says "listening"; writes what happens until a link "end" came in each
flood.py compare ORACLE FOLLOWER   both tell the same of each namespace, in order, between "begin" and "end"
flood.py state FOLLOWER NAMES...   what a follower knows is what ip(8) shows
"""
import ctypes
import ipaddress
import json
import os
import re
import select
import socket
import struct
import subprocess
import sys

NEWLINK, DELLINK, NEWADDR, DELADDR = 16, 17, 20, 21
REQUEST, ACK, REPLACE, EXCL, CREATE = 1, 4, 0x100, 0x200, 0x400
IFLA_IFNAME, IFLA_MTU, IFLA_LINKINFO, IFA_ADDRESS, IFA_LOCAL = 3, 4, 18, 1, 2
IFF_UP = 1
libc = ctypes.CDLL(None, use_errno=True)


def enter(path):
    fd = os.open(path, os.O_RDONLY)
    if libc.setns(fd, 0x40000000) < 0:
        raise OSError(ctypes.get_errno(), path)
    os.close(fd)


def netlink(name, groups=()):
    """A socket in the namespace; the process stays where it is."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    enter("/run/netns/" + name)
    s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
    s.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE: an oracle must lose nothing
    s.bind((0, 0))
    for group in groups:
        s.setsockopt(270, 1, group)
    if libc.setns(home, 0x40000000) < 0:
        raise OSError(ctypes.get_errno(), "home")
    os.close(home)
    return s


def attribute(kind, data):
    return struct.pack("HH", len(data) + 4, kind) + data + b"\0" * (-len(data) % 4)


def talk(s, kind, flags, body):
    s.send(struct.pack("IHHII", 16 + len(body), kind, flags | REQUEST | ACK, 1, 0) + body)
    error = struct.unpack_from("i", s.recv(65536), 16)[0]
    if error:
        raise OSError(-error, os.strerror(-error))


def make_link(s, name):
    info = attribute(IFLA_LINKINFO, attribute(1, b"bridge\0"))
    talk(s, NEWLINK, CREATE | EXCL, bytes(16) + attribute(IFLA_IFNAME, name.encode() + b"\0") + info)


def set_link(s, name, mtu, up):
    talk(s, NEWLINK, 0, struct.pack("BxHiII", 0, 0, 0, IFF_UP * up, IFF_UP) +
         attribute(IFLA_IFNAME, name.encode() + b"\0") + attribute(IFLA_MTU, struct.pack("I", mtu)))


def index_of(name, link):
    out = subprocess.run(["ip", "-n", name, "-j", "link", "show", "dev", link], check=True, capture_output=True)
    return json.loads(out.stdout)[0]["ifindex"]


def links(number, *names):
    for name in names:
        s = netlink(name)
        for i in range(int(number)):
            make_link(s, "l%d" % i)
        s.close()


def mark(link, *names):
    for name in names:
        s = netlink(name)
        make_link(s, link)
        s.close()


def flap(rounds, *names):
    sockets = [netlink(name) for name in names]
    indices = [index_of(name, "l0") for name in names]
    number = sum(link["ifname"][0] == "l" and link["ifname"] != "lo" for link in json.loads(
        subprocess.run(["ip", "-n", names[0], "-j", "link"], check=True, capture_output=True).stdout))
    body = attribute(IFA_LOCAL, bytes([10, 99, 0, 1])) + attribute(IFA_ADDRESS, bytes([10, 99, 0, 1]))
    for r in range(int(rounds)):
        for i in range(number):
            for s, index in zip(sockets, indices):
                set_link(s, "l%d" % i, 1000 + 2 * r, False)
                set_link(s, "l%d" % i, 1001 + 2 * r, True)
                if i == 0:
                    address = struct.pack("BBBBi", 2, 24, 0, 0, index) + body
                    talk(s, NEWADDR, CREATE | REPLACE, address)
                    if r < int(rounds) - 1:
                        talk(s, DELADDR, 0, address)


def attributes(data):
    while len(data) >= 4:
        length, kind = struct.unpack_from("HH", data)
        yield kind & 0x3fff, data[4:length]
        data = data[(length + 3) & ~3:]


def decode(data, known):
    """Link and address messages of one datagram; known: names by index."""
    while len(data) >= 16:
        length, kind = struct.unpack_from("IH", data)
        message, data = data[16:length], data[(length + 3) & ~3:]
        if kind in (NEWLINK, DELLINK) and message[0] == 0:
            a = dict(attributes(message[16:]))
            index, flags = struct.unpack_from("iI", message, 4)
            known[index] = a[IFLA_IFNAME].rstrip(b"\0").decode()
            if kind == DELLINK:
                yield ["link", "removed", known[index]]
            else:
                yield ["link", "set", known[index], struct.unpack("I", a[IFLA_MTU])[0], bool(flags & IFF_UP)]
        elif kind in (NEWADDR, DELADDR):
            a = dict(attributes(message[8:]))
            index = struct.unpack_from("i", message, 4)[0]
            address = ipaddress.ip_address(a.get(IFA_LOCAL, a.get(IFA_ADDRESS)))
            yield ["address", "set" if kind == NEWADDR else "removed", "%s/%d" % (address, message[1]),
                   known.get(index, "if%d" % index)]


def oracle(file, *names):
    sockets, known, ended = {}, {}, set()
    poll = select.poll()
    for name in names:
        s = netlink(name, (1, 5, 9))
        sockets[s.fileno()] = (name, s)
        poll.register(s, select.POLLIN)
        shown = json.loads(subprocess.run(["ip", "-n", name, "-j", "link"], check=True, capture_output=True).stdout)
        known[name] = {link["ifindex"]: link["ifname"] for link in shown}
    print("listening", flush=True)
    with open(file, "w", encoding="utf-8") as f:
        while len(ended) < len(names):
            for fd, _ in poll.poll():
                name, s = sockets[fd]
                for event in decode(s.recv(65536), known[name]):
                    f.write(json.dumps([name, event]) + "\n")
                    if event[0:3] == ["link", "set", "end"]:
                        ended.add(name)


def told(reply):
    """The oracle's words for what netnsd says of links and addresses; None: of something else."""
    text = reply["text"]
    if reply["object"] == "link":
        m = re.fullmatch(r"link (\S+) \(\w+(?:, mtu (\d+), (up|down).*)?\)", text)
        return ["link", reply["change"], m[1]] + ([int(m[2]), m[3] == "up"] if m[2] else [])
    if reply["object"] == "address":
        m = re.fullmatch(r"address (\S+)(?: .*)? on (\S+)(?: \(\w+\))?", text)
        return ["address", reply["change"], m[1], m[2]]
    return None


def between_marks(events):
    marks = [i for i, e in enumerate(events) if e[0:3] in (["link", "set", "begin"], ["link", "set", "end"])]
    assert len(marks) >= 2, (len(events), marks)
    last = next(i for i in marks if events[i][2] == "end")
    return events[marks[0]:last + 1]


def compare(expected_file, told_file):
    expected, got, number = {}, {}, None
    with open(expected_file, encoding="utf-8") as f:
        for line in f:
            name, event = json.loads(line)
            expected.setdefault(name, []).append(event)
    with open(told_file, encoding="utf-8") as f:
        for line in f:
            reply = json.loads(line)
            assert "resync" not in reply, reply
            if "sequence" in reply and "ready" not in reply:
                assert number in (None, reply["sequence"] - 1), ("a gap after", number, reply)
                number = reply["sequence"]
            if reply.get("namespace") in expected and reply["change"] != "present":
                event = told(reply)
                if event:
                    got.setdefault(reply["namespace"], []).append(event)
                    assert reply["cause"] == "foreign" or "begin" not in event, reply
    total = 0
    for name, events in expected.items():
        events, heard = between_marks(events), between_marks(got.get(name, []))
        total += len(events)
        if events != heard:
            at = next((i for i, (a, b) in enumerate(zip(events, heard)) if a != b), min(len(events), len(heard)))
            sys.exit("%s: event %d of %d: the kernel says %r, netnsd (%d events) %r" % (
                name, at, len(events), events[at:at + 3], len(heard), heard[at:at + 3]))
    print(total, "events in", len(expected), "namespaces")


def replay(file):
    """What a follower knows at the end: by namespace, a set of links and one of addresses."""
    state, resyncs, readies = {}, 0, 0
    with open(file, encoding="utf-8") as f:
        for line in f:
            reply = json.loads(line)
            if reply.get("resync"):
                state = {}  # only what comes after is to be believed
                resyncs += 1
            readies += bool(reply.get("ready"))
            event = told(reply) if "object" in reply else None
            if not event:
                continue
            known = state.setdefault(reply["namespace"], {})
            key = tuple(event[0:1] + event[2:3] + (event[3:4] if event[0] == "address" else []))
            if event[1] == "removed":
                known.pop(key, None)
            else:
                known[key] = event[3:]
    return state, resyncs, readies


def state(file, *names):
    known, resyncs, readies = replay(file)
    for name in names:
        real = {}
        shown = json.loads(subprocess.run(["ip", "-n", name, "-j", "addr"], check=True, capture_output=True).stdout)
        for link in shown:
            real["link", link["ifname"]] = [link["mtu"], "UP" in link["flags"]]
            for a in link["addr_info"]:
                key = ("address", "%s/%d" % (a["local"], a["prefixlen"]), link["ifname"])
                real[key] = [link["ifname"]]
        if real != known.get(name):
            have = known.get(name, {})
            sys.exit("%s: only in the kernel %r, only told %r" % (
                name, sorted(str(i) for i in real.items() if have.get(i[0]) != i[1]),
                sorted(str(i) for i in have.items() if real.get(i[0]) != i[1])))
    print(len(names), "namespaces as they are;", resyncs, "times lost,", readies, "times ready")


if __name__ == "__main__":
    commands = {"links": links, "flap": flap, "mark": mark, "oracle": oracle, "compare": compare, "state": state}
    commands[sys.argv[1]](*sys.argv[2:])
