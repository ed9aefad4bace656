#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""What people start inside `llm-proxy run` works there as it does outside: make, tar, tmux, pagers and editors, keys, long and binary
arguments, signals, ends of every kind. As whoever runs the tests, in CI root, and as an ordinary user."""
import os
import signal
import subprocess
import unittest

from proxy_case import until
from run_works import IS_ROOT, ORDINARY, RunWorks, only_root
from terminal import Screen

PYTHON = "/usr/bin/python3"  # one that any user can start
NOT_FATAL = {signal.SIGCHLD, signal.SIGCONT, signal.SIGURG, signal.SIGWINCH, signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}
# All classic ones; of the real-time ones the first, the last and one between.
FATAL = sorted({s for s in signal.valid_signals() if s < 32} - NOT_FATAL) + [34, 50, 64]


class Tools(RunWorks):
    def test_make_with_jobs(self):
        """Four at once: each job waits for all the others."""
        (self.cwd / "Makefile").write_text("all: a b c d\n" + "".join(f"{x}: ; @mkfifo {x} 2>/dev/null; for f in a b c d; do until [ -e started-$$f ]; do touch started-{x}; done; done; echo {x}\n" for x in "abcd"))
        done = self.shell("make -s -j4 | sort | tr -d '\\n'", timeout=60)
        self.assertEqual(done.stdout, "abcd")

    def test_below_make(self):
        """The outer make's jobserver reaches the inner one."""
        (self.cwd / "Makefile").write_text(f"all: ; +@{' '.join(map(str, self.line))} -- $(MAKE) -s --no-print-directory inner\ninner: x y\nx y: ; @echo $@\n")
        done = self.start_run(["make", "-j2"], cwd=self.cwd)
        out, errors = done.communicate(timeout=60)
        self.assertEqual((done.returncode, sorted(out.split())), (0, ["x", "y"]), errors)
        self.assertNotIn("jobserver", errors)

    def test_archives_of_other_owners(self):
        script = """mkdir tree; echo words >tree/file
tar -cf all.tar --owner=1234 --group=1234 tree; rm -r tree; tar -xf all.tar; cat tree/file
cp -a tree copy; cat copy/file; install -m 640 tree/file installed; cat installed"""
        if IS_ROOT and not self.user:
            script += "\nchown -R 1234:1234 tree; chown :1234 copy; chown -h 7 installed; chown root:root tree/file; stat -c %u tree/file"
        done = self.shell(script)
        self.assertEqual(done.stdout.split(), ["words"] * 3 + ["0"] * (IS_ROOT and not self.user), done.stderr)
        self.assertEqual((self.cwd / "tree/file").stat().st_uid, self.user.pw_uid if self.user else os.geteuid())

    def test_a_folder_of_another_user(self):
        says = "the command cannot write in the working directory, which belongs to another user"
        self.assertNotIn(says, self.shell("touch made").stderr)
        if not IS_ROOT or self.user:
            return
        os.chown(self.cwd, ORDINARY.pw_uid, -1)
        done = self.shell("touch other", code=1)
        self.assertIn("Permission denied", done.stderr)
        self.assertIn(says, done.stderr)
        os.chmod(self.cwd, 0o777)
        self.assertNotIn(says, self.shell("touch other").stderr)

    def test_keys(self):
        done = self.shell("ssh-keygen -q -t ed25519 -N '' -f key; ssh-keygen -y -f key; gpg --version | head -1; openssl rand -hex 4")
        self.assertRegex(done.stdout, r"^ssh-ed25519 [^\n]*\ngpg \(GnuPG\) [^\n]*\n[0-9a-f]{8}\n$")

    def test_own_agents(self):
        script = """eval "$(ssh-agent)" >/dev/null; ssh-keygen -q -t ed25519 -N '' -f key; ssh-add -q key; ssh-add -l
export GNUPGHOME=$PWD/gnupg; mkdir -m 700 gnupg; gpg -q --batch --passphrase '' --quick-generate-key me; echo words | gpg -q --batch --clearsign | head -1"""
        done = self.shell(script)
        self.assertRegex(done.stdout, r"\(ED25519\)\n-----BEGIN PGP SIGNED MESSAGE-----\n$")

    def test_processes_are_those_inside(self):
        names = self.shell("ps -e -o comm=; :").stdout.split()
        self.assertEqual(sorted(names), ["bash", "llm-proxy-run", "ps"])

    def test_no_new_privileges(self):
        done = self.inside("sudo", "-n", "true", code=None)
        self.assertEqual(done.returncode, 1)
        self.assertIn("sudo: ", done.stderr)
        if self.user or not IS_ROOT:
            self.assertIn('The "no new privileges" flag is set', done.stderr)

    def test_no_docker(self):
        done = self.inside("docker", "ps", code=None)
        self.assertIn(done.returncode, (1, 127))
        self.assertRegex(done.stderr, "llm-proxy: docker cannot be started: No such file or directory|[Cc]annot connect to the Docker daemon|failed to connect to the docker API")

    def test_locale_and_time(self):
        done = self.shell("locale charmap; TZ=Europe/Berlin date -d @0 +%H; getent passwd \"$(id -u)\" | cut -d: -f3; id -u; hostname")
        user = str(self.user.pw_uid if self.user else os.geteuid())
        self.assertEqual(done.stdout.split(), ["UTF-8", "01", user, user, os.uname().nodename])

    def test_scratch_folders(self):
        done = self.shell('for f in /tmp /var/tmp /dev/shm "$XDG_RUNTIME_DIR"; do t=$(mktemp -p "$f"); echo words >"$t"; cat "$t"; rm "$t"; done; echo x >/dev/null; head -c 3 /dev/urandom | wc -c; stat -c %a "$XDG_RUNTIME_DIR"')
        self.assertEqual(done.stdout.split(), ["words"] * 4 + ["3", "700"])


