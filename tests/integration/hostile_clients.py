# SPDX-License-Identifier: LGPL-2.1-or-later
# Clients that are broken, greedy or hostile, against the daemon's socket; after each the daemon must
# answer a well-behaved one at once. Run as root; usage: hostile_clients.py SOCKET
import json
import os
import resource
import socket
import sys
import time

PATH = sys.argv[1]
PING = b'{"method":"io.systemd.service.Ping"}\0'
INFO = b'{"method":"org.varlink.service.GetInfo"}\0'
NOBODY = 65534


def connect():
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(20)
    s.connect(PATH)
    return s


def reply(s):
    data = b""
    while not data.endswith(b"\0"):
        piece = s.recv(65536)
        if not piece:
            return None
        data += piece
    return json.loads(data[:-1])


def closed(s):
    try:
        return s.recv(1) == b""
    except ConnectionResetError:
        return True


def call(method, **parameters):
    s = connect()
    s.sendall(json.dumps({"method": method, "parameters": parameters}).encode() + b"\0")
    answer = reply(s)
    s.close()
    return answer


def alive(what, say=True):
    """A call of somebody else is answered at once, however busy the daemon is kept."""
    start = time.monotonic()
    answer = call("io.netnsd.Namespace.List", name="one")
    took = time.monotonic() - start
    assert answer["parameters"]["runtime"]["state"] == "configured", (what, answer)
    # Milliseconds; the bound is for a machine with a lot else to do, under sanitizers.
    assert took < 5, "%s: an answer took %.1f s" % (what, took)
    if say:
        print("%-40s answered after %.1f ms" % (what, took * 1000))


def as_user(function, uid=NOBODY, gid=NOBODY, groups=()):
    """Runs function as another user; what it returns must be JSON."""
    out, into = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups(list(groups))
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)
            os.write(into, json.dumps(function()).encode())
        finally:
            os._exit(0)
    os.close(into)
    with os.fdopen(out) as f:
        text = f.read()
    os.waitpid(pid, 0)
    assert text, "%s failed" % function.__name__
    return json.loads(text)


def bad_messages():
    bad = [
        b"\0",
        b"x\0",
        b"[]\0",
        b'{"method":\0',
        b'{"method":1}\0',
        b'{"method":"io.systemd.service.Ping","what":1}\0',
        b'{"method":"io.systemd.service.Ping","more":1}\0',
        b'{"method":"io.systemd.service.Ping","parameters":{"a":"\xff"}}\0',
        b'{"method":"io.systemd.service.Ping","parameters":[]}\0',
        b"[" * 60000 + b"\0",
        b'{"a":' * 13000 + b"\0",
    ]
    for message in bad:
        s = connect()
        s.sendall(PING + message)
        assert reply(s) == {}, message[:80]
        assert closed(s), message[:80]
    s = connect()
    try:
        s.sendall(b" " * 1024 * 1024)
    except (BrokenPipeError, ConnectionResetError):
        pass
    assert closed(s)


def wrong_calls():
    def error(method, **parameters):
        answer = call(method, **parameters)
        return answer.get("error", "").rpartition(".")[2], answer.get("parameters")

    ns = "io.netnsd.Namespace."
    assert error(ns + "Up", name="one", colour=1) == ("InvalidParameter", {"parameter": "colour"})
    assert error(ns + "Up", name=1) == ("InvalidParameter", {"parameter": "name"})
    assert error(ns + "Up") == ("InvalidParameter", {"parameter": "name"})
    assert error(ns + "Add", name="x", settings=["a", 1]) == ("InvalidParameter", {"parameter": "settings"})
    assert error(ns + "None") == ("MethodNotFound", {"method": ns + "None"})
    assert error("io.none.X") == ("InterfaceNotFound", {"interface": "io.none"})
    for name in ("", ".", "..", "a/b", "../x", "-a", "a b", "a\n", "x" * 256, "\u00e4", "x" * 60000):
        assert error(ns + "Add", name=name)[0] == "BadConfiguration", name[:80]
        assert error(ns + "Describe", name=name)[0] == "NoSuchNamespace", name[:80]
        for method in ("Delete", "Up", "Down"):
            assert error(ns + method, name=name)[0] in ("NoSuchNamespace", "NotOurs"), (method, name[:80])
        assert error(ns + "List", name=name)[0] == "NoSuchNamespace", name[:80]
        assert error(ns + "Wait", names=[name])[0] == "NoSuchNamespace", name[:80]


