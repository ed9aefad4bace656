# SPDX-License-Identifier: GPL-3.0-only
"""What Python's clients must see; run by test_python_sdks.py with the interpreter that has them, one class each."""
import asyncio
import os
import time
import unittest

PROXY, TOKEN = os.environ["PROXY"], os.environ["PROXY_TOKEN"]
MESSAGES = [{"role": "user", "content": "Grüße"}]
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}]


def behaving(how):
    return {"extra_headers": {"X-Behave": how}}


class OpenAi(unittest.TestCase):
    def setUp(self):
        import openai
        self.openai = openai
        self.client = openai.OpenAI(base_url=f"{PROXY}/v1", api_key=TOKEN)
        self.addCleanup(self.client.close)

    def test_chat(self):
        answer = self.client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
        self.assertEqual((answer.choices[0].message.content, answer.usage.total_tokens), ("Hello", 18))

    def test_streamed(self):
        chunks = list(self.client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True))
        self.assertEqual("".join(c.choices[0].delta.content or "" for c in chunks), "Hello wörld")
        last = list(self.client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True, stream_options={"include_usage": True}))[-1]
        self.assertEqual((last.choices, last.usage.prompt_tokens), ([], 11))

    def test_tools(self):
        answer = self.client.chat.completions.create(model="gpt-4o", messages=MESSAGES, tools=TOOLS)
        self.assertEqual(answer.choices[0].message.tool_calls[0].function.arguments, '{"city":"Köln"}')

    def test_responses(self):
        self.assertEqual(self.client.responses.create(model="gpt-4o", input="Hi").output_text, "Hello")
        with self.client.responses.stream(model="gpt-4o", input="Hi") as stream:
            self.assertEqual(stream.get_final_response().output_text, "Hello")

    def test_files_and_embeddings(self):
        content = bytes(range(256)) * 1000
        file = self.client.files.create(file=("f.bin", content), purpose="user_data")
        self.assertEqual(self.client.files.content(file.id).read(), content)
        self.assertEqual(self.client.embeddings.create(model="text-embedding-3-small", input="a", encoding_format="float").data[0].embedding[0], 0.25)
        self.assertEqual([m.id for m in self.client.models.list()], ["gpt-4o"])

    def test_at_the_same_time(self):
        async def many():
            async with self.openai.AsyncOpenAI(base_url=f"{PROXY}/v1", api_key=TOKEN) as client:
                async def one():
                    stream = await client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True)
                    return "".join([c.choices[0].delta.content or "" async for c in stream])
                return await asyncio.gather(*(one() for _ in range(50)))
        self.assertEqual(set(asyncio.run(many())), {"Hello wörld"})

    def test_errors(self):
        wrong = self.openai.OpenAI(base_url=f"{PROXY}/v1", api_key="tok-wrong")
        with self.assertRaises(self.openai.AuthenticationError) as caught:
            wrong.models.list()
        self.assertEqual(caught.exception.code, "invalid_token")
        with self.assertRaises(self.openai.APIStatusError) as caught:
            self.client.with_options(max_retries=0).chat.completions.create(model="m", messages=MESSAGES, **behaving("reset"))
        self.assertEqual((caught.exception.status_code, caught.exception.code), (502, "upstream_unreachable"))
        again = self.client.chat.completions.create(model="m", messages=MESSAGES, **behaving("status=503x2"))
        self.assertEqual(again.choices[0].message.content, "Hello")

    def test_a_stream_that_is_left(self):
        stream = self.client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True, **behaving("endless"))
        next(stream.response.iter_lines())
        start = time.monotonic()
        stream.close()
        self.assertLess(time.monotonic() - start, 5)


class Anthropic(unittest.TestCase):
    def setUp(self):
        import anthropic
        self.anthropic = anthropic
        self.client = anthropic.Anthropic(base_url=PROXY, api_key=TOKEN)
        self.ask = {"model": "claude-sonnet-4-5", "max_tokens": 10, "messages": MESSAGES}
        self.addCleanup(self.client.close)

    def test_messages(self):
        self.assertEqual(self.client.messages.create(**self.ask).content[0].text, "Hello")
        by_bearer = self.anthropic.Anthropic(base_url=PROXY, auth_token=TOKEN, api_key=None)
        self.assertEqual(by_bearer.messages.create(**self.ask).usage.output_tokens, 5)
        by_bearer.close()

    def test_streamed(self):
        with self.client.messages.stream(**self.ask) as stream:
            self.assertEqual("".join(stream.text_stream), "Hello")
            self.assertEqual(stream.get_final_message().stop_reason, "end_turn")

    def test_count_tokens(self):
        self.assertEqual(self.client.messages.count_tokens(model=self.ask["model"], messages=MESSAGES).input_tokens, 17)

    def test_errors(self):
        wrong = self.anthropic.Anthropic(base_url=PROXY, api_key="tok-wrong")
        with self.assertRaises(self.anthropic.AuthenticationError) as caught:
            wrong.messages.create(**self.ask)
        self.assertEqual(caught.exception.body["error"]["type"], "authentication_error")
        wrong.close()
        self.assertEqual(self.client.messages.create(**self.ask, **behaving("status=529x1")).content[0].text, "Hello")