class Sandboxes(RunWorks):
    """Others, started inside, as agents do; also in a container, which covers parts of /proc."""
    container = ("unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-c", 'for f in kcore keys timer_list; do [ -e /proc/$f ] && mount --bind /dev/null /proc/$f; done; exec "$@"', "sh")

    def test_bubblewrap(self):
        for options in ((), ("--allow-display",)):
            proc = () if IS_ROOT and not self.user else ("--proc", "/proc")
            done = self.inside("bwrap", "--unshare-user", "--unshare-pid", "--bind", "/", "/", "--dev", "/dev", *proc, "--", "echo", "in", options=("--require-isolation", *options))
            self.assertEqual(done.stdout, "in\n", done.stderr)

    def test_in_a_container(self):
        for options in ((), ("--allow-display",)):
            done = self.inside("unshare", "--map-root-user", "--mount", "sh", "-c", "mount -t tmpfs none /mnt && echo mounted", wrapper=self.container, options=("--require-isolation", *options))
            self.assertEqual(done.stdout, "mounted\n", done.stderr)
            self.assertIn("the names of other processes", done.stderr)

    def test_in_a_sandbox(self):
        """Where root's files are nobody's."""
        self.inside("true", wrapper=("unshare", "--user", "--map-current-user"))

    def test_namespaces(self):
        done = self.shell("unshare -Urm sh -c 'mount -t tmpfs none /mnt && echo mounted'; unshare -Urpf echo forked")
        self.assertEqual(done.stdout, "mounted\nforked\n", done.stderr)


