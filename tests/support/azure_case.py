# SPDX-License-Identifier: GPL-3.0-only
"""A project with Azure alone, and what its clients send there."""
from proxy_case import KEY, Proxy

VERSION = "api-version=2024-10-21"


class AzureCase(Proxy):
    providers = ("azure",)

    def variables(self):
        """As users set their clients up. OTHER_TOKEN is of a project that has no Azure."""
        other = self.new_project(providers=[{"provider": "anthropic", "api_key": KEY, "base_url": self.upstream.url}])["id"]
        return {"AZURE_OPENAI_ENDPOINT": f"http://127.0.0.1:{self.port}", "AZURE_OPENAI_API_KEY": self.token,
                "LIMITED_TOKEN": self.new_token(allowed_models=["gpt-4o"])["token"], "OTHER_TOKEN": self.new_token(project_id=other)["token"]}

    def is_azure_as_it_should_be(self):
        targets = {r.target for r in self.upstream.requests}
        for path in ("deployments/gpt-4o/chat/completions", "deployments/my-deployment/chat/completions", "deployments/text-embedding-3-small/embeddings",
                     "responses", "models", "files", "files/file-1/content"):
            self.assertIn(f"/openai/{path}?{VERSION}", targets)
        for request in self.upstream.requests:
            self.assertEqual(request.target.count(VERSION), 1, request.target)
            self.assertEqual((request.header("api-key"), request.header("authorization")), (KEY, None))
