# SPDX-License-Identifier: GPL-3.0-only
"""What an agent tries inside `llm-proxy run`: python3 run_attacks.py FACTS.json prints a JSON object {attack: null or how it succeeded}.
Null is a failed attack. It runs as the command, so it uses nothing but the interpreter and what it finds."""
import array
import contextlib
import ctypes
import fcntl
import glob
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import termios

LIBC = ctypes.CDLL(None, use_errno=True)
MARK = b"hidden by llm-proxy run"
ATTACKS = {}


def attack(function):
    ATTACKS[function.__name__] = function
    return function


def content(path, mode=0):
    """What a file says, unless it is only the mark of what is hidden; None: it cannot be read."""
    with contextlib.suppress(OSError):
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | mode)
        try:
            if stat.S_ISDIR(os.fstat(fd).st_mode):
                return None
            data = os.read(fd, 65536)
        finally:
            os.close(fd)
        return None if not data or MARK in data else data
    return None


def answers(path):
    """Whether somebody listens on a unix socket (a path, or an abstract name beginning with NUL)."""
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(5)
        try:
            link.connect(path)
            return True
        except OSError:
            return False


def ours():
    """The processes outside, by the numbers that they have there."""
    return FACTS["pids"]


@attack
def create_a_token():
    for more in ([], ["--data-dir", FACTS["data"]]):
        done = subprocess.run([FACTS["bin"], "token", "create", "--project", FACTS["project"], "--ttl", "30d", *more], capture_output=True, text=True, timeout=60)
        if done.returncode == 0 or "tok-" in done.stdout:
            return done.stdout + done.stderr
        if "hidden by run" not in done.stderr:
            return "it does not say that the data directory is hidden: " + done.stderr
    return None


@attack
def make_a_new_data_directory():
    for command in (["project", "create", "--name", "N", "--key-stdin"], ["setup", "--non-interactive"], ["--serve", "--listen-addr", "127.0.0.1:0"]):
        done = subprocess.run([FACTS["bin"], *command], input="sk-test1234567890abcdef\n", capture_output=True, text=True, timeout=60)
        if done.returncode != 3 or "hidden by run" not in done.stderr:
            return f"{command}: {done.returncode} {done.stdout}{done.stderr}"
    return None


@attack
def read_what_is_hidden():
    for path in FACTS["files"]:
        if content(path) is not None:
            return path
    return None


@attack
def list_what_is_hidden():
    for folder in FACTS["folders"]:
        with contextlib.suppress(OSError):
            names = [n for n in os.listdir(folder) if n != "HIDDEN-BY-LLM-PROXY-RUN"]
            if names:
                return f"{folder}: {names}"
    return None


@attack
def write_what_is_hidden():
    for path in FACTS["files"]:
        with contextlib.suppress(OSError):
            with open(path, "ab") as file:
                file.write(b"x")
            return path
    for path in FACTS["files"] + FACTS["folders"]:
        with contextlib.suppress(OSError):
            os.rename(path, path + ".moved")
            return "renamed " + path
        with contextlib.suppress(OSError):
            os.unlink(path)
            return "removed " + path
    return None


@attack
def read_through_other_processes():
    for process in glob.glob("/proc/[0-9]*"):
        for way in ("root", "cwd"):
            base = f"{process}/{way}"
            for path in FACTS["files"]:
                if content(base + path) is not None:
                    return base + path
        for fd in glob.glob(f"{process}/fd/*"):
            with contextlib.suppress(OSError):
                if os.readlink(fd) in FACTS["files"] and content(fd) is not None:
                    return fd
    return None


@attack
def look_into_processes():
    for pid in ours():
        for name in ("mem", "environ", "maps"):
            with contextlib.suppress(OSError):
                with open(f"/proc/{pid}/{name}", "rb") as file:
                    if name == "mem":
                        return f"opened /proc/{pid}/mem" if is_outside(pid) else None
                    data = file.read(4096)
                    if data and is_outside(pid):
                        return f"read /proc/{pid}/{name}"
        with contextlib.suppress(OSError):
            if is_outside(pid) and os.listdir(f"/proc/{pid}/root"):
                return f"listed /proc/{pid}/root"
    return None


def is_outside(pid):
    """The number may be another process's here: one outside has another PID namespace, which shows only where it may be looked at."""
    try:
        return os.readlink(f"/proc/{pid}/ns/pid") != os.readlink("/proc/self/ns/pid")
    except OSError:
        return False


