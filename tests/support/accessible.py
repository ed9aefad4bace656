# SPDX-License-Identifier: GPL-3.0-only
"""What a screen reader sees of a program: its widgets by role and accessible name, with their texts, states and places on
the screen, read over the accessibility bus (AT-SPI 2) and from nowhere else. Nothing is kept: each question is asked anew."""
from gi.repository import Gio, GLib

ROOT = "/org/a11y/atspi/accessible/root"
# The numbers of AtspiStateType.
STATES = {"active": 1, "checked": 4, "editable": 7, "enabled": 8, "expanded": 10, "focusable": 11, "focused": 12, "modal": 16,
          "selected": 23, "sensitive": 24, "showing": 25, "visible": 30}
LABELLED_BY = 2  # of AtspiRelationType
ACCESSIBLE, COMPONENT, TEXT, TABLE, VALUE = (f"org.a11y.atspi.{name}" for name in ("Accessible", "Component", "Text", "Table", "Value"))


class Gone(Exception):
    """The widget, or its program, is not there any more."""


class Bus:
    """The accessibility bus of a D-Bus session."""

    def __init__(self, session_address):
        flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
        self.session = Gio.DBusConnection.new_for_address_sync(session_address, flags, None, None)
        self.session.set_exit_on_close(False)
        address = self.session.call_sync("org.a11y.Bus", "/org/a11y/bus", "org.a11y.Bus", "GetAddress", None, None, 0, 20_000, None).unpack()[0]
        self.link = Gio.DBusConnection.new_for_address_sync(address, flags, None, None)
        self.link.set_exit_on_close(False)
        self._focus = None
        self.link.signal_subscribe(None, "org.a11y.atspi.Event.Object", "StateChanged", None, None, Gio.DBusSignalFlags.NONE, self._changed)
        self.call("org.a11y.atspi.Registry", "/org/a11y/atspi/registry", "org.a11y.atspi.Registry", "RegisterEvent",
                  GLib.Variant("(sass)", ("object:state-changed:focused", [], "")))

    def _changed(self, _link, sender, path, _interface, _signal, arguments):
        if arguments[0] == "focused" and arguments[1]:
            self._focus = Node(self, sender, path)

    @property
    def focus(self):
        """What was announced last to have the focus; menus are told nowhere else."""
        while GLib.MainContext.default().iteration(False):
            pass
        return self._focus

    def call(self, name, path, interface, method, arguments=None):
        try:
            return self.link.call_sync(name, path, interface, method, arguments, None, 0, 10_000, None).unpack()
        except GLib.Error as error:
            raise Gone(f"{interface}.{method} of {path}: {error.message}") from None

    def property(self, name, path, interface, which):
        return self.call(name, path, "org.freedesktop.DBus.Properties", "Get", GLib.Variant("(ss)", (interface, which)))[0]

    def program(self, pid):
        """The program with that process id, as a node; None until it has announced itself."""
        for name, path in self.call("org.a11y.atspi.Registry", ROOT, ACCESSIBLE, "GetChildren")[0]:
            try:
                if self.call("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "GetConnectionUnixProcessID", GLib.Variant("(s)", (name,)))[0] == pid:
                    return Node(self, name, path)
            except Gone:
                continue  # one that has ended
        return None


class Node:
    """A widget. Properties of what has gone raise Gone."""

    def __init__(self, bus, owner, path):
        self.bus, self.owner, self.path = bus, owner, path

    def __eq__(self, other):
        return isinstance(other, Node) and (self.owner, self.path) == (other.owner, other.path)

    def __hash__(self):
        return hash((self.owner, self.path))

    def __repr__(self):
        try:
            return f"{self.role} “{self.name}”"
        except Gone:
            return f"gone {self.path}"

    def _call(self, interface, method, arguments=None):
        return self.bus.call(self.owner, self.path, interface, method, arguments)

    def _nodes(self, pairs):
        return [Node(self.bus, owner, path) for owner, path in pairs if not path.endswith("/null")]

    @property
    def name(self):
        return self.bus.property(self.owner, self.path, ACCESSIBLE, "Name")

    @property
    def description(self):
        return self.bus.property(self.owner, self.path, ACCESSIBLE, "Description")

    @property
    def role(self):
        return self._call(ACCESSIBLE, "GetRoleName")[0]

    @property
    def labels(self):
        """Its own name, and those of what labels it: a combo box is named by what is chosen in it."""
        relations = self._call(ACCESSIBLE, "GetRelationSet")[0] if self.role == "combo box" else []
        return [self.name, *(self.description.split(": ")[:1] if self.role == "combo box" else []), *(node.name for kind, pairs in relations if kind == LABELLED_BY for node in self._nodes(pairs))]

    @property
    def children(self):
        return self._nodes(self._call(ACCESSIBLE, "GetChildren")[0])

    @property
    def parent(self):
        return self._nodes([self.bus.property(self.owner, self.path, ACCESSIBLE, "Parent")])[0]

    @property
    def states(self):
        low, high = self._call(ACCESSIBLE, "GetState")[0]
        bits = low | high << 32
        return {name for name, number in STATES.items() if bits >> number & 1}

    def has(self, *states):
        return set(states) <= self.states

    @property
    def place(self):
        """(left, top, width, height) on the screen."""
        return self._call(COMPONENT, "GetExtents", GLib.Variant("(u)", (0,)))[0]

    @property
    def text(self):
        """What an input or a text holds."""
        return self._call(TEXT, "GetText", GLib.Variant("(ii)", (0, -1)))[0]

    @property
    def value(self):
        """The number of a spin box or progress bar."""
        return self.bus.property(self.owner, self.path, VALUE, "CurrentValue")

    def all(self, into_tables=False):
        """Every widget below that is shown, itself first; cells of tables and lists only when asked for."""
        seen = [self]
        while seen:
            node = seen.pop(0)
            yield node
            try:
                if not into_tables and node is not self and node.role in ("table", "tree", "list"):
                    continue
                seen.extend(child for child in node.children if child.has("visible"))
            except Gone:
                continue

    # Tables: the texts that are read out, row by row.

    def cell(self, row, column):
        return self._nodes(self._call(TABLE, "GetAccessibleAt", GLib.Variant("(ii)", (row, column))))[0]

    @property
    def row_count(self):
        return self.bus.property(self.owner, self.path, TABLE, "NRows")

    @property
    def columns(self):
        number = self.bus.property(self.owner, self.path, TABLE, "NColumns")
        return [self._call(TABLE, "GetColumnDescription", GLib.Variant("(i)", (i,)))[0] for i in range(number)]

    @property
    def rows(self):
        """A dictionary for each row, from its columns' titles to texts."""
        titles = self.columns
        return [{title: self.cell(row, i).name for i, title in enumerate(titles)} for row in range(self.row_count)]

    def column(self, title):
        number = self.columns.index(title)
        return [self.cell(row, number).name for row in range(self.row_count)]
