#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""git inside `llm-proxy run`: over HTTPS, and over SSH with the agent's key where --allow-ssh-agent gives it."""
import os
import shutil
import subprocess
import unittest

from proxy_case import until
from run_works import ORDINARY, HttpsGit, RunWorks, SshGit, commits_of, only_root, quiet

WORK = """git config --global user.name T; git config --global user.email t@example.com
git clone -q "$URL" tree; cd tree; cat file; echo second >file; git commit -qam second; git push -q origin HEAD:main"""


class Git(RunWorks):
    def test_https(self):
        server = HttpsGit(self, self.cwd / "server")
        done = self.shell(WORK, env={"URL": server.url, "GIT_SSL_CAINFO": str(server.authority.file)})
        self.assertEqual(done.stdout, "first\n", done.stderr)
        self.assertEqual(commits_of(server.bare), ["second", "first"])

    def agent(self, socket, key):
        agent = self.start_run(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def end():
            agent.terminate()
            agent.wait(30)
        self.addCleanup(end)
        until(socket.is_socket, "the agent listens")
        mine = self.cwd / "mine"
        shutil.copy(key, mine)
        os.chmod(mine, 0o600)
        self.give_to_user(self.cwd)
        quiet("ssh-add", mine, env=self.env | {"SSH_AUTH_SOCK": str(socket)}, **self.as_user())
        mine.unlink()

    def push(self, socket, **more):
        self.give_to_user(self.cwd)
        server = SshGit(self, self.home / f"ssh-{self._testMethodName}")
        os.chmod(server.known, 0o644)
        self.agent(socket, server.key)
        return server, {"env": {"URL": server.url, "GIT_SSH_COMMAND": server.command(*more.get("ssh", ("-F", "none"))), "SSH_AUTH_SOCK": str(socket)}}

    def works_only_with_the_option(self, socket, link=None):
        server, more = self.push(socket)
        if link:
            link.symlink_to(socket)
            self.addCleanup(link.unlink)
            more["env"]["SSH_AUTH_SOCK"] = str(link)
        refused = self.shell(WORK, code=None, **more)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("Permission denied (publickey)", refused.stderr)
        refused = self.shell(f'export SSH_AUTH_SOCK="{socket}"\nssh-add -l', code=None, **more)
        self.assertNotIn("ED25519", refused.stdout, "nor by its path")
        done = self.shell(WORK, options=("--require-isolation", "--allow-ssh-agent"), **more)
        self.assertEqual(done.stdout, "first\n", done.stderr)
        self.assertEqual(commits_of(server.bare), ["second", "first"])

    def test_ssh_agent_in_the_runtime_directory(self):
        self.works_only_with_the_option(self.runtime / "agent")

    def test_ssh_agent_behind_a_link_in_the_runtime_directory(self):
        """As WSL has its sockets."""
        self.works_only_with_the_option(self.cwd / "agent", self.runtime / "link")

    def test_sockets_behind_links_in_the_runtime_directory(self):
        self.agent(self.cwd / "agent", *self.new_key())
        (self.runtime / "other").symlink_to(self.cwd / "agent")
        self.addCleanup((self.runtime / "other").unlink)
        done = self.shell(f"SSH_AUTH_SOCK={self.cwd}/agent ssh-add -l", code=None)
        self.assertNotIn("ED25519", done.stdout)

    def new_key(self):
        quiet("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.home / f"key-{self._testMethodName}")
        return [self.home / f"key-{self._testMethodName}"]

    def test_ssh_agent_elsewhere(self):
        self.works_only_with_the_option(self.cwd / "agent")


@only_root
class GitOfOrdinaryUser(Git):
    user = ORDINARY

    def test_configuration_of_the_system(self):
        """ssh includes a file only of root or of the user, and in the sandbox root is nobody: systemd and distributions have files there."""
        folder = self.home / "ssh_config.d"
        folder.mkdir()
        (self.home / "more").write_text("ServerAliveInterval 7\n")
        (folder / "20-real").write_text(f"Include {self.home}/more\nConnectTimeout 41\n")
        (folder / "20-link.conf").symlink_to(folder / "20-real")
        wrapper = ("unshare", "--mount", "sh", "-c", f'mount --bind {folder} /etc/ssh/ssh_config.d && exec setpriv --reuid=games --regid=games --clear-groups "$@"', "sh")
        done = self.inside("ssh", "-G", "host.example", wrapper=wrapper, user=None, group=None, extra_groups=None)
        self.assertIn("\nconnecttimeout 41\n", done.stdout)
        self.assertIn("\nserveraliveinterval 7\n", done.stdout)


if __name__ == "__main__":
    unittest.main()
