# SPDX-License-Identifier: GPL-3.0-only
"""Network namespaces: what is started inside `with network:` (a socket, a thread, a process) belongs to that one. A road leads
from the first to the second through a router that can lose everything without a word, as a NAT does that forgot a connection."""
import ctypes
import os
import subprocess
import unittest

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)


def _checked(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _current():
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


class Network:
    def __init__(self):
        before = _current()
        try:
            _checked(LIBC.unshare(CLONE_NEWNET))
            self.fd = _current()
        finally:
            _checked(LIBC.setns(before, CLONE_NEWNET))
            os.close(before)
        self._before = []
        self.ip("link set lo up")

    @property
    def path(self):
        return f"/proc/{os.getpid()}/fd/{self.fd}"

    def __enter__(self):
        self._before.append(_current())
        _checked(LIBC.setns(self.fd, CLONE_NEWNET))
        return self

    def __exit__(self, *_):
        before = self._before.pop()
        _checked(LIBC.setns(before, CLONE_NEWNET))
        os.close(before)

    def ip(self, arguments):
        with self:
            subprocess.run(["ip", *arguments.split()], check=True)

    def close(self):
        os.close(self.fd)


class Road:
    """home (HOME) - router - away (AWAY)."""
    HOME, AWAY = "10.77.1.1", "10.77.2.1"

    def __init__(self):
        self.home, self.router, self.away = Network(), Network(), Network()
        for number, (network, address) in enumerate(((self.home, self.HOME), (self.away, self.AWAY)), 1):
            gateway = address[:-1] + "254"
            self.router.ip(f"link add to{number} type veth peer name eth0 netns {network.path}")
            self.router.ip(f"address add {gateway}/24 dev to{number}")
            self.router.ip(f"link set to{number} up")
            network.ip(f"address add {address}/24 dev eth0")
            network.ip("link set eth0 up")
            network.ip(f"route add default via {gateway}")
        with self.router, open("/proc/sys/net/ipv4/ip_forward", "w") as forward:
            forward.write("1")

    def lose_everything(self):
        for address in (self.HOME, self.AWAY):
            self.router.ip(f"route add blackhole {address}/32")

    def repair(self):
        for address in (self.HOME, self.AWAY):
            self.router.ip(f"route del blackhole {address}/32")

    def close(self):
        for network in (self.home, self.router, self.away):
            network.close()


def road_or_skip():
    """Skips where this user may not make networks (root may)."""
    try:
        return Road()
    except PermissionError:
        raise unittest.SkipTest("network namespaces are needed, which this user may not make (root may)") from None