class Google(unittest.TestCase):
    def setUp(self):
        from google import genai
        from google.genai import errors, types
        self.errors = errors
        self.at = lambda token: genai.Client(api_key=token, http_options=types.HttpOptions(base_url=PROXY))
        self.client = self.at(TOKEN)
        self.ask = {"model": "gemini-2.5-flash", "contents": "Grüße"}

    def test_generate(self):
        answer = self.client.models.generate_content(**self.ask)
        self.assertEqual((answer.text, answer.usage_metadata.total_token_count), ("Hi", 8))

    def test_streamed(self):
        self.assertEqual("".join(c.text or "" for c in self.client.models.generate_content_stream(**self.ask)), "Hi")

    def test_async(self):
        async def both():
            whole = await self.client.aio.models.generate_content(**self.ask)
            parts = [c.text or "" async for c in await self.client.aio.models.generate_content_stream(**self.ask)]
            await self.client.aio.aclose()
            return whole.text, "".join(parts)
        self.assertEqual(asyncio.run(both()), ("Hi", "Hi"))

    def test_count_and_embed(self):
        self.assertEqual(self.client.models.count_tokens(**self.ask).total_tokens, 3)
        answer = self.client.models.embed_content(model="gemini-embedding-001", contents=["a", "b"])
        self.assertEqual([len(e.values) for e in answer.embeddings], [3, 3])

    def test_errors(self):
        wrong = self.at("tok-wrong")  # closes itself when nobody has it any more
        with self.assertRaises(self.errors.ClientError) as caught:
            wrong.models.generate_content(**self.ask)
        self.assertEqual((caught.exception.code, caught.exception.status), (401, "UNAUTHENTICATED"))


class Ollama(unittest.TestCase):
    def setUp(self):
        import ollama
        self.ollama = ollama
        self.at = lambda token: ollama.Client(host=f"{PROXY}/ollama", headers={"Authorization": f"Bearer {token}"})

    def test_chat(self):
        answer = self.at(TOKEN).chat(model="llama3.2", messages=MESSAGES)
        self.assertEqual((answer.message.content, answer.eval_count), ("Hello", 4))
        parts = list(self.at(TOKEN).chat(model="llama3.2", messages=MESSAGES, stream=True))
        self.assertEqual(("".join(p.message.content for p in parts), parts[-1].done), ("Hello", True))

    def test_errors(self):
        with self.assertRaises(self.ollama.ResponseError) as caught:
            self.at("tok-wrong").chat(model="llama3.2", messages=MESSAGES)
        self.assertEqual(caught.exception.status_code, 401)


class LiteLlm(unittest.TestCase):
    """As a client; each provider by its own interface."""
    models = {"openai/gpt-4o": f"{PROXY}/v1", "anthropic/claude-sonnet-4-5": PROXY, "gemini/gemini-2.5-flash": f"{PROXY}/v1beta", "ollama_chat/llama3.2": f"{PROXY}/ollama"}

    def test_whole_and_streamed(self):
        import litellm
        litellm.telemetry = False
        for model, base in self.models.items():
            with self.subTest(model):
                answer = litellm.completion(model=model, messages=MESSAGES, api_base=base, api_key=TOKEN)
                self.assertRegex(answer.choices[0].message.content, "^(Hello|Hi)")
                self.assertGreater(answer.usage.total_tokens, 7)
                parts = list(litellm.completion(model=model, messages=MESSAGES, api_base=base, api_key=TOKEN, stream=True, stream_options={"include_usage": True}))
                self.assertRegex("".join(p.choices[0].delta.content or "" for p in parts if p.choices), "^(Hello|Hi)")

    def test_errors(self):
        import litellm
        with self.assertRaises(litellm.AuthenticationError):
            litellm.completion(model="openai/gpt-4o", messages=MESSAGES, api_base=f"{PROXY}/v1", api_key="tok-wrong")


class LangChain(unittest.TestCase):
    def setUp(self):
        from langchain_openai import ChatOpenAI, OpenAIEmbeddings
        self.chat = ChatOpenAI(model="gpt-4o", base_url=f"{PROXY}/v1", api_key=TOKEN, stream_usage=True)
        self.embeddings = OpenAIEmbeddings(model="text-embedding-3-small", base_url=f"{PROXY}/v1", api_key=TOKEN, check_embedding_ctx_length=False)

    def test_whole_and_streamed(self):
        answer = self.chat.invoke("Grüße")
        self.assertEqual((answer.content, answer.usage_metadata["total_tokens"]), ("Hello", 18))
        whole = None
        for part in self.chat.stream("Grüße"):
            whole = part if whole is None else whole + part
        self.assertEqual((whole.content, whole.usage_metadata["input_tokens"]), ("Hello wörld", 11))

    def test_tools_and_embeddings(self):
        answer = self.chat.bind_tools(TOOLS).invoke("weather?")
        self.assertEqual(answer.tool_calls[0]["args"], {"city": "Köln"})
        self.assertEqual(self.embeddings.embed_query("a"), [0.25, -0.5, 1.0])
