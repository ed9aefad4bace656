#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""No statement is built by concatenation, arg() or formatting: values are bound, texts are whole literals."""
import re
import unittest

from source_tree import files, shown, tokens

# Whole statements and the fragments out of which one would be put together. Upper case, as we write SQL.
SQL = re.compile(
    r"^\s*(SELECT|INSERT|UPDATE|DELETE|CREATE|DROP|ALTER|REPLACE|PRAGMA|ATTACH|VACUUM|WITH|SAVEPOINT|"
    r"FROM|WHERE|AND|OR|ORDER BY|GROUP BY|LIMIT|OFFSET|VALUES|SET|JOIN|LEFT JOIN|UNION)\b(?!-)|"
    r"\b(SELECT|WHERE|ORDER BY)\s*$")
WRAPPERS = {"QStringLiteral", "QLatin1String", "QLatin1StringView", "QString", "QByteArrayLiteral", "QByteArray",
            "fromLatin1", "fromUtf8", "string", "string_view", "QStringView"}
SUFFIXES = {"s", "sv", "_s", "_qs", "_L1"}
JOINING_CALLS = {"arg", "append", "prepend", "insert", "replace", "join", "format", "asprintf", "sprintf", "snprintf",
                 "multiArg", "push_back", "concat"}
RUNNING_CALLS = {"prepare", "exec", "execBatch", "sqlite3_exec", "sqlite3_prepare_v2"}


def texts(found):
    return [text for _, text, _ in found]


def joined_literals(found):
    """Lines where a literal that looks like SQL is joined with something else."""
    lines = []
    at = 0
    while at < len(found):
        if found[at][0] != "string":
            at += 1
            continue
        end = at
        while end + 1 < len(found) and found[end + 1][0] == "string":
            end += 1
        literal = "".join(text for _, text, _ in found[at:end + 1])
        first, last = at, end
        at = end + 1
        if not SQL.search(literal.replace("\\n", "\n")):
            continue
        if last + 1 < len(found) and found[last + 1][1] in SUFFIXES:
            last += 1
        while (first >= 2 and last + 1 < len(found) and found[first - 1][1] == "(" and found[last + 1][1] == ")"
               and found[first - 2][1] in WRAPPERS):
            first, last = first - 2, last + 1
            while first >= 2 and found[first - 1][1] in ("::",):
                first -= 2
        before = texts(found[max(0, first - 2):first])
        after = texts(found[last + 1:last + 3])
        joined = (before[-1:] in (["+"], ["+="], ["<<"], ["%"])
                  or after[:1] in (["+"], ["<<"], ["%"])
                  or (after[:1] == ["."] and after[1:] and after[1] in JOINING_CALLS)
                  or (len(before) == 2 and before[1] == "(" and before[0] in JOINING_CALLS))
        if joined:
            lines.append(found[first][2])
    return lines


def built_arguments(found):
    """Lines where a statement is put together inside the call that runs or prepares it."""
    lines = []
    for at in range(len(found) - 1):
        if found[at][1] not in RUNNING_CALLS or found[at + 1][1] != "(":
            continue
        depth = 0
        arguments = []
        for _, text, _ in found[at + 1:]:
            depth += (text == "(") - (text == ")")
            arguments.append(text)
            if depth == 0:
                break
        pairs = zip(arguments, arguments[1:])
        if "+" in arguments or any(a in JOINING_CALLS and b == "(" for a, b in pairs):
            lines.append(found[at][2])
    return lines


def faults(source):
    found = tokens(source)
    return sorted(set(joined_literals(found) + built_arguments(found)))


BAD = [
    'query.prepare(QStringLiteral("SELECT * FROM t WHERE id = ") + id);',
    'query.exec("DELETE FROM t WHERE id = " + id);',
    'auto sql = QStringLiteral("SELECT * FROM %1").arg(table);',
    'sql += QStringLiteral(" AND state = ?");',
    'query.prepare(base + order);',
    'query.prepare(QString(template).arg(table));',
    'conditions.join(QStringLiteral(" AND "));',
    'auto s = std::format("SELECT {} FROM t", column);',
    'query.exec(QString::asprintf("PRAGMA user_version = %d", version));',
    'std::string s = std::string("INSERT INTO t VALUES (") + value + ")";',
    'auto s = R"(SELECT *\n FROM t\n WHERE a = )" + a;',
    'stream << "UPDATE t SET a = " << a;',
    'auto s = head + QLatin1String(" ORDER BY name");',
]
GOOD = [
    'query.prepare(QStringLiteral("SELECT * FROM t WHERE id = ?"));',
    'query.prepare(QStringLiteral("SELECT a, b "\n  "FROM t WHERE id = ?"));',
    'query.exec(statement);',
    'return app.exec();',
    '// "SELECT " + id',
    'message = QStringLiteral("Select a project: ") + name;',
    'static const char kPage[] = "SELECT id FROM tokens WHERE (?1 IS NULL OR project_id = ?1) LIMIT ?2";',
    'total = 1\'000 + call(statements.at("SELECT"));',
    'list.append(QStringLiteral("ORIGIN"));',
]


class Sql(unittest.TestCase):
    maxDiff = None

    def test_the_check_finds_what_it_should(self):
        for snippet in BAD:
            self.assertTrue(faults(snippet), snippet)
        for snippet in GOOD:
            self.assertEqual(faults(snippet), [], snippet)

    def test_no_built_statement(self):
        wrong = [f"{shown(path)}:{line}" for folder in ("proxycore", "app")
                 for path in files(".cpp", ".h", under=folder) for line in faults(path.read_text())]
        self.assertEqual(wrong, [], "SQL is built here; bind values and write whole statements")

    def test_only_storage_speaks_sql(self):
        wrong = [shown(path) for folder in ("proxycore", "app") for path in files(".cpp", ".h", under=folder)
                 if "#include <QSql" in path.read_text() and "proxycore/storage/" not in path.as_posix()]
        self.assertEqual(wrong, [])


if __name__ == "__main__":
    unittest.main()
