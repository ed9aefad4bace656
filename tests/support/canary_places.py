# SPDX-License-Identifier: GPL-3.0-only
"""Where canaries are planted, as data: CANARY or {} is replaced by one."""

CREDENTIALS = (("Authorization", "Bearer {}"), ("Authorization", "Basic {}"), ("x-api-key", "{}"), ("api-key", "{}"),
               ("x-goog-api-key", "{}"))

HEADERS = (("Origin", "https://{}.example"), ("Referer", "https://{}.example"), *((name, "{}") for name in (
    "Cookie", "X-New-Thing", "Proxy-Authorization", "X-Forwarded-For", "anthropic-version", "OpenAI-Organization", "Content-Type",
    "Accept", "Range", "If-None-Match", "Expect", "Content-Encoding")))

# What an event records.
AGENTS = ("me/1.0 ({})", "{}", "a" * 240 + " {}", "x=1;{};", "'{}'")

TARGETS = ("/v1/models/{}", "/v1/{}/x", "/{}", "/v1beta/models/{}:generateContent", "/openai/deployments/{}/x", "/manage/{}")

# What a provider answers that tells the key it was called with; error is a JSON body with it.
PROVIDER_ANSWERS = {
    "error": "401 Unauthorized\r\nContent-Length: {size}\r\n\r\n{error}", "status-line": "401 Bad key {key}\r\nContent-Length: 0\r\n\r\n",
    "header": "400 No\r\nX-Echo: {key}\r\nX-Request-ID: {key}\r\nContent-Length: 0\r\n\r\n",
    "location": "302 Found\r\nLocation: http://127.0.0.1:1/?key={key}\r\nContent-Length: 0\r\n\r\n",
    "model": "200 OK\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n\r\n{error}",
    "failed": "500 {key}\r\nContent-Length: {size}\r\n\r\n{error}", "length": "200 OK\r\nContent-Length: {key}\r\n\r\n",
    "name": "200 OK\r\n{key} x: 1\r\n\r\n", "nul": "200 OK\r\nX-A: {key}\0\r\n\r\n", "status": "{key}\r\n\r\n",
    "chunk": "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{key}\r\n", "coding": "200 OK\r\nTransfer-Encoding: {key}\r\n\r\n",
    "cut": "200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 5000\r\n\r\ndata: {error}\n\n"}

# Management calls that are refused, or that look at the value only.
CALLS = (
    ("POST projects", {"name": ["CANARY"]}), ("POST projects", {"name": {"CANARY": 1}}), ("POST projects", {"nam": "CANARY", "name": "x"}),
    ("POST projects", {"name": "x", "id": "CANARY !"}), ("POST projects", {"name": "x", "environment": "CANARY"}),
    ("POST projects", {"name": "x", "provider": "CANARY"}), ("POST projects", {"name": "x", "api_key": ["CANARY"]}),
    ("POST projects", {"name": "x", "api_key": "CANARY CANARY"}), ("POST projects", {"name": "x", "api_key": "CANARY****"}),
    ("POST projects", {"name": "x", "api_key": "env:CANARY-"}), ("POST projects", {"name": "x", "api_key": "file:/CANARY"}),
    ("POST projects", {"name": "x", "api_key": "vault:CANARY#x"}), ("POST projects", {"name": "x", "is_active": "CANARY"}),
    ("POST projects", {"name": "x", "api_key": "k", "base_url": "https://user:CANARY@127.0.0.1/v1"}),
    ("POST projects", {"name": "x", "api_key": "k", "base_url": "https://127.0.0.1/v1?key=CANARY"}),
    ("POST projects", {"name": "x", "api_key": "k", "base_url": "CANARY"}), ("POST projects", {"name": "x", "providers": "CANARY"}),
    ("POST projects", {"name": "x", "providers": [{"provider": "openai", "api_key": "CANARY", "x": 1}]}),
    ("POST projects", {"name": "x", "allowed_models": [1, "CANARY"]}), ("POST projects", {"name": "CANARY\u202e"}),
    ("PATCH projects/PROJECT", {"key": "CANARY"}), ("POST projects/PROJECT/rotate-key", {"api_key": "CANARY", "provider": "CANARY"}),
    ("POST projects/PROJECT/rotate-key", {"api_key": "CANARY CANARY"}), ("POST tokens", {"project_id": "CANARY"}),
    ("POST tokens", {"project_id": "PROJECT", "duration_minutes": "CANARY"}),
    ("POST tokens", {"project_id": "PROJECT", "expires_at": "CANARY"}),
    ("POST tokens", {"project_id": "PROJECT", "allowed_ips": ["CANARY"]}), ("POST tokens", {"project_id": "PROJECT", "note": ["CANARY"]}),
    ("POST tokens", {"project_id": "PROJECT", "allowed_endpoints": ["CANARY"]}),
    ("POST tokens", {"project_id": "PROJECT", "budget": "CANARY"}),
    ("POST tokens", {"project_id": "PROJECT", "token": "CANARY"}), ("POST tokens/TOKEN/refresh", {"grace": "CANARY"}),
    ("PATCH tokens/TOKEN", {"max_requests": "CANARY"}), ("POST tokens/validate", {"token": "CANARY"}),
    ("POST tokens/validate", {"token": ["CANARY"]}), ("POST audit/cleanup", {"older_than": "CANARY"}),
    ("PATCH settings", {"changes": [{"name": "CANARY", "value": "x"}]}), ("PATCH settings", {"changes": [{"name": "MANAGEMENT_TOKEN", "value": "CANARY"}]}),
    ("PATCH settings", {"changes": [{"name": "TRUSTED_PROXIES", "value": "CANARY"}]}), ("PATCH settings", {"changes": [{"name": "LOG_LEVEL", "value": ["CANARY"]}]}),
    ("PATCH settings", {"changes": [{"name": "ALLOWED_HOSTS", "value": "a/CANARY"}], "check_only": True}),
    ("POST providers/check", {"provider": "CANARY", "api_key": "CANARY"}), ("POST providers/check", {"provider": "openai", "api_key": "CANARY CANARY"}),
    ("POST providers/check", {"provider": "openai", "api_key": "CANARY", "base_url": "http://127.0.0.1:1/CANARY"}),
    ("POST providers/check", {"provider": "openai", "project_id": "CANARY"}), ("POST audit/review", {"note": ["CANARY"]}), ("POST audit/review", {"text": "CANARY"}), ("POST audit/verify", {"CANARY": 1}))

