# SPDX-License-Identifier: GPL-3.0-only
"""kill -9 at a random moment under load, again and again on one data directory: whatever was answered is on record, once, and
what management was told is so. What was not answered may be on record; then it is so too, or a later line says it is not.

tests/integration/test_kill.py runs a few cycles, tests/bench/kill_loop.py as many as asked for."""
import http.client
import os
import random
import threading
import time

from audited_proxy import AuditedProxy, not_applied
from proxy_case import CHAT, fresh_id, request, until
from raw_client import RawClient

SEED = int(os.environ.get("KILL_SEED") or time.time_ns() % 1_000_000)
CLIENTS = 4
MANAGERS = 2
CUT = (OSError, EOFError, http.client.HTTPException)  # what a client sees of a kill


class Load:
    """One thread that asks until its server is killed. Anything that goes wrong before that is kept."""

    def __init__(self, case, seed):
        self.case, self.random, self.failed = case, random.Random(seed), None
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        try:
            self.run()
        except CUT as error:
            self.failed = None if self.case.killed.is_set() else error
        except Exception as error:
            self.failed = error


class Client(Load):
    """Requests of all kinds over one connection; (id, status) of each that was answered whole. Those of strangers apart: ten a
    minute are on record by themselves, and a kill may lose how many the others were."""
    STATUS = {"refused": 404, "stranger": 401}

    def __init__(self, case, seed):
        super().__init__(case, seed)
        self.answered, self.asked, self.strange = [], [], []

    def run(self):
        kinds = {"chat": 5, "models": 2, "stream": 2, "refused": 1, "stranger": 1}
        with RawClient(self.case.port) as link:
            while not self.case.killed.is_set():
                kind = self.random.choices(list(kinds), kinds.values())[0]
                name = fresh_id()
                token = self.case.token if kind != "stranger" else "tok-nobody"
                fields = [("Authorization", f"Bearer {token}"), ("X-Request-ID", name)]
                (self.strange if kind == "stranger" else self.asked).append(name)
                if kind in ("models", "refused"):
                    link.send(request("/v1/models" if kind == "models" else "/nowhere", headers=fields))
                else:
                    link.send(request(body=CHAT | {"stream": kind == "stream"}, headers=fields))
                answer = link.answer()
                if not answer.whole:
                    raise EOFError("cut")
                assert answer.header("x-request-id") == name, answer.headers
                assert answer.status == self.STATUS.get(kind, 200), (kind, answer.status, answer.body)
                if kind != "stranger":
                    self.answered.append((name, answer.status))


class Manager(Load):
    """Changes to one project and its tokens; knows what every answered call has made of them, and what one it still waits for
    would make of them."""

    def __init__(self, case, seed):
        super().__init__(case, seed)
        self.project = case.new_project()
        self.tokens = {}      # id: {"name", "live", and "secret" if it was told}
        self.answered = []    # (request id, action)
        self.pending = None   # (request id, action, id or None, name)

    def call(self, action, method, path, body, subject, name):
        self.pending = (fresh_id(), action, subject, name)
        status, answer = self.case.manage(method, path, body, headers=[("X-Request-ID", self.pending[0])])
        assert status in (200, 201), (action, status, answer)
        self.answered.append(self.pending[:2])
        self.happened(action, subject or answer.get("id"), name, answer.get("token"))
        self.pending = None

    def happened(self, action, subject, name, secret=None):
        if action == "token.create":
            self.tokens[subject] = {"name": name, "live": True, "secret": secret}
        elif action == "token.update":
            self.tokens[subject]["name"] = name
        elif action == "token.revoke":
            self.tokens[subject]["live"] = False
        else:
            self.project["name"] = name

    def run(self):
        while not self.case.killed.is_set():
            live = [token for token, known in self.tokens.items() if known["live"]]
            action = self.random.choice(("token.create", "token.update", "token.revoke", "project.update"))
            name = self.random.randbytes(8).hex()
            if action == "project.update":
                path = f"/manage/projects/{self.project['id']}"
                self.call(action, "PATCH", path, {"name": name}, self.project["id"], name)
            elif action == "token.create" or len(live) < 3:
                body = {"project_id": self.project["id"], "rate_limit": 0, "name": name}
                self.call("token.create", "POST", "/manage/tokens", body, None, name)
            else:
                subject = self.random.choice(live)
                method, body = ("PATCH", {"name": name}) if action == "token.update" else ("DELETE", None)
                self.call(action, method, f"/manage/tokens/{subject}", body, subject, name)

    def settle(self, events, lost):
        """A call that was cut off: on record it has happened, unless a later line says that it has not."""
        if self.pending is None:
            return
        name, action, subject, wanted = self.pending
        said = [e for e in events.get(name, []) if (e["action"], e["result"]) == (action, "success")]
        assert len(said) <= 1, said
        if said and said[0]["seq"] not in lost:
            self.happened(action, subject or said[0]["details"]["token_uuid"], wanted)
        self.pending = None

    def check(self):
        """The server knows what we know, and no more."""
        tokens, cursor = {}, ""
        while cursor is not None:
            page = self.case.manage("GET", f"/manage/tokens?project_id={self.project['id']}&limit=200{cursor and f'&cursor={cursor}'}")[1]
            tokens |= {t["id"]: (t["name"], t["revoked_at"] is None) for t in page["items"]}
            cursor = page["next_cursor"]
        wanted = {token: (known["name"], known["live"]) for token, known in self.tokens.items()}
        wrong = [(token, wanted.get(token), tokens.get(token)) for token in {*wanted, *tokens} if wanted.get(token) != tokens.get(token)]
        assert not wrong, f"(token, as told or on record, as it is): {wrong}"
        name = self.case.manage("GET", f"/manage/projects/{self.project['id']}")[1]["name"]
        assert name == self.project["name"], f"the project is {name}, and as told or on record {self.project['name']}"
        secrets = [known for known in self.tokens.values() if known["secret"]]
        for known in secrets[-20:]:
            answer = self.case.ask("/v1/models", token=known["secret"])
            self.case.assertEqual(answer.status, 200 if known["live"] else 401, "a token that was made or revoked")