def silent_clients():
    clients = [connect() for _ in range(1000)]
    alive("1000 silent clients")
    for s in clients:
        s.sendall(b'{"method":')
    alive("1000 half messages")
    for s in clients:
        s.close()


def flood():
    clients = []
    for _ in range(20):
        s = connect()
        s.setblocking(False)
        clients.append(s)
    end = time.monotonic() + 2
    checks = 0
    while time.monotonic() < end:
        for s in clients:
            try:
                s.send(INFO * 500)
            except BlockingIOError:
                pass
        checks += 1
        if checks % 100 == 0:
            alive("20 clients that flood and never read", say=False)
    alive("20 clients that flood and never read")
    for s in clients:
        s.close()


def never_read_a_stream():
    clients = [connect() for _ in range(50)]
    for s in clients:
        s.sendall(b'{"method":"io.netnsd.Namespace.List","more":true}\0' * 500)
    alive("50 lists that nobody reads")
    for s in clients:
        s.close()


def hang_up():
    for _ in range(200):
        s = connect()
        s.sendall(b'{"method":"io.netnsd.Namespace.Describe","parameters":{"name":"one"}}\0')
        s.close()
    for _ in range(50):
        s = connect()
        s.sendall(b'{"method":"io.netnsd.Manager.Plan"}\0{"method":')
        s.shutdown(socket.SHUT_WR)
        assert reply(s)["parameters"]["actions"] == []
        assert closed(s)
    alive("250 that hung up in the middle")


def connections_of_a_user():
    def served():
        clients = [connect() for _ in range(200)]
        n = 0
        for s in clients:
            try:
                s.sendall(PING)
                n += reply(s) == {}
            except (BrokenPipeError, ConnectionResetError):
                pass
        return n

    n = as_user(served)
    assert n == 128, n
    # The daemon may see the next client before it has seen all the old ones leave.
    deadline = time.monotonic() + 20
    while as_user(ping_served) is not True:
        assert time.monotonic() < deadline, "a user who hung up is turned away for ever"


def ping_served():
    s = connect()
    try:
        s.sendall(PING)
        return reply(s) == {}
    except (OSError, AssertionError, ValueError):
        return False


def privilege():
    denied = {"error": "org.varlink.service.PermissionDenied"}

    def of_user():
        return {
            "read": [
                call("io.systemd.service.Ping"),
                call("io.netnsd.Namespace.List", name="one"),
                call("io.netnsd.Namespace.Describe", name="one"),
                call("io.netnsd.Namespace.Wait", names=["one"]),
                call("io.netnsd.Manager.Describe"),
                call("io.systemd.service.GetLogLevel"),
            ],
            "admin": [
                call("io.netnsd.Manager.Plan"),
                call("io.netnsd.Manager.Apply"),
                call("io.netnsd.Namespace.Add", name="x"),
                call("io.netnsd.Namespace.Delete", name="one"),
                call("io.netnsd.Namespace.Up", name="one"),
                call("io.netnsd.Namespace.Down", all=True),
                call("io.systemd.service.Reload"),
                call("io.systemd.service.SetLogLevel", level=7),
                call("io.systemd.service.GetEnvironment"),
            ],
        }

    answers = as_user(of_user)
    for answer in answers["read"]:
        assert "error" not in answer, answer
        assert "text" not in answer.get("parameters", {}).get("context", {}), answer
    for answer in answers["admin"]:
        assert answer == denied, answer
    text = call("io.netnsd.Namespace.List", name="one")["parameters"]["context"]["text"]
    assert "[Namespace]" in text, text


resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
for test in (
    bad_messages,
    wrong_calls,
    privilege,
    silent_clients,
    flood,
    never_read_a_stream,
    hang_up,
    connections_of_a_user,
):
    print("-- " + test.__name__)
    test()
    alive("afterwards")