class Arguments(RunWorks):
    def echo(self):
        path = self.home / "echo.py"
        path.write_text("import hashlib,os,sys\na = b'\\0'.join(map(os.fsencode, sys.argv[1:])); e = os.environb.get(b'LONG', b'')\nprint(len(sys.argv) - 1, hashlib.sha256(a).hexdigest(), hashlib.sha256(e).hexdigest())")
        return [PYTHON, path]

    def same_as_outside(self, *arguments, env=None):
        command = [*self.echo(), *arguments]
        outside = subprocess.run(command, env=self.env | (env or {}), capture_output=True, text=True, check=True)
        self.assertEqual(self.inside(*command, env=env).stdout, outside.stdout)

    def test_a_megabyte(self):
        self.same_as_outside(*(f"{number:0100d}" for number in range(10000)))

    def test_the_longest_word(self):
        self.same_as_outside("x" * 131071)

    def test_a_large_environment(self):
        self.same_as_outside("a", env={"LONG": "y" * 100000, "MORE": "z" * 100000} | {f"V{number}": "w" * 100 for number in range(500)})

    def test_more_than_the_kernel_takes(self):
        """What run adds is little, but here it is too much: the command's own message, not a hang."""
        limit = os.sysconf("SC_ARG_MAX")
        size = len("\0".join(f"{k}={v}" for k, v in self.env.items())) + 4096
        words = ["x" * 100000] * ((limit - size) // 100009)
        done = self.inside("true", *words, code=None)
        self.assertIn(done.returncode, (0, 126), done.stderr[-200:])

    def test_bytes_and_empty_words(self):
        self.same_as_outside(b"\xff\xfe\x01", b"", b"a\nb", b"-x", b"--", b"'\"$`\\", "\u00e4\u4e2d".encode(), b"\x7f\x1b[31m", b"")

    def test_bytes_of_variables(self):
        self.same_as_outside("a", env={"LONG": os.fsdecode(b"\xff\xfe\n\x01=")})


class Ends(RunWorks):
    def test_every_bit_of_the_code(self):
        for code in (0, 1, 2, 4, 8, 16, 32, 64, 128, 3, 42, 126, 127, 130, 137, 254, 255):
            self.inside("sh", "-c", f"exit {code}", code=code)

    def test_each_signal(self):
        for number in FATAL:
            done = self.inside(PYTHON, "-c", f"import os,signal,resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); {number} in (9,) or signal.signal({number}, 0); os.kill(os.getpid(), {number})", code=None)
            self.assertEqual(done.returncode, 128 + number, f"{number}: {done.stderr}")

    def test_it_closes_its_descriptors(self):
        self.inside("sh", "-c", "exec 0<&- 1>&- 2>&-; for d in /proc/self/fd/*; do :; done; exit 5", code=5)

    def test_closed_before(self):
        """Of run itself; the command gets none either, and is isolated all the same."""
        for closing in ("0<&-", "1>&-", "2>&-", "0<&- 1>&-", "0<&- 1>&- 2>&-"):
            before = self.isolated()
            done = self.start_run(["sh", "-c", f'exec "$@" {closing}', "sh", *self.line, "--require-isolation", "--", "sh", "-c", "exit 6"])
            _, errors = done.communicate(timeout=60)
            self.assertEqual((done.returncode, self.isolated() - before), (6, 1), closing + errors)

    def isolated(self):
        return (self.data / "audit.log").read_text().count('"isolation":"on')

    def test_a_daemon_ends_with_it(self):
        script = "import os\nif os.fork() == 0:\n os.setsid()\n if os.fork() == 0:\n  os.write(1, b'daemon\\n'); r, w = os.pipe(); os.read(r, 1)\n os._exit(0)\nos.wait(); open('pid', 'w').write(os.readlink('/proc/self/ns/pid'))"
        done = self.inside(PYTHON, "-c", script)
        self.assertIn(done.stdout, ("daemon\n", ""), done.stderr)

    def test_a_child_that_still_writes(self):
        """The command's own end counts: its children end with it, and the pipe too."""
        done = self.inside("sh", "-c", "yes & read line; exit 9", code=9, stdin="go\n")
        self.assertEqual(set(done.stdout.split("\n")) - {"y", ""}, set())

    def test_the_reader_goes(self):
        done = self.start_run(["bash", "-c", '"$@" | head -1; echo "${PIPESTATUS[0]}"', "bash", *self.line, "--", "yes"])
        out, errors = done.communicate(timeout=60)
        self.assertEqual(out, "y\n141\n", errors)

    def started(self, *wrapper, script="trap 'echo got; exit 7' INT TERM HUP; echo ready; while :; do read word || wait; done"):
        """The command has set its traps when this returns."""
        process = self.start_run([*wrapper, *self.line, "--", "bash", "-c", script], cwd=self.cwd, stdin=subprocess.PIPE, start_new_session=True)
        self.addCleanup(process.communicate)
        self.assertEqual(process.stdout.readline(), "ready\n")
        return process

    def test_timeout(self):
        """timeout(1) hands the signal on and sends it to its group, too: run may get it twice."""
        process = self.started("timeout", "1000")
        process.terminate()
        out, errors = process.communicate(timeout=60)
        self.assertEqual((process.returncode, set(out.split())), (7, {"got"}), errors)

    def test_timeout_kills(self):
        process = self.started("timeout", "--signal=KILL", "1000")
        process.send_signal(signal.SIGALRM)  # as its clock does
        self.assertEqual(process.stdout.read(), "", "the pipe ends with its last writer")
        process.wait(60)

    def test_a_scripts_process_group(self):
        """Ctrl-C in a terminal without job control reaches the whole group."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process = self.started("sh", "-c", 'trap : INT TERM HUP; "$@"; echo "code $?"', "sh")
            os.killpg(process.pid, number)
            out, errors = process.communicate(timeout=60)
            self.assertEqual(out, "got\ncode 7\n", f"{number}: {errors}")


class Terminals(RunWorks):
    def screen(self, *command):
        def become():
            if self.user:
                os.fchown(0, self.user.pw_uid, -1)  # as login does
                os.setgroups([])
                os.setgid(self.user.pw_gid)
                os.setuid(self.user.pw_uid)
        env = self.env | {"TERM": "xterm", "PS1": "in> ", "HISTFILE": "", "LESS": "", "SHELL": "/bin/sh"}
        return Screen(self, [*map(str, self.line), "--require-isolation", "--", *command], env, self.cwd, become)

    def test_script(self):
        done = self.shell("script -qec 'echo in a terminal; test -t 0 && tty' /dev/null")
        self.assertRegex(done.stdout, r"^in a terminal\r?\n/dev/pts/\d+\r?\n$")

    def test_tty(self):
        self.screen("sh", "-c", 'test -t 0 && test -w "$(tty)" && echo "words" >"$(tty)"; echo "en""d"').shows("words\r\n(?s:.*)end")

    def test_less(self):
        (self.cwd / "long").write_text("".join(f"line {number}\n" for number in range(1000)))
        screen = self.screen("less", "long")
        screen.shows("line 5\r\n")
        screen.type("G")
        screen.shows("line 999")
        screen.type("q")
        screen.shows("0 requests")

    def test_vi(self):
        self.inside("vi", "-u", "NONE", "-es", env={"TERM": "dumb"}, stdin="a\nwords\n.\nwq made\n")
        self.assertEqual((self.cwd / "made").read_text(), "words\n")

    def test_tmux(self):
        """A server of its own, also beside one that runs outside and is hidden."""
        outside = self.start_run(["tmux", "-D", "-f", "/dev/null"], env=self.env | {"TERM": "xterm"})

        def end():
            outside.terminate()
            outside.communicate(timeout=30)
        self.addCleanup(end)
        user = self.user.pw_uid if self.user else os.geteuid()
        until(lambda: os.path.exists(f"/tmp/tmux-{user}/default"), "tmux outside")
        screen = self.screen("tmux", "-f", "/dev/null", "new-session", "echo wor''ds; echo $TMUX >file; exec sh")
        screen.shows("words")
        screen.type("echo more$((20+3))\n")
        screen.shows("more23")
        screen.type("exit\n")
        screen.shows(r"exited(?s:.*)0 requests")
        self.assertTrue((self.cwd / "file").read_text().startswith("/tmp/tmux-"))
        until(self.has_no_token, "the first run has ended")
        listed = self.inside("tmux", "list-sessions", code=None)
        self.assertRegex(listed.stderr, "no server running|error connecting")


@only_root
class ToolsOfOrdinaryUser(Tools):
    user = ORDINARY


@only_root
class SandboxesOfOrdinaryUser(Sandboxes):
    user = ORDINARY


@only_root
class EndsOfOrdinaryUser(Ends):
    user = ORDINARY


@only_root
class TerminalsOfOrdinaryUser(Terminals):
    user = ORDINARY


if __name__ == "__main__":
    unittest.main()