QUERIES = ("audit?q=", "audit?text=", "audit?model=", "audit?request_id=", "audit?token_id=", "audit?project_id=", "audit?client_ip=",
           "audit?action=", "audit?actor=", "audit?status=", "audit?cursor=", "audit?from=", "audit?limit=", "audit/facets?from=",
           "projects?q=", "projects?sort=", "projects?cursor=", "tokens?q=", "tokens?project_id=", "tokens?state=", "overview?key=")

PATHS = ("GET projects/{}", "PATCH projects/{}", "DELETE projects/{}", "POST projects/{}/rotate-key", "GET tokens/{}", "DELETE tokens/{}",
         "PATCH tokens/{}", "POST tokens/{}/refresh", "GET audit/{}", "DELETE requests/{}", "GET nothing/{}", "{} projects")

# Commands that are refused, or that look at the value only.
COMMANDS = (
    "project create --name x --key CANARY", "project create --name x --api-key CANARY", "project create --name x --api-key=CANARY",
    "project create CANARY", "--CANARY", "CANARY", "project --CANARY", "project create --name x --key env:CANARY-",
    "project create --name x --key-stdin --base-url https://user:CANARY@127.0.0.1", "project list --state CANARY",
    "project create --name x --key-stdin --provider CANARY", "project create --name x --key-stdin --environment CANARY",
    "project show CANARY", "project update CANARY --name x", "token show CANARY", "token revoke CANARY", "token refresh CANARY",
    "token create --project PROJECT --ttl CANARY", "token create --project PROJECT --max-requests CANARY",
    "token create --project PROJECT --allowed-ip CANARY", "token create --project CANARY", "audit list --text CANARY",
    "audit list --limit CANARY", "audit list --from CANARY", "audit show CANARY", "audit cleanup --older-than CANARY",
    "project list --url http://user:CANARY@127.0.0.1:1", "project list --url http://127.0.0.1:1/?key=CANARY",
    "health --url http://CANARY@127.0.0.1:1", "project list --url CANARY", "run --project CANARY -- true",
    "run --project PROJECT --ttl CANARY -- true", "run --project PROJECT --url CANARY -- true",
    "--serve --env CANARY", "--serve --log-level CANARY", "--serve --listen-addr CANARY", "doctor --max-connections CANARY")

# Settings that are refused: a key in the wrong variable, or the password of a URL.
SETTINGS = (("ENCRYPTION_KEY", "CANARY."), ("HTTPS_PROXY", "http://user:CANARY@proxy:port"), *((name, "CANARY") for name in (
    "LISTEN_ADDR", "LOG_LEVEL", "API_CONFIG_PATH", "TLS_CERT_FILE", "TOKEN_MAX_LIFETIME", "ENGINE_THREADS", "MANAGEMENT_ALLOWED_IPS",
    "CORS_ALLOWED_ORIGINS", "MAX_REQUEST_SIZE", "SSL_CERT_FILE", "AUDIT_ENABLED", "TLS_KEY_FILE", "AUDIT_FILE_MODE", "HTTP_LISTEN_ADDR",
    "ACME_WEBROOT", "TRUSTED_PROXIES", "AUDIT_FSYNC")))

ENV_LINES = ("CANARY", "CANARY=1", "MANAGEMENT_TOKEN='CANARY", "MANAGEMENT_TOKEN='CANARY' CANARY", "export CANARY")
