# SPDX-License-Identifier: LGPL-2.1-or-later
"""A subscriber that knows nothing of netnsd but its socket.

subscriber.py record SOCKET FILE [PARAMETERS]   each reply's parameters, one line of JSON, until killed
subscriber.py deaf SOCKET                       subscribes, says "ready", and reads nothing until a line comes
                                                on standard input; then says how the stream ends
subscriber.py many SOCKET NUMBER                that many subscribe and hang up, in every way there is
"""
import json
import socket
import sys


def connect(path, parameters=None, receive_buffer=None):
    s = socket.socket(socket.AF_UNIX)
    if receive_buffer:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    s.connect(path)
    call = {"method": "io.netnsd.Manager.Subscribe", "more": True, "parameters": parameters or {}}
    s.sendall(json.dumps(call).encode() + b"\0")
    return s


def replies(s):
    rest = b""
    while True:
        data = s.recv(1 << 20)
        if not data:
            return
        *whole, rest = (rest + data).split(b"\0")
        for message in whole:
            reply = json.loads(message)
            assert "error" not in reply and reply["continues"], reply
            yield reply["parameters"]


def record(path, file, parameters="{}"):
    with open(file, "w", buffering=1, encoding="utf-8") as f:
        for p in replies(connect(path, json.loads(parameters))):
            f.write(json.dumps(p) + "\n")
        f.write('{"end":true}\n')


def deaf(path):
    s = connect(path, {"state": False}, 4096)
    first = next(replies(s))
    assert first["ready"], first
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        last = 0
        for p in replies(s):
            assert last in (0, p["sequence"] - 1), (last, p)
            last = p["sequence"]
        print("cut off", flush=True)
    except ConnectionResetError:
        print("cut off", flush=True)


def many(path, number):
    for i in range(int(number)):
        s = connect(path, {"state": i % 3 != 0})
        if i % 4 == 1:
            next(replies(s))
        if i % 4 == 2:
            s.shutdown(socket.SHUT_WR)
        if i % 4 == 3:
            for p in replies(s):
                if p.get("ready"):
                    break
        s.close()


if __name__ == "__main__":
    {"record": record, "deaf": deaf, "many": many}[sys.argv[1]](*sys.argv[2:])
