#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""The served description against the running server: every operation is called, every answer is declared and fits its
schema, what a schema forbids is refused with the field's name, and what it allows at its edges is taken."""
import json
import re
import unittest
from urllib.parse import quote

from proxy_case import KEY, MANAGEMENT, Proxy, request

TYPES = {"string": str, "boolean": bool, "object": dict, "array": list, "null": type(None)}
KNOWN = {"$ref", "not", "additionalProperties", "description", "enum", "format", "items", "maxItems", "maxLength", "maximum", "minItems",
         "minLength", "minimum", "pattern", "properties", "required", "type", "writeOnly"}


def is_type(value, name):
    if name in ("integer", "number"):
        return isinstance(value, (int, float) if name == "number" else int) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


class OpenApi(Proxy):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        status, cls.description = cls.manage("GET", "/manage/openapi.json")
        assert status == 200

    def schema(self, node):
        while "$ref" in node:
            at = self.description
            for part in node["$ref"].removeprefix("#/").split("/"):
                at = at[part]
            node = at
        return node

    def fits(self, value, node, where):
        """Fails where the value does not fit the schema; only keywords that are judged here may stand in one."""
        node = self.schema(node)
        self.assertEqual(set(node) - KNOWN, set(), where)
        types = node.get("type", [])
        types = [types] if isinstance(types, str) else types
        self.assertTrue(not types or any(is_type(value, t) for t in types), f"{where}: {value!r} is not {types}")
        if "enum" in node:
            self.assertIn(value, node["enum"], where)
        if isinstance(value, str):
            self.assertTrue(node.get("minLength", 0) <= len(value) <= node.get("maxLength", 1 << 30), where)
            self.assertTrue("pattern" not in node or re.search(node["pattern"], value), where)
            if node.get("format") == "date-time":
                self.assertRegex(value, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", where)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            self.assertTrue(node.get("minimum", value) <= value <= node.get("maximum", value), where)
        elif isinstance(value, list):
            for i, item in enumerate(value):
                self.fits(item, node["items"], f"{where}[{i}]")
        elif isinstance(value, dict):
            self.assertEqual(set(node.get("required", [])) - set(value), set(), where)
            for name, item in value.items():
                if name in node.get("properties", {}):
                    self.fits(item, node["properties"][name], f"{where}.{name}")
                else:
                    self.assertIsNot(node.get("additionalProperties"), False, f"{where}.{name} is not described")

    def call(self, method, path, body=None, ids=None, query="", headers=()):
        """A call of a described operation; its answer is declared and fits."""
        operation = self.description["paths"][path][method.lower()]
        status, answer = self.manage(method, path.replace("{id}", str(ids)) + query, body, headers=headers)
        declared = operation["responses"].get(str(status))
        self.assertTrue(declared, f"{method} {path} answered {status}, which is not declared: {answer}")
        content = self.schema(declared)["content"]["application/json"]
        if "schema" in content:
            self.fits(answer, content["schema"], f"{method} {path} {status}")
        return status, answer

    def test_every_operation(self):
        project = self.call("POST", "/manage/projects", {"name": "One", "api_key": KEY})[1]["id"]
        token = self.call("POST", "/manage/tokens", {"project_id": project})[1]
        called = {("POST", "/manage/projects"), ("POST", "/manage/tokens")}
        self.ask(body={"model": "m"}, token=token["token"])
        seq = self.events()[-1]["seq"]
        steps = [("GET", "/manage/projects", None, None), ("GET", "/manage/projects/{id}", None, project),
                 ("PATCH", "/manage/projects/{id}", {"name": "Two", "allowed_models": ["m*"]}, project),
                 ("PATCH", "/manage/projects/{id}", {"base_url": self.upstream.url + "/x/chat/completions", "api_key": KEY}, project),
                 ("POST", "/manage/projects/{id}/rotate-key", {"api_key": KEY + "2"}, project),
                 ("GET", "/manage/tokens", None, None), ("GET", "/manage/tokens/{id}", None, token["id"]),
                 ("PATCH", "/manage/tokens/{id}", {"name": "x", "max_requests": 5, "allowed_ips": ["10.0.0.0/8"]}, token["id"]),
                 ("POST", "/manage/tokens/{id}/refresh", {"grace": "1m"}, token["id"]),
                 ("POST", "/manage/tokens/validate", {"token": token["token"]}, None),
                 ("GET", "/manage/audit", None, None), ("GET", "/manage/audit/{id}", None, seq),
                 ("POST", "/manage/audit/verify", {}, None), ("GET", "/manage/audit/verify", None, None), ("GET", "/manage/audit/public-key", None, None),
                 ("POST", "/manage/audit/review", {"note": "x"}, None), ("GET", "/manage/audit/facets", None, None),
                 ("POST", "/manage/audit/cleanup", {"older_than": "90d"}, None),
                 ("GET", "/manage/settings", None, None),
                 ("PATCH", "/manage/settings", {"changes": [{"name": "ALERT_DENIED_REQUESTS", "value": "7"}, {"name": "LOG_LEVEL", "value": None}]}, None),
                 ("PATCH", "/manage/settings", {"changes": [{"name": "LOG_MAX_BACKUPS", "value": "x"}], "check_only": True}, None),
                 ("POST", "/manage/providers/check", {"provider": "openai", "api_key": KEY, "base_url": self.upstream.url}, None),
                 ("GET", "/manage/doctor", None, None), ("GET", "/manage/overview", None, None), ("GET", "/manage/files", None, None), ("GET", "/manage/usage", None, None), ("GET", "/manage/openapi.json", None, None),
                 ("DELETE", "/manage/tokens/{id}", None, token["id"]),
                 ("POST", "/manage/projects/{id}/tokens/revoke", None, project),
                 ("PATCH", "/manage/projects/{id}", {"is_active": False, "revoke_tokens": True}, project),
                 ("DELETE", "/manage/projects/{id}", None, project)]
        for method, path, body, ids in steps:
            with self.subTest(f"{method} {path}"):
                status, answer = self.call(method, path, body, ids)
                self.assertIn(status, (200, 201), answer)
                called.add((method, path))
        described = {(method.upper(), path) for path, item in self.description["paths"].items() for method in item}
        # The stream of events is read in test_live; here its description is held against one of them.
        client = self.raw().send(request("/manage/events", headers=[("Authorization", f"Bearer {MANAGEMENT}")]))
        client.head()
        operation = self.description["paths"]["/manage/events"]["get"]
        data = client.chunk().decode().split("data: ", 1)[1]
        self.fits(json.loads(data), operation["responses"]["200"]["content"]["text/event-stream"]["schema"], "an event")
        called.add(("GET", "/manage/events"))
        for _ in range(25):
            self.ask(body={"model": "m"}, token="tok-wrong")
        text = ""
        while "event: alert\ndata: " not in text or not text.split("event: alert\ndata: ", 1)[1].count("\n\n"):
            text += client.chunk().decode()
        self.fits(json.loads(text.split("event: alert\ndata: ", 1)[1].split("\n\n")[0]), {"$ref": "#/components/schemas/Alert"}, "an alert")
        stream = self.raw().send(request(body={"model": "m"}, headers=[("Authorization", f"Bearer {self.token}"), ("X-Behave", "endless"), ("X-Request-ID", "kill-me")]))
        stream.head()
        self.assertEqual(self.call("DELETE", "/manage/requests/{id}", None, self.running("kill-me")[0]["id"])[0], 200)
        called.add(("DELETE", "/manage/requests/{id}"))
        for path, kind in (("export", "application/jsonl"), ("export", "text/csv"), ("report", "text/html"), ("report", "text/csv"), ("report", "application/json")):
            form = {"application/jsonl": "jsonl", "text/csv": "csv", "text/html": "html", "application/json": "json"}[kind]
            answer = self.ask(f"/manage/audit/{path}?format={form}", method="GET", token=MANAGEMENT)
            self.assertTrue(answer.whole and answer.header("content-type").startswith(kind), answer.header("content-type"))
            self.assertIn(kind, self.description["paths"][f"/manage/audit/{path}"]["get"]["responses"]["200"]["content"])
            called.add(("GET", f"/manage/audit/{path}"))
        self.assertEqual(described - called, set(), "described, and not called here")

    def test_refusals_are_declared(self):
        for path, item in self.description["paths"].items():
            for method, operation in item.items():
                ids = "nobody"
                if path not in ("/manage/events", "/manage/audit/export", "/manage/audit/report"):  # no JSON, or no end
                    self.call(method.upper(), path, {} if "requestBody" in operation else None, ids)
                self.call(method.upper(), path, {} if "requestBody" in operation else None, ids, query="?surprise=1")
                status, answer = self.manage(method.upper(), path.replace("{id}", ids), token="x" * 40)
                self.assertEqual(status, 401)
                self.assertIn("401", operation["responses"])
                status, _ = self.manage(method.upper(), path.replace("{id}", ids), headers=[("Host", "evil.example")])
                self.assertIn(str(status), operation["responses"])
                self.assertEqual(status, 421)
                status, _ = self.manage(method.upper(), path.replace("{id}", ids) + "?" + "a" * 9000)
                self.assertIn(str(status), operation["responses"])
                self.assertEqual(status, 414)
                status, _ = self.manage(method.upper(), path.replace("{id}", ids), headers=[("X-A", "a" * 40000)])
                self.assertIn(str(status), operation["responses"])
                self.assertEqual(status, 431)

    def wrong_values(self, node):
        node = self.schema(node)
        types = node.get("type", [])
        types = [types] if isinstance(types, str) else types
        if "enum" in node:
            yield "surely not one of these"
        if types:
            yield next(value for name, value in (("object", {"a": 1}), ("boolean", True), ("array", [1])) if name not in types)
        if "maxLength" in node:
            yield "x" * (node["maxLength"] + 1)
        if node.get("minLength"):
            yield ""
        if "pattern" in node:
            yield "no pattern,\u202e surely!"
        if "minimum" in node:
            yield node["minimum"] - 1
        if "maximum" in node:
            yield node["maximum"] + 1
        if "integer" in types:
            yield 1.5
        if node.get("format") == "date-time":
            yield "yesterday"
        if "maxItems" in node:
            yield [self.example(node["items"])] * (node["maxItems"] + 1)
        if node.get("minItems"):
            yield []

    def example(self, node):
        node = self.schema(node)
        if node.get("type") == "object":
            return {name: self.example(node["properties"][name]) for name in node.get("required", [])}
        return "/x"

    def test_what_a_schema_forbids_is_refused_by_name(self):
        project = self.new_project(name="Forbids")["id"]
        token = self.new_token(project_id=project)["id"]
        for path, item in self.description["paths"].items():
            for method, operation in item.items():
                if "requestBody" not in operation:
                    continue
                node = self.schema(operation["requestBody"]["content"]["application/json"]["schema"])
                ids = token if path.startswith("/manage/tokens") else project
                good = {"name": "N", "api_key": KEY, "project_id": project, "token": "tok-x", "is_active": False, "older_than": "90d",
                        "changes": [{"name": "LOG_MAX_BACKUPS", "value": "7"}], "provider": "openai"}
                base = {name: good[name] for name in node.get("required", [])}
                cases = [("surprise", 1)] + [(name, value) for name, one in node["properties"].items() for value in self.wrong_values(one)]
                for name, value in cases:
                    with self.subTest(f"{method} {path} {name}={str(value)[:40]}"):
                        status, answer = self.call(method.upper(), path, base | {name: value}, ids)
                        self.assertEqual(status, 400, answer)
                        self.assertTrue(answer["error"].get("field", "").startswith(name), answer)
                for name in node.get("required", []):
                    with self.subTest(f"{method} {path} without {name}"):
                        status, answer = self.call(method.upper(), path, {k: v for k, v in base.items() if k != name}, ids)
                        self.assertEqual((status, answer["error"]["field"]), (400, name))

    def test_what_a_parameter_forbids_is_refused_by_name(self):
        for path, item in self.description["paths"].items():
            for method, operation in item.items():
                for parameter in operation["parameters"]:
                    if parameter["in"] != "query":
                        continue
                    for value in self.wrong_values(parameter["schema"]):
                        if isinstance(value, (dict, list, bool, float)):
                            continue
                        with self.subTest(f"{method} {path} {parameter['name']}={str(value)[:40]}"):
                            status, answer = self.call(method.upper(), path, None, self.project_id,
                                                       query=f"?{parameter['name']}={quote(str(value))}")
                            self.assertEqual((status, answer["error"].get("field")), (400, parameter["name"]), answer)

    def test_edges_are_taken(self):
        properties = self.schema({"$ref": "#/components/schemas/TokenUpdate"})["properties"]
        token = self.new_token()["id"]
        for name, node in properties.items():
            values = [node[k] for k in ("minimum", "maximum") if k in node]
            values += ["x" * node[k] for k in ("minLength", "maxLength") if k in node]
            values += [[]] if node.get("minItems") == 0 else []
            values += [None] if "null" in node.get("type", []) or None in node.get("enum", []) else []
            for value in values:
                with self.subTest(f"{name}={str(value)[:40]}"):
                    status, answer = self.call("PATCH", "/manage/tokens/{id}", {name: value}, token)
                    self.assertEqual(status, 200, answer)

    def test_the_document_itself(self):
        self.assertEqual(self.description["openapi"], "3.1.0")
        self.assertEqual(self.description["security"], [{"managementToken": []}])
        self.assertIn("managementToken", self.description["components"]["securitySchemes"])
        names = [o["operationId"] for item in self.description["paths"].values() for o in item.values()]
        self.assertEqual(len(names), len(set(names)))
        self.assertNotIn(MANAGEMENT, json.dumps(self.description))


if __name__ == "__main__":
    unittest.main()