class KillLoop(AuditedProxy):
    """Its subclasses differ in where the log is kept."""
    cycles = 2
    kills = 0  # that were survived and checked

    def setUp(self):
        self.random = random.Random(f"{SEED} {type(self).__name__}")
        self.killed = threading.Event()
        self.managers = [Manager(self, self.random.random()) for _ in range(MANAGERS)]
        self.expected, self.allowed, self.strange = {}, set(), set()  # answered: id and status; asked, perhaps answered by nobody
        self.began = time.monotonic()

    def moment(self):
        """Waits until the server is to die."""
        at = time.monotonic() + self.random.uniform(0.05, 0.7)
        until(lambda: time.monotonic() >= at, "the moment")

    def busy_managers(self):
        return self.managers

    def cycle(self):
        self.killed.clear()
        clients, managers = [Client(self, self.random.random()) for _ in range(CLIENTS)], self.busy_managers()
        for manager in managers:
            manager.thread = threading.Thread(target=manager._run)
        loads = (*clients, *managers)
        for load in loads:
            load.thread.start()
        try:
            self.moment()
        finally:
            self.killed.set()
            self.server.kill()
            self.server.wait()
            for load in loads:
                load.thread.join()
        for load in loads:
            assert load.failed is None, repr(load.failed)
        for client in clients:
            self.expected |= dict(client.answered)
            self.allowed |= set(client.asked)
            self.strange |= set(client.strange)
        self.start()

    def check_events(self):
        events = self.all_events()
        found, lost = self.by_request(events), not_applied(events)
        for name in self.allowed:
            seen = [(e["action"], e["details"]["status"]) for e in found.get(name, [])]
            wanted = [("token.access", self.expected[name])] if name in self.expected else seen[:1]
            self.assertEqual(seen, wanted, f"the events of {name}")
        for name in self.strange:
            seen = [(e["action"], e["details"]["status"]) for e in found.get(name, [])]
            self.assertIn(seen, ([], [("token.access", 401)]), f"the events of {name}")
        for manager in self.managers:
            manager.settle(found, lost)
            for name, action in manager.answered:
                seen = [(e["action"], e["result"]) for e in found.get(name, []) if e["seq"] not in lost]
                self.assertEqual(seen, [(action, "success")], f"the events of {name}")
            manager.check()
        return len(events), len(lost)

    def test_kill(self):
        events = lost = cycle = 0
        try:
            for cycle in range(1, self.cycles + 1):
                self.cycle()
                self.assert_sound()
                events, lost = self.check_events()
                type(self).kills = cycle
            key = self.public_key()
            self.end()
            try:
                self.assert_sound(key)
            finally:
                self.start()
        except AssertionError as error:
            raise AssertionError(f"KILL_SEED={SEED}, cycle {cycle}: {error}") from error
        calls = sum(len(manager.answered) for manager in self.managers)
        print(f"{type(self).__name__}: {self.cycles} cycles, {len(self.expected)} of {len(self.allowed)} requests answered, "
              f"{calls} calls answered, {events} events, {lost} not applied, {time.monotonic() - self.began:.1f} s", flush=True)


class FileAndTable(KillLoop):
    pass


class FileOnly(KillLoop):
    settings = {"AUDIT_STORE_IN_DB": "false"}


class TableOnly(KillLoop):
    settings = {"AUDIT_LOG_FILE": ""}


class Rotating(KillLoop):
    """Some cycles end just behind a rotation, when the rows of the full file may still wait: no change takes them along."""
    settings = {"AUDIT_MAX_FILE_SIZE": "60KB"}

    def full_files(self):
        return {path.name.split(".gz")[0] for path in self.data.glob("audit.log.*Z-*")}

    def busy_managers(self):
        self.behind = self.random.random() < 0.6
        return [] if self.behind else self.managers

    def moment(self):
        if not self.behind:
            super().moment()
            return
        seen = self.full_files()
        until(lambda: self.full_files() - seen, "a rotation")
        at = time.monotonic() + self.random.uniform(0, 0.01)
        until(lambda: time.monotonic() >= at, "the moment")


class RotatingFileOnly(Rotating):
    settings = {"AUDIT_MAX_FILE_SIZE": "60KB", "AUDIT_STORE_IN_DB": "false"}


VARIANTS = (FileAndTable, FileOnly, TableOnly, Rotating, RotatingFileOnly)
