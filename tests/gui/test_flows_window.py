#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""The window's manners: there once, asked before streams are cut, kept in the tray, found again as it was left, light and dark."""
import signal
import unittest

from desktop import Flows
from proxy_case import until
from upstream import Upstream


class Window(Flows):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.upstream = cls.enterClassContext(Upstream())

    def opened(self):
        self.id_of_project = self.project(base_url=self.upstream.url + "/v1")
        return self.open(env={"DRAIN_TIMEOUT": "1s"})

    def ended(self, app):
        self.assertEqual(app.process.wait(20), 0)
        self.assertTrue(app.events("system.stop"))

    def shown(self):
        return self.desktop.run("xdotool", "search", "--onlyvisible", "--name", "^LLM Proxy$", check=False).stdout.split()

    def test_there_once(self):
        app = self.opened()
        [window] = app.wait(self.shown, "the window")
        self.desktop.run("xdotool", "windowminimize", window)
        app.wait(lambda: not self.shown(), "it is out of the way")
        self.assertEqual(app.spawn().wait(20), 0, "the second one ends")
        app.wait(self.shown, "the first one is back")
        app.wait(lambda: self.desktop.active_title() == "LLM Proxy", "and in front")

    def test_streams_are_not_cut_unasked(self):
        app = self.opened()
        token = app.make("/manage/tokens", project_id=self.id_of_project)["token"]
        stream = self.enterContext(app.use(token, model="behave-endless", stream=True))
        self.assertEqual(stream.head()[0], 200)
        for _ in range(150):  # the console hears once a second what runs
            stream.chunk()
        app.key("alt+F4")
        self.desktop.show("11-quit")
        app.confirm("Quit LLM Proxy?", "Cancel", "1 running stream gets up to")
        self.assertTrue(stream.chunk())
        app.key("ctrl+q")
        app.press("Quit", within=app.get("alert message", "Quit LLM Proxy?"))
        self.ended(app)
        self.assertIn(stream.ended(), ("fin", "reset"))

    def test_closed_it_ends_where_there_is_no_tray(self):
        app = self.opened()
        app.key("alt+F4")
        app.confirm("Quit LLM Proxy?", "Cancel", "programs that use it get no answers")
        self.assertEqual(app.ask("/manage/overview")["ready"], True)
        app.key("alt+F4")
        app.press("Quit", within=app.get("alert message", "Quit LLM Proxy?"))
        self.ended(app)

    def tray(self):
        tray = self.desktop._start(["trayer", "--edge", "bottom", "--SetDockType", "true", "--height", "24", "--widthtype", "pixel", "--width", "100"])
        self.addCleanup(lambda: (tray.terminate(), tray.wait(20)))
        until(lambda: self.desktop.windows("panel"), "the tray", pause=0.05)

    def test_an_alert_is_said_from_the_tray(self):
        self.tray()
        app = self.opened()
        token = app.make("/manage/tokens", project_id=self.id_of_project, name="Lost laptop")
        self.assertEqual(app.manage("DELETE", f"/manage/tokens/{token['id']}")[0], 200)
        [window] = self.shown()
        self.desktop.run("xdotool", "windowminimize", window)
        app.wait(lambda: not self.shown(), "nobody looks at the window")
        self.assertEqual(app.status_of(token["token"]), 401)
        balloon = app.wait(lambda: next((w for w in app.windows() if w.role != "frame" and any(n.name == "Alert" for n in w.all())), None), "the notification", 20)
        self.desktop.show("11-alert")
        words = " ".join(node.name for node in balloon.all())
        self.assertIn(f"{token['token_masked']}, which is revoked, was used from 127.0.0.1", words)
        self.assertNotIn(token["token"], words)

    def test_kept_in_the_tray(self):
        self.tray()
        app = self.opened()
        app.key("alt+F4")
        self.desktop.show("11-tray-question")
        app.confirm("Keep LLM Proxy running?", "Cancel")
        self.assertTrue(self.shown())
        app.key("alt+F4")
        app.confirm("Keep LLM Proxy running?", "Keep running in the tray", "keeps serving your programs")
        app.wait(lambda: not self.shown(), "the window goes")
        self.assertEqual(app.ask("/manage/overview")["ready"], True)
        self.assertEqual(app.spawn().wait(20), 0)
        app.wait(self.shown, "it comes back")
        app.key("alt+F4")
        app.wait(lambda: not self.shown(), "it goes without a question now")
        app.process.send_signal(signal.SIGTERM)
        self.ended(app)

    def test_a_question_does_not_keep_it_from_ending(self):
        app = self.opened()
        app.make("/manage/tokens", project_id=self.id_of_project, name="Indexer")
        app.open_page("Access tokens")
        table = app.get("table", "Access tokens")
        app.choose_row(table, app.row_of(table, "Name", "Indexer"))
        app.press("Revoke")
        app.get("alert message", "Revoke 1 token?")
        app.process.send_signal(signal.SIGTERM)
        self.ended(app)

    def test_found_again_as_it_was_left(self):
        app = self.opened()
        app.open_page("Access tokens")
        table = app.get("table", "Access tokens")
        name = next(c for c in table.children if c.role == "column header" and c.name == "Name")
        left, top, width, height = name.place
        self.desktop.run("xdotool", "mousemove", str(left + width - 1), str(top + height // 2), "mousedown", "1", "mousemove_relative", "40", "0", "mousemove_relative", "30", "0", "mouseup", "1")
        app.wait(lambda: name.place[2] > width + 50, "the column is wider")
        [window] = self.shown()
        self.desktop.run("xdotool", "windowsize", window, "1200", "700")
        app.wait(lambda: app.windows()[0].place[2:] == (1200, 700), "the window is smaller")
        self.desktop.show("11-small")
        wide = name.place[2]
        self.assertEqual(app.stop(), 0)
        app.start()
        app.wait(lambda: app.windows()[0].place[2:] == (1200, 700), "its size is as it was")
        app.open_page("Access tokens")
        table = app.get("table", "Access tokens")
        self.assertEqual(next(c for c in table.children if c.role == "column header" and c.name == "Name").place[2], wide)

    def brightness(self):
        """Of the window's middle, from 0 to 1."""
        left, top, width, height = self.app.windows()[0].place
        crop = f"{width // 2}x{height // 2}+{left + width // 4}+{top + height // 4}"
        return float(self.desktop.run("import", "-window", "root", "-crop", crop, "-colorspace", "gray", "-format", "%[fx:mean]", "info:").stdout)

    def test_light_and_dark(self):
        app = self.app = self.opened()
        app.open_page("Settings")
        app.choose("Appearance", "Dark")
        app.wait(lambda: self.brightness() < 0.3, "it is dark")
        self.desktop.show("11-dark")
        app.stop()
        self.assertIn("appearance=2\n", "".join(p.read_text() for p in (app.folder / "config").rglob("*.ini")), "it is kept")
        app.start()
        app.wait(lambda: self.brightness() < 0.3, "it is dark again")
        app.open_page("Settings")
        app.choose("Appearance", "Light")
        app.wait(lambda: self.brightness() > 0.8, "it is light")


if __name__ == "__main__":
    unittest.main()