@attack
def trace_processes():
    PTRACE_ATTACH, PTRACE_SEIZE, PTRACE_DETACH = 16, 0x4206, 17
    for pid in ours():
        for request in (PTRACE_ATTACH, PTRACE_SEIZE):
            if is_outside(pid) and LIBC.ptrace(request, pid, 0, 0) == 0:
                LIBC.ptrace(PTRACE_DETACH, pid, 0, 0)
                return f"traced {pid}"
    return None


@attack
def kill_processes():
    """The test looks afterwards whether they live."""
    for pid in ours():
        for number in (pid, -pid):
            with contextlib.suppress(OSError):
                if number not in (1, -1, os.getpid(), os.getppid(), -os.getpgrp()):
                    os.kill(number, signal.SIGKILL)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    os.kill(0, signal.SIGUSR1)  # the process group, whose members need not be visible: run would end
    return None


@attack
def inherited_descriptors():
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            mode = os.fstat(int(name)).st_mode
            if stat.S_ISSOCK(mode):
                return f"descriptor {name} is a socket"
            if stat.S_ISDIR(mode) and os.readlink(f"/proc/self/fd/{name}") != f"/proc/{os.getpid()}/fd":
                return f"descriptor {name} is the folder " + os.readlink(f"/proc/self/fd/{name}")
    return None


@attack
def control_socket():
    return "connected" if answers(FACTS["socket"]) else None


@attack
def sockets_of_the_session():
    for path in FACTS["sockets"]:
        if answers(path):
            return path
    for name in ("DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY", "SSH_AUTH_SOCK", "XAUTHORITY", "TMUX"):
        if name in os.environ:
            return name + " is set"
    return None


@attack
def abstract_sockets():
    for name in FACTS["abstract"]:
        if answers("\0" + name):
            return name
    return None


@attack
def type_into_the_terminal():
    TIOCLINUX = 0x541C
    for request, argument in ((termios.TIOCSTI, b"x"), (TIOCLINUX, b"\x03"), (termios.TIOCSTI | 1 << 32, b"x")):
        for fd in (0, 1, 2):
            buffer = array.array("b", argument + bytes(16))
            if LIBC.ioctl(fd, ctypes.c_ulong(request), ctypes.c_void_p(buffer.buffer_info()[0])) == 0:
                return f"ioctl {request:#x} on {fd}"
    with contextlib.suppress(OSError):
        with open("/dev/tty", "rb+", buffering=0) as tty:
            fcntl.ioctl(tty, termios.TIOCSTI, b"x")
            return "/dev/tty"
    return None


@attack
def other_terminals():
    for number in range(64):
        with contextlib.suppress(OSError):
            fd = os.open(f"/dev/pts/{number}", os.O_RDWR | os.O_NOCTTY)
            os.close(fd)
            return f"/dev/pts/{number}"
    return None


@attack
def undo_the_mounts():
    covered = FACTS["folders"] + FACTS["files"]
    for path in covered:
        if LIBC.umount2(path.encode(), 2) == 0:
            return "unmounted " + path
    for wrapper in (["unshare", "--user", "--map-root-user", "--mount"], ["unshare", "--user", "--map-current-user", "--mount"],
                    ["bwrap", "--unshare-user", "--bind", "/", "/", "--cap-add", "ALL"]):
        with contextlib.suppress(FileNotFoundError, subprocess.TimeoutExpired):
            script = "for p; do umount -l \"$p\" 2>/dev/null && echo \"$p\"; done; true"
            done = subprocess.run([*wrapper, "sh", "-c", script, "sh", *covered], capture_output=True, text=True, timeout=5, stdin=subprocess.DEVNULL)
            if done.stdout.strip():
                return f"{wrapper}: unmounted {done.stdout}"
    return None


@attack
def settings_of_the_kernel():
    for path in ("/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/kernel/panic", "/sys/kernel/uevent_helper", "/proc/sysrq-trigger"):
        with contextlib.suppress(OSError):
            os.close(os.open(path, os.O_WRONLY))
            return path
    return None


@attack
def devices():
    for name in sorted(os.listdir("/dev")):
        with contextlib.suppress(OSError):
            if stat.S_ISBLK(os.stat("/dev/" + name).st_mode) or name in ("mem", "kmem", "port", "uinput", "kvm"):
                return "/dev/" + name
    return None


@attack
def look_into_the_first_process():
    """Our variables went through it."""
    with contextlib.suppress(OSError):
        with open("/proc/1/mem", "rb"):
            return "opened /proc/1/mem"
    return None


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        FACTS = json.load(file)
    results = {}
    for name, function in ATTACKS.items():
        try:
            results[name] = function()
        except Exception as problem:  # an attack that breaks has shown nothing
            results[name] = "the attack itself broke: " + repr(problem)
    with open(FACTS["results"], "w") as file:
        json.dump(results, file)
