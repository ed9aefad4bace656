# SPDX-License-Identifier: GPL-3.0-only
"""The official Python clients for Azure against the proxy, as test_python_sdks.py runs them: AZURE_OPENAI_ENDPOINT is the proxy,
AZURE_OPENAI_API_KEY an access token."""
import os
import unittest

import openai
from openai import AsyncAzureOpenAI, AzureOpenAI

VERSION = "2024-10-21"
MESSAGES = [{"role": "user", "content": "Grüße"}]


class Azure(unittest.TestCase):
    def test_chat(self):
        endpoint = os.environ["AZURE_OPENAI_ENDPOINT"]
        for client in (AzureOpenAI(api_version=VERSION), AzureOpenAI(api_version=VERSION, azure_deployment="my-deployment"),
                       AzureOpenAI(api_version=VERSION, azure_endpoint=endpoint + "/azure"), AzureOpenAI(api_version=VERSION, azure_endpoint=endpoint + "/")):
            with client:
                answer = client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
                self.assertEqual((answer.choices[0].message.content, answer.usage.total_tokens), ("Hello", 18))
                chunks = list(client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True))
                self.assertEqual("".join(c.choices[0].delta.content or "" for c in chunks), "Hello wörld")

    def test_other_endpoints(self):
        with AzureOpenAI(api_version=VERSION) as client:
            self.assertEqual(client.embeddings.create(model="text-embedding-3-small", input="a", encoding_format="float").data[0].embedding, [0.25, -0.5, 1])
            self.assertEqual(client.responses.create(model="gpt-4o", input="Hi").output_text, "Hello")
            self.assertEqual([m.id for m in client.models.list()], ["gpt-4o"])
            content = b'{"custom_id":"1"}\n'
            file = client.files.create(file=("f.jsonl", content), purpose="batch")
            self.assertEqual((file.bytes, client.files.content(file.id).read()), (len(content), content))

    def test_refusals(self):
        with AzureOpenAI(api_version=VERSION, api_key=os.environ["LIMITED_TOKEN"], max_retries=0) as client:
            self.assertEqual(client.chat.completions.create(model="gpt-4o", messages=MESSAGES).choices[0].message.content, "Hello")
            with self.assertRaises(openai.PermissionDeniedError) as refused:
                client.chat.completions.create(model="other", messages=MESSAGES)
            self.assertEqual(refused.exception.code, "model_not_allowed")
        with AzureOpenAI(api_version=VERSION, api_key="tok-wrong", max_retries=0) as client, self.assertRaises(openai.AuthenticationError) as refused:
            client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
        self.assertEqual(refused.exception.code, "invalid_token")


class AsyncAzure(unittest.IsolatedAsyncioTestCase):
    async def test_chat(self):
        async with AsyncAzureOpenAI(api_version=VERSION) as client:
            answer = await client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
            self.assertEqual(answer.choices[0].message.content, "Hello")
            text = ""
            async for chunk in await client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True):
                text += chunk.choices[0].delta.content or ""
            self.assertEqual(text, "Hello wörld")
            self.assertEqual((await client.responses.create(model="gpt-4o", input="Hi")).output_text, "Hello")


if __name__ == "__main__":
    unittest.main()
