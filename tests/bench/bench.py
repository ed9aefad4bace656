#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""What a request costs, against nginx doing the same job in the same run: check a token, count it against a rate, swap the
key, stream, and write an unbuffered access log with the same fields.

    tests/bench/bench.py [--rounds 5] [--seconds 3] [NAME…]     all figures, or some of: see FIGURES below

Everything is on loopback: bench_peer is the provider and measures as client, wrk drives keep-alive connections. Ours runs
with authentication, rate limits, usage metering and audit (file and table) all on, one engine thread against one nginx
worker; neither compresses its log meanwhile; figures are CPU time from /proc/PID/task/*/schedstat, in turn with nginx's, medians of the rounds."""
import argparse
import http.client
import json
import os
import resource
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from certificates import Authority  # noqa: E402
BUILD = ROOT / "build" / "bench"
MANAGEMENT = "bench-management-token-of-forty-characters"
KEY = "sk-bench0123456789abcdefghij"


def build():
    subprocess.run(["cmake", "--preset", "release", "-B", str(BUILD), "-DLLM_PROXY_BENCH=ON"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", str(BUILD)], check=True, stdout=subprocess.DEVNULL)


def free_port():
    import socket
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def until(condition, what, timeout=60):
    end = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < end, what
        time.sleep(0.002)
    return value


def connection(port, tls=None, timeout=60):
    if tls:
        return http.client.HTTPSConnection("localhost", port, timeout=timeout, context=tls)
    return http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)


def answers(port, path="/health", tls=None):
    try:
        link = connection(port, tls, 5)
        link.request("GET", path)
        return link.getresponse().status < 500
    except OSError:
        return False


def cpu_ns(pid, only=None):
    """Nanoseconds on a processor, of the threads whose name begins with `only`."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            if only is None or (task / "comm").read_text().startswith(only):
                total += int((task / "schedstat").read_text().split()[0])
        except FileNotFoundError:
            pass
    return total


def resident(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


class Upstream:
    def __init__(self, certificate=()):
        self.port, self.scheme = free_port(), "https" if certificate else "http"
        self.process = subprocess.Popen([BUILD / "bench_peer", "upstream", str(self.port), *map(str, certificate)], stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()

    def end(self):
        self.process.kill()
        self.process.wait()


class Nginx:
    """The reference: nginx as people set it up for this job."""
    name = "nginx"

    def __init__(self, folder, upstream, token, authority=None):
        self.folder, self.port, self.token = Path(folder) / "nginx", free_port(), token
        self.folder.mkdir()
        self.scheme = "https" if authority else "http"
        listen = "backlog=8192" if not authority else (f"ssl backlog=8192; ssl_certificate {authority.folder}/server.pem; ssl_certificate_key "
                                                       f"{authority.folder}/server.key; ssl_protocols TLSv1.2 TLSv1.3; ssl_session_tickets on")
        towards = "" if upstream.scheme == "http" else (f"proxy_ssl_trusted_certificate {authority.file}; proxy_ssl_verify on; proxy_ssl_name localhost; "
                                                       "proxy_ssl_server_name on; proxy_ssl_session_reuse on; proxy_ssl_protocols TLSv1.2 TLSv1.3;")
        (self.folder / "nginx.conf").write_text(f"""
user root;
worker_processes 1;
worker_rlimit_nofile {resource.getrlimit(resource.RLIMIT_NOFILE)[1]};
daemon off;
pid {self.folder}/pid;
error_log {self.folder}/error.log crit;
events {{ worker_connections 30000; }}
http {{
    map_hash_bucket_size 256;
    map $http_authorization $token_ok {{ default 0; "Bearer {token}" 1; }}
    map $http_authorization $who {{ "~^Bearer (?<begin>.{{8}})" $begin; }}
    limit_req_zone $http_authorization zone=tokens:10m rate=100000r/s;
    limit_req_zone $binary_remote_addr zone=addresses:10m rate=100000r/s;
    log_format audit escape=json '{{"timestamp":"$time_iso8601","action":"token.access","request_id":"$request_id","client_ip":"$remote_addr",'
        '"details":{{"http_method":"$request_method","endpoint":"$uri","status":$status,"duration_ms":$request_time,"token_id":"$who",'
        '"user_agent":"$http_user_agent","request_bytes":$request_length,"response_bytes":$body_bytes_sent,"upstream_status":"$upstream_status"}}}}';
    access_log {self.folder}/access.log audit;
    client_body_temp_path {self.folder}/body;
    proxy_temp_path {self.folder}/proxy;
    fastcgi_temp_path {self.folder}/fastcgi;
    uwsgi_temp_path {self.folder}/uwsgi;
    scgi_temp_path {self.folder}/scgi;
    keepalive_requests 1000000000;
    upstream provider {{ server 127.0.0.1:{upstream.port}; keepalive 6000; keepalive_requests 1000000000; }}
    server {{
        listen 127.0.0.1:{self.port} {listen};
        location /health {{ return 200 "ok"; }}
        location / {{
            if ($token_ok = 0) {{ return 401; }}
            limit_req zone=tokens burst=100000 nodelay;
            limit_req zone=addresses burst=100000 nodelay;
            proxy_pass {upstream.scheme}://provider;
            {towards}
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Authorization "Bearer {KEY}";
            proxy_set_header Host api.example;
            proxy_buffering off;
            proxy_request_buffering off;
            proxy_read_timeout 290s;
        }}
    }}
}}
""")
        self.process = subprocess.Popen(["nginx", "-c", str(self.folder / "nginx.conf"), "-p", str(self.folder)])
        until(lambda: answers(self.port, tls=authority and authority.client_context()), "nginx answers")
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        self.pid = int(children[0])

    def engine(self):
        return cpu_ns(self.pid)

    whole = engine

    def memory(self):
        return resident(self.pid)

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


class Ours:
    name = "llm-proxy"

    def __init__(self, folder, upstream, name="ours", prepare=None, authority=None, binary=BUILD / "llm-proxy", **settings):
        self.binary = binary
        self.folder = Path(folder) / name
        self.folder.mkdir()
        self.upstream = upstream
        self.tls, self.scheme = authority and authority.client_context(), "https" if authority else "http"
        if authority:
            settings |= {"TLS_CERT_FILE": str(authority.folder / "server.pem"), "TLS_KEY_FILE": str(authority.folder / "server.key"),
                         "SSL_CERT_FILE": str(authority.file)}
        self.env = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "MANAGEMENT_TOKEN": MANAGEMENT, "ENGINE_THREADS": "1",
                    "IP_RATE_LIMIT": "1000000", "MAX_CONNECTIONS": "30000", "MAX_CONNECTIONS_PER_IP": "30000", "LOG_FORMAT": "json",
                    "AUDIT_MAX_FILE_SIZE": "100GB"} | settings
        self.start()
        self.project = self.manage("POST", "/manage/projects", {"name": "Bench", "api_key": KEY, "base_url": f"{upstream.scheme}://localhost:{upstream.port}/v1"})
        if prepare:
            self.end()
            prepare(self)
            self.start()
        self.token = self.manage("POST", "/manage/tokens", {"project_id": self.project["id"], "rate_limit": 1000000})["token"]

    def start(self):
        self.port = free_port()
        self.process = subprocess.Popen([self.binary, "--serve", "--data-dir", str(self.folder / "data"), "--listen-addr",
                                         f"127.0.0.1:{self.port}"], env=self.env, cwd=self.folder,
                                        stdout=open(self.folder / "log", "ab"), stderr=subprocess.STDOUT)
        self.pid = self.process.pid
        until(lambda: answers(self.port, tls=self.tls), "the server answers")

    def manage(self, method, path, body=None):
        link = connection(self.port, self.tls)
        link.request(method, path, json.dumps(body) if body is not None else None,
                     {"Authorization": f"Bearer {MANAGEMENT}", "Content-Type": "application/json"})
        answer = link.getresponse()
        text = json.loads(answer.read())
        assert answer.status < 300, text
        return text

    def engine(self):
        return cpu_ns(self.pid, "engine-")

    def whole(self):
        return cpu_ns(self.pid)

    def memory(self):
        return resident(self.pid)

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


class Bench:
    def __init__(self, options):
        self.options = options
        self.folder = tempfile.mkdtemp(prefix="llm-proxy-bench-", dir=options.folder)
        self.upstream = Upstream()
        self.rows = []

    def servers(self, **settings):
        ours = Ours(self.folder, self.upstream, name=f"ours-{uuid.uuid4().hex[:6]}", **settings)
        return ours, Nginx(tempfile.mkdtemp(dir=self.folder), self.upstream, ours.token)

    def row(self, figure, value, target, most, note="", at_least=False):
        good = target is None or (value >= target if at_least else value <= target)
        verdict = "" if target is None else "ok" if good else "under the limit" if most and value <= most else "MISSED"
        self.rows.append((figure, value, target, most, verdict, note))
        wanted = "" if target is None else f"{'≥' if at_least else '≤'} {target}"
        print(f"{figure:<66} {value:>9.3f}   {wanted:<8} {verdict:<16} {note}", flush=True)

    def wrk(self, server, connections=32, seconds=None):
        """(requests, engine CPU ns, whole CPU ns) of keep-alive connections, each asking again at once."""
        script = Path(self.folder) / "post.lua"
        script.write_text(f"""wrk.method = "POST"
wrk.body = '{{"model":"gpt-4o-mini","messages":[{{"role":"user","content":"Say something."}}]}}'
wrk.headers["Content-Type"] = "application/json"
wrk.headers["User-Agent"] = "bench"
wrk.headers["Authorization"] = "Bearer {server.token}"
done = function(summary) io.write(string.format("RESULT %d %d\\n", summary.requests, summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout)) end
""")
        engine, whole = server.engine(), server.whole()
        out = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds or self.options.seconds}s", "-s", str(script),
                              f"{server.scheme}://127.0.0.1:{server.port}/v1/chat/completions"], capture_output=True, text=True, check=True).stdout
        time.sleep(0.3)  # what is written behind the answer belongs to the request
        requests, errors = map(int, out.split("RESULT ")[1].split())
        assert errors == 0, out + self.refusal(server)
        return requests, (server.engine() - engine) / requests, (server.whole() - whole) / requests

    @staticmethod
    def refusal(server):
        link = connection(server.port, getattr(server, "tls", None))
        link.request("POST", "/v1/chat/completions", b'{"model":"gpt-4o-mini","messages":[]}', {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"})
        answer = link.getresponse()
        return f"{server.name} answers {answer.status} {answer.read()[:500]}"

    def in_turn(self, first, second, measure):
        """Medians of both, measured in turn."""
        a, b = [], []
        for _ in range(self.options.rounds):
            a.append(measure(first))
            b.append(measure(second))
        return [statistics.median(x) for x in zip(*a)], [statistics.median(x) for x in zip(*b)]

    # ---- the figures

    def cpu(self):
        ours, nginx = self.servers()
        self.wrk(ours, seconds=1), self.wrk(nginx, seconds=1)
        (_, engine, whole), (_, reference, _) = self.in_turn(ours, nginx, self.wrk)
        note = f"{engine / 1000:.1f} µs, whole {whole / 1000:.1f} µs; nginx {reference / 1000:.1f} µs"
        self.row("CPU per request ÷ nginx's: engine threads", engine / reference, 1.0, 1.3, note)
        self.row("the same, whole process, audit in file and table", whole / reference, 1.3, 1.7)
        ours.end()
        bare = Ours(self.folder, self.upstream, name="no-table", AUDIT_STORE_IN_DB="false")
        self.wrk(bare, seconds=1)
        (_, _, whole), (_, reference, _) = self.in_turn(bare, nginx, self.wrk)
        self.row("the same with the table off", whole / reference, None, None)
        bare.end(), nginx.end()

    def authority(self):
        authority = Authority(tempfile.mkdtemp(dir=self.folder))
        authority.certificate("server", "DNS:localhost,IP:127.0.0.1")
        return authority

    def tls(self):
        authority = self.authority()
        upstream = Upstream((authority.folder / "server.pem", authority.folder / "server.key"))
        ours = Ours(self.folder, upstream, name="tls", authority=authority)
        nginx = Nginx(tempfile.mkdtemp(dir=self.folder), upstream, ours.token, authority)
        self.wrk(ours, seconds=1), self.wrk(nginx, seconds=1)
        (_, engine, _), (_, reference, _) = self.in_turn(ours, nginx, self.wrk)
        self.row("CPU per request over TLS on both legs ÷ nginx's", engine / reference, 1.0, 1.3, f"{engine / 1000:.1f} µs; nginx {reference / 1000:.1f} µs")
        nginx.end()

        class Reference:
            port = free_port()
            process = subprocess.Popen(["openssl", "s_server", "-accept", str(port), "-cert", authority.folder / "server.pem", "-key",
                                        authority.folder / "server.key", "-quiet", "-www"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            pid = process.pid
        until(lambda: answers(Reference.port, "/", authority.client_context()), "s_server answers")

        def handshakes(server):
            before = cpu_ns(server.pid)
            out = subprocess.run(["openssl", "s_time", "-connect", f"127.0.0.1:{server.port}", "-new", "-time", str(self.options.seconds)],
                                 capture_output=True, text=True).stdout
            count = int(out.split(" connections in ")[0].split()[-1])
            return (count / ((cpu_ns(server.pid) - before) / 1e9),)
        (mine,), (theirs,) = self.in_turn(ours, Reference, handshakes)
        self.row("TLS handshakes a second of CPU ÷ openssl s_server's", mine / theirs, 0.8, None, f"{mine:.0f}; s_server {theirs:.0f}", at_least=True)
        Reference.process.kill(), ours.end(), upstream.end()

    def slow(self):
        ours, nginx = self.servers()
        nginx.end()
        idle = [self.rate(ours)[1] for _ in range(self.options.rounds)]
        for name, attack in (("heads", ["-H"]), ("bodies", ["-B"]), ("readers", ["-X"])):
            busy = []
            process = subprocess.Popen(["slowhttptest", "-c", "200", *attack, "-i", "1", "-r", "200", "-l", "600", "-x", "24", "-p", "3", "-u",
                                        f"http://127.0.0.1:{ours.port}/v1/models"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder)
            time.sleep(1.5)  # until they are there; who sends a slow body without a token has his 401 by then
            for _ in range(self.options.rounds):
                busy.append(self.rate(ours)[1])
            process.kill(), process.wait()
            self.row(f"a good client's p99 beside 200 slow {name} ÷ alone", statistics.median(busy) / statistics.median(idle), 2, None,
                     f"{statistics.median(busy):.3f} ms; alone {statistics.median(idle):.3f} ms")
        ours.end()

    def idle(self):
        ours, nginx = self.servers()
        nginx.end()
        self.wrk(ours, seconds=1)
        alone, crowded = [], []
        for _ in range(self.options.rounds):
            alone.append(self.wrk(ours)[1])
            holder = subprocess.Popen([BUILD / "bench_peer", "idle", str(ours.port), "10000"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            assert holder.stdout.readline() == "open\n"
            crowded.append(self.wrk(ours)[1])
            holder.communicate("")
        self.row("CPU with 10,000 idle connections ÷ with none", statistics.median(crowded) / statistics.median(alone), 1.1, None)
        ours.end()

    def scaling(self):
        """One machine for all: what is left for the second thread is what client and provider leave. So beside the requests a
        second stands who used the processors."""
        results = {}
        for threads in (1, 2):
            ours = Ours(self.folder, self.upstream, name=f"threads-{threads}", ENGINE_THREADS=str(threads))
            self.wrk(ours, connections=64, seconds=1)
            rounds = []
            for _ in range(self.options.rounds):
                upstream, before = cpu_ns(self.upstream.process.pid), time.monotonic()
                requests, engine, whole = self.wrk(ours, connections=64)
                took = time.monotonic() - before - 0.3
                rounds.append((requests / took, engine, whole, (cpu_ns(self.upstream.process.pid) - upstream) / requests, took * 1e9 / requests))
            results[threads] = [statistics.median(x) for x in zip(*rounds)]
            ours.end()
        one, two = results[1], results[2]
        shares = "; ".join(f"{n}: {r[0]:.0f}/s, engine {r[1] / 1000:.1f} µs, whole {r[2] / 1000:.1f}, provider {r[3] / 1000:.1f}, client and idle "
                           f"{(os.cpu_count() * r[4] - r[2] - r[3]) / 1000:.1f}" for n, r in results.items())
        self.row("requests a second with 2 engine threads ÷ with 1", two[0] / one[0], None, None, shares)

    def million(self):
        few, nginx = self.servers()
        nginx.end()
        many = Ours(self.folder, self.upstream, name="million", prepare=fill_tokens)
        self.wrk(few, seconds=1), self.wrk(many, seconds=1)
        (_, a, _), (_, b, _) = self.in_turn(many, few, self.wrk)
        self.row("CPU with 1,000,000 tokens ÷ with 1", a / b, 1.1, None, f"resident {many.memory() / 2**20:.0f} MiB")
        few.end()
        times = []
        for _ in range(3):
            many.end()
            times.append(self.start_time(many))
        self.row("start to first answered request with 1,000,000 tokens, s", statistics.median(times), 1.5, None)
        many.end()

    def start_time(self, server):
        began = time.monotonic()
        server.start()
        link = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        link.request("POST", "/v1/chat/completions", b'{"model":"m"}', {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"})
        assert link.getresponse().status == 200
        return time.monotonic() - began

    def start(self):
        ours, nginx = self.servers()
        nginx.end()
        time.sleep(3)
        self.row("resident memory of an idle server, MiB", ours.memory() / 2**20, 30, None)
        for _ in range(9):
            ours.manage("POST", "/manage/tokens", {"project_id": ours.project["id"]})
        times = []
        for _ in range(self.options.rounds):
            ours.end()
            times.append(self.start_time(ours))
        self.row("start to first answered request with 10 tokens, s", statistics.median(times), 0.1, None)
        ours.end()

    def rate(self, server):
        """(p50, p99) in ms at 1,000 requests a second."""
        out = subprocess.run([BUILD / "bench_peer", "rate", str(server.port), server.token, "1000", str(self.options.seconds), "32"],
                             capture_output=True, text=True, check=True).stdout
        result = json.loads(out)
        assert result["errors"] == 0, out
        return result["p50_us"] / 1000, result["p99_us"] / 1000

    def latency(self):
        ours, nginx = self.servers()

        class Direct:
            port, token = self.upstream.port, "none"

        self.rate(ours), self.rate(nginx)
        (p50, p99), (direct50, direct99) = self.in_turn(ours, Direct, self.rate)
        (n50, n99), _ = self.in_turn(nginx, Direct, self.rate)
        self.row("added latency at 1,000 requests/s: p50, ms", p50 - direct50, 0.15, None, f"{p50:.3f}; direct {direct50:.3f}, nginx {n50:.3f}")
        self.row("the same: p99, ms", p99 - direct99, 0.5, None, f"{p99:.3f}; direct {direct99:.3f}, nginx {n99:.3f}")
        ours.end(), nginx.end()

    def streams(self):
        ours, nginx = self.servers()
        count, chunks, every = 500, 10 * self.options.seconds, 100

        def run(server):
            engine, before = server.engine(), server.memory()
            process = subprocess.Popen([BUILD / "bench_peer", "streams", str(server.port), server.token, str(count), str(chunks), str(every)],
                                       stdout=subprocess.PIPE, text=True)
            assert process.stdout.readline() == "open\n"
            memory = (server.memory() - before) / count
            result = json.loads(process.communicate()[0])
            assert result["complete"] == count, result
            return ((server.engine() - engine) / (count * chunks), memory, result["first_p99_us"] / 1000, result["chunk_p99_us"] / 1000,
                    result["chunk_p50_us"] / 1000)
        first = run(ours), run(nginx)
        a, b = self.in_turn(ours, nginx, run)
        self.row("CPU per relayed event ÷ nginx's (500 streams, 10/s each)", a[0] / b[0], 1.0, 1.3, f"{a[0] / 1000:.1f} µs; nginx {b[0] / 1000:.1f} µs")
        self.row("time to first byte, p99, over nginx's, ms", a[2] - b[2], 1, None, f"{a[2]:.2f}; nginx {b[2]:.2f}")
        self.row("time per event, p99, over nginx's, ms", a[3] - b[3], 1, None, f"{a[3]:.2f}; nginx {b[3]:.2f}")
        self.row("memory per open stream ÷ nginx's (first wave)", first[0][1] / first[1][1], 1.0, 1.5,
                 f"{first[0][1] / 1024:.1f} KiB; nginx {first[1][1] / 1024:.1f} KiB")
        ours.end(), nginx.end()

    def many_streams(self):
        ours, nginx = self.servers()
        nginx.end()
        out = subprocess.run([BUILD / "bench_peer", "streams", str(ours.port), ours.token, "5000", "20", "500"], capture_output=True, text=True, check=True).stdout
        complete = json.loads(out.split("open\n")[1])["complete"]
        self.row("5,000 streams at once: not complete", 5000 - complete, 0, None, out.split("open\n")[1].strip())
        ours.end()

    def soak(self):
        ours, nginx = self.servers()
        nginx.end()
        done, early = 0, None
        while done < 1_000_000:
            done += self.wrk(ours, seconds=5)[0]
            if early is None and done >= 100_000:
                time.sleep(3)  # what waits to be written, and to go back to the system, is not what stays
                early = ours.memory()
        time.sleep(3)
        late = ours.memory()
        self.row("resident memory after 1,000,000 requests ÷ after 100,000", late / early, 1.02, None, f"{late / 2**20:.1f} MiB; {early / 2**20:.1f} MiB")
        ours.end()

    def audit(self):
        """The audit table by itself, with a realistic history of --rows events."""
        folder = tempfile.mkdtemp(dir=self.folder)
        targets = {"text": 150, "facets": 50}
        with subprocess.Popen([BUILD / "bench_audit", str(self.options.rows), folder], stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                name, value, rest = line.rstrip("\n").split(" ", 2)
                unit, _, note = rest.partition(", ")
                what = f"audit, {self.options.rows:,} events: {name}, {unit}"
                if name.startswith("insert"):
                    self.row(what, float(value), 20_000, None, note, at_least=True)
                elif name == "verify":
                    self.row(what, float(value), 60 * self.options.rows / 10_000_000, None, note)
                else:
                    self.row(what, float(value), targets.get(name, 50), None, note)
        assert process.returncode == 0

    def end(self):
        self.upstream.end()
        shutil.rmtree(self.folder, ignore_errors=True)


def fill_tokens(server):
    """A million stored tokens; nobody has them, they only have to be there."""
    now = int(time.time() * 1000)
    with sqlite3.connect(server.folder / "data" / "llm-proxy.db") as database:
        def rows():
            for _ in range(1_000_000):
                one = str(uuid.uuid4())
                yield (one, one, server.project["id"], os.urandom(32), "hmac-sha256", "tok-Bnch****0000", "", "", now, now + 86_400_000, 86_400_000,
                       0, 0, 0, 0, 0, "[]", "[]", "[]")
        database.executemany(f"INSERT INTO tokens VALUES ({','.join('?' * 19)})", rows())


FIGURES = ["cpu", "tls", "idle", "streams", "many_streams", "latency", "slow", "start", "million", "soak", "scaling", "audit"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figures", nargs="*", help=", ".join(FIGURES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of one measurement")
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the audit table")
    parser.add_argument("--folder", help="where data lies; default: the system's temporary folder")
    options = parser.parse_args()
    unknown = set(options.figures) - set(FIGURES)
    if unknown:
        parser.error(f"no such figure: {', '.join(unknown)}; there are: {', '.join(FIGURES)}")
    for tool in ("nginx", "wrk", "slowhttptest"):
        if not shutil.which(tool):
            sys.exit(f"{tool} is missing: apt-get install -y --no-install-recommends nginx-light wrk slowhttptest")
    build()
    bench = Bench(options)
    try:
        for name in options.figures or FIGURES:
            getattr(bench, name)()
    finally:
        bench.end()
    return 1 if any(row[4] == "MISSED" for row in bench.rows) else 0


if __name__ == "__main__":
    sys.exit(main())
