# SPDX-License-Identifier: GPL-3.0-only
"""A desktop of its own for the console: a screen (Xvfb), a window manager (openbox), a D-Bus session with its accessibility
bus. Keys and mouse are real ones (xdotool); where to click says the accessibility bus."""
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import unittest
from pathlib import Path

from cli_case import BIN, environment
from proxy_case import KEY, request, until
from raw_client import RawClient

PAUSE = 0.03
SCREEN = (1440, 900)
SANITIZED = os.environ.get("LLM_PROXY_SANITIZED", "")
PICTURES = Path(BIN).parent / "tests" / "flows"
NEEDED = ("Xvfb", "openbox", "xdotool", "xclip", "dbus-daemon", "import")


class Desktop:
    """One for a test file."""

    def __init__(self, folder):
        missing = [name for name in NEEDED if not shutil.which(name)]
        assert not missing, f"a desktop needs {', '.join(missing)}: run installer/packages.sh --tests"
        try:
            import accessible
        except ImportError as error:
            raise AssertionError(f"the accessibility bus cannot be read ({error}): run installer/packages.sh --tests, and use Debian's own Python") from None
        self.folder = Path(folder)
        self.processes = []
        (self.folder / "run").mkdir(mode=0o700)
        self.env = environment(str(self.folder)) | {"XDG_RUNTIME_DIR": str(self.folder / "run"), "XDG_CONFIG_HOME": str(self.folder / "config")}
        number = self._start_with_pipe(["Xvfb", "-displayfd", "{fd}", "-screen", "0", f"{SCREEN[0]}x{SCREEN[1]}x24", "-nolisten", "tcp", "-noreset"])
        self.env["DISPLAY"] = f":{number}"
        # It starts the accessibility bus when that is asked for, with this environment.
        address = self._start_with_pipe(["dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address={fd}"])
        self.env["DBUS_SESSION_BUS_ADDRESS"] = address
        self.bus = accessible.Bus(address)
        # The first key from xdotool makes its keyboard the screen's; openbox grabs its keys anew then, and misses those of that moment.
        self.key("Shift_L")
        self._start(["openbox"])
        until(lambda: self.run("xdotool", "get_num_desktops", check=False).returncode == 0, "the window manager", pause=PAUSE)

    def _start(self, command, **more):
        with open(self.folder / "desktop.log", "ab") as log:
            process = subprocess.Popen(command, env=self.env, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **more)
        self.processes.append(process)
        return process

    def _start_with_pipe(self, command):
        """Starts what tells a line through a descriptor when it is ready; returns that."""
        reading, writing = os.pipe()
        self._start([part.format(fd=writing) for part in command], pass_fds=(writing,))
        os.close(writing)
        with os.fdopen(reading) as pipe:
            line = pipe.readline().strip()
        assert line, f"{command[0]} did not start: {(self.folder / 'desktop.log').read_text()}"
        return line

    def close(self):
        for process in reversed(self.processes):
            process.terminate()
            process.wait(20)

    def run(self, *command, stdin="", check=True):
        return subprocess.run(command, env=self.env, cwd=self.folder, input=stdin, capture_output=True, text=True, timeout=30, check=check)

    # Keys and mouse.

    def click_at(self, x, y, button=1, times=1, holding=None):
        press = ["click", "--repeat", str(times), "--delay", "40", str(button)]
        if holding:
            press = ["keydown", holding, *press, "keyup", holding]
        self.run("xdotool", "mousemove", str(x), str(y), *press)

    def type(self, text):
        """Through xdotool's standard input: what is typed may be secret."""
        self.run("xdotool", "type", "--delay", "4", "--file", "-", stdin=text)

    def key(self, *keys):
        self.run("xdotool", "key", "--delay", "15", *keys)

    def clipboard(self):
        return self.run("xclip", "-selection", "clipboard", "-o", check=False).stdout

    def windows(self, title=""):
        """The ids of the windows that are shown, whose titles contain this."""
        return self.run("xdotool", "search", "--onlyvisible", "--name", title, check=False).stdout.split()

    def active_title(self):
        return self.run("xdotool", "getactivewindow", "getwindowname", check=False).stdout.strip()

    def active_process(self):
        """Whose window the window manager gives the keyboard; 0 when it is nobody's."""
        return int(self.run("xdotool", "getactivewindow", "getwindowpid", check=False).stdout.strip() or 0)

    def show(self, name):
        """A picture for whoever wants to look (LLM_PROXY_PICTURES set)."""
        if os.environ.get("LLM_PROXY_PICTURES"):
            self.picture(name)

    def picture(self, name):
        """The screen as a file in the build folder."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.run("import", "-window", "root", str(PICTURES / f"{name}.png"))


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


class App:
    """The console, opened on a desktop; its engine is asked over the control socket."""

    def __init__(self, desktop, folder, *arguments, env=None):
        self.desktop, self.folder = desktop, Path(folder)
        self.data = self.folder / "data"
        self.clicked = None
        for name in ("run", "tmp"):
            (self.folder / name).mkdir(mode=0o700, exist_ok=True)
        self.env = desktop.env | {"HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder / "config"), "XDG_RUNTIME_DIR": str(self.folder / "run"),
                                  "TMPDIR": str(self.folder / "tmp"), "LISTEN_ADDR": "127.0.0.1:0", "QT_QPA_PLATFORM": "xcb",
                                  "QT_ACCESSIBILITY": "1", "QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1"} | (env or {})
        self.arguments = arguments or ("--data-dir", str(self.data))
        self.start()

    def spawn(self):
        with open(self.folder / "log", "ab") as log:
            return subprocess.Popen([BIN, *self.arguments], env=self.env, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)

    def start(self):
        self.process = self.spawn()
        self.root = self.wait(lambda: self.desktop.bus.program(self.process.pid), "the console on the accessibility bus")
        self.wait(lambda: self.find("frame"), "its window")
        self.wait(self.started_at, "its engine")  # the window is there before it

    def stop(self):
        """As the system asks it to end; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(40)

    def wait(self, condition, what, timeout=10):
        """Polls a condition whose widgets may go while they are looked at."""
        from accessible import Gone

        def look():
            assert self.process.poll() is None, f"the console has ended, before: {what}\n{(self.folder / 'log').read_text()[-2000:]}"
            try:
                return condition()
            except Gone:
                return None
        return until(look, what, timeout, pause=PAUSE)

    # What is on the screen.

    def windows(self):
        """Its windows, the newest first: a dialog before what it covers."""
        return [w for w in reversed(self.root.children) if w.has("visible")]

    def find(self, role, name=None, within=None, contains=None, states=(), into_tables=False):
        """The first shown widget of that role and accessible name, dialogs before the window; None when there is none."""
        for window in [within] if within else self.windows():
            for node in window.all(into_tables):
                if node.role == role and (name is None or name in node.labels) and (contains is None or contains in node.name) and node.has(*states):
                    return node
        return None

    def get(self, role, name=None, timeout=10, **more):
        """That widget, waited for."""
        return self.wait(lambda: self.find(role, name, **more), f"{role} “{name or more.get('contains', '')}”", timeout)

    def wait_gone(self, role, name=None, **more):
        self.wait(lambda: not self.find(role, name, **more), f"{role} “{name or more.get('contains', '')}” goes")

    def label(self, contains, **more):
        return self.get("label", contains=contains, **more)

    # What a person does.

    def click(self, node, **more):
        """In its middle, once it stands still there and can be used."""
        def still():
            first = node.place
            return first if node.has("enabled", "showing") and first[2] > 0 and first == node.place else None
        left, top, width, height = self.wait(still, f"{node!r} can be clicked")
        x, y = left + width // 2, top + height // 2
        if (x, y) == self.clicked:
            x += min(8, width // 4)  # not a double click
        self.clicked = (x, y)
        self.desktop.click_at(x, y, **more)
        return node

    def scroll_to(self, node):
        """Turns the wheel until a widget further down is seen whole."""
        left, top, _, height = self.windows()[0].place

        def seen():
            if node.place[1] + node.place[3] < top + height - 24:
                return True
            return self.desktop.click_at(node.place[0], top + height // 2, button=5)
        self.wait(seen, f"{node!r} comes into sight")
        return node

    def _wait_in_front(self):
        """A window is there before the window manager gives it the keyboard, and has that before the manager has noted it: what
        is typed until then goes nowhere."""
        def in_front():
            window = next(w for w in self.windows() if w.role in ("frame", "dialog", "alert message"))
            return window.has("active") and self.desktop.active_process() == self.process.pid
        self.wait(in_front, "the keyboard goes to its front window")

    def key(self, *keys):
        self._wait_in_front()
        self.desktop.key(*keys)

    def type(self, text):
        self._wait_in_front()
        self.desktop.type(text)

    def press(self, name, role="push button", **more):
        return self.click(self.get(role, name, **more))

    def fill(self, name, text, role="text", **more):
        """Types into an empty or a filled input."""
        node = self.press(name, role, **more)
        self.wait(lambda: node.has("focused"), f"{node!r} has the focus")
        self.key("ctrl+a")
        self.type(text) if text else self.key("BackSpace")
        return node

    def choose(self, name, item, **more):
        """An item of a combo box, through its list."""
        box = self.press(name, "combo box", **more)
        self.click(self.get("list item", item, into_tables=True))
        self.wait(lambda: box.name == item, f"{item} is chosen")
        return box

    def menu(self):
        """The menu that has just opened."""
        self.desktop.key("Down")
        item = self.wait(lambda: (node := self.desktop.bus.focus) and "menu item" in node.role and node.has("showing") and node, "an item of the menu is announced")
        return item.parent

    def item(self, menu, contains):
        """One of its items, and of its submenu's where there is one below."""
        return self.wait(lambda: next((i for i in menu.children if contains in i.name), None), f"“{contains}” in the menu")

    def choose_row(self, table, row, column=0, **more):
        self.click(table.cell(row, column), **more)
        self.wait(lambda: table.cell(row, column).has("selected"), f"row {row} is chosen")

    def row_of(self, table, column, text):
        """Where a table has that text, waited for."""
        return self.wait(lambda: (rows := table.column(column)) and text in rows and (rows.index(text), ), f"a row with {column} “{text}”")[0]

    def open_page(self, title):
        self.press(title, "check box")
        self.get("filler", title)

    def sort_by(self, table, title):
        self.click(self.wait(lambda: next((c for c in table.children if c.role == "column header" and c.name == title), None), f"the column {title}"))

    def confirm(self, question, button, contains=""):
        """The question is asked, and says that; answers it."""
        box = self.get("alert message", question)
        text = self.get("label", contains=contains, within=box).name
        self.press(button, within=box)
        self.wait_gone("alert message", question)
        return text

    # The truth.

    def started_at(self):
        """When its engine was started; None while there is none."""
        try:
            return self.manage("GET", "/manage/overview")[1].get("started_at")
        except (OSError, http.client.HTTPException):
            return None

    @property
    def port(self):
        return int(self.ask("/manage/overview")["url"].rsplit(":", 1)[1])

    def use(self, token, model="gpt-4o", **more):
        """A chat completion with this token; its connection, and nothing read yet."""
        body = {"model": model, "messages": [{"role": "user", "content": "Hello"}]} | more
        return RawClient(self.port).send(request(body=body, headers=[("Authorization", f"Bearer {token}")]))

    def status_of(self, token, **more):
        with self.use(token, **more) as client:
            return client.answer().status

    def manage(self, method, path, body=None):
        """(status, JSON) of a management call over the control socket of its data directory."""
        link = UnixConnection(self.data / "control.sock")
        try:
            link.request(method, path, None if body is None else json.dumps(body), {} if body is None else {"Content-Type": "application/json"})
            answer = link.getresponse()
            return answer.status, json.loads(answer.read() or b"null")
        finally:
            link.close()

    def ask(self, path):
        status, answer = self.manage("GET", path)
        assert status == 200, answer
        return answer

    def make(self, path, **body):
        status, made = self.manage("POST", path, body)
        assert status in (200, 201), made
        return made

    def events(self, action=None):
        """The audit log's events."""
        text = (self.data / "audit.log").read_text()
        found = [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]
        return [e for e in found if action in (None, e["action"])]


@unittest.skipUnless((Path(BIN).parent / "libllm-proxy-ui.so").exists(), "built without the console")
@unittest.skipIf(SANITIZED, "the desktop's own libraries leak what they keep to the end")
class Flows(unittest.TestCase):
    """Flows on one desktop. A failed one leaves a picture of the screen in the build folder."""

    @classmethod
    def setUpClass(cls):
        from tempfile import TemporaryDirectory
        folder = TemporaryDirectory(prefix="flows-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        cls.desktop = Desktop(folder.name)
        cls.addClassCleanup(cls.desktop.close)

    def setUp(self):
        self.place = self.folder / self.id().rsplit(".", 1)[1]
        self.place.mkdir(mode=0o700)

    def project(self, name="Search team", base_url="http://127.0.0.1:9", provider="openai"):
        """One in the data directory before the console opens: it greets nobody then."""
        made = subprocess.run([BIN, "--data-dir", str(self.place / "data"), "project", "create", "--name", name, "--provider", provider, "--base-url", base_url,
                               "--key-stdin", "--json"], input=KEY + "\n", env=environment(str(self.place)), capture_output=True, text=True, timeout=60)
        self.assertEqual(made.returncode, 0, made.stderr)
        return json.loads(made.stdout)["id"]

    def open(self, *arguments, env=None):
        app = App(self.desktop, self.place, *arguments, env=env)
        self.addCleanup(app.stop)
        return app

    def tearDown(self):
        result = self._outcome.result
        if any(test is self for test, _ in result.failures + result.errors):
            self.desktop.picture(self.id().replace("__main__.", ""))
