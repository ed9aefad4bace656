// SPDX-License-Identifier: GPL-3.0-only
// The official OpenAI client against the proxy, set up as its users set it up: OPENAI_BASE_URL and OPENAI_API_KEY.
import assert from 'node:assert/strict';
import test from 'node:test';
import OpenAI, {APIError, APIUserAbortError, AuthenticationError, PermissionDeniedError, RateLimitError, toFile} from 'openai';

const client = new OpenAI();
const messages = [{role: 'user', content: 'Grüße'}];
const behaving = how => ({headers: {'X-Behave': how}});
const tools = [{type: 'function', function: {name: 'weather', parameters: {type: 'object', properties: {city: {type: 'string'}}}}}];

test('chat', async () => {
    const {data, response} = await client.chat.completions.create({model: 'gpt-4o', messages}).withResponse();
    assert.equal(data.choices[0].message.content, 'Hello');
    assert.equal(data.usage.total_tokens, 18);
    assert.equal(response.headers.get('x-llm-proxy'), '1');
});

test('chat, streamed', async () => {
    const chunks = [];
    for await (const chunk of await client.chat.completions.create({model: 'gpt-4o', messages, stream: true}))
        chunks.push(chunk);
    assert.equal(chunks.map(c => c.choices[0].delta.content ?? '').join(''), 'Hello wörld');
    assert.ok(chunks.every(c => c.choices.length === 1), 'the usage chunk that was not asked for is taken out');
});

test('chat, streamed with usage', async () => {
    const stream = await client.chat.completions.create({model: 'gpt-4o', messages, stream: true, stream_options: {include_usage: true}});
    let last;
    for await (const chunk of stream)
        last = chunk;
    assert.deepEqual([last.choices.length, last.usage.prompt_tokens, last.usage.completion_tokens], [0, 11, 7]);
});

test('the stream helper', async () => {
    const runner = client.chat.completions.stream({model: 'gpt-4o', messages});
    assert.equal((await runner.finalChatCompletion()).choices[0].message.content, 'Hello wörld');
});

test('tool calls', async () => {
    const answer = await client.chat.completions.create({model: 'gpt-4o', messages, tools});
    assert.deepEqual(JSON.parse(answer.choices[0].message.tool_calls[0].function.arguments), {city: 'Köln'});
});

test('responses', async () => {
    const answer = await client.responses.create({model: 'gpt-4o', input: 'Hi'});
    assert.equal(answer.output_text, 'Hello');
    assert.equal(answer.usage.output_tokens, 4);
});

test('responses, streamed', async () => {
    let text = '';
    let completed = false;
    for await (const event of await client.responses.create({model: 'gpt-4o', input: 'Hi', stream: true})) {
        if (event.type === 'response.output_text.delta')
            text += event.delta;
        completed ||= event.type === 'response.completed';
    }
    assert.deepEqual([text, completed], ['Hello', true]);
});

test('embeddings', async () => {
    const answer = await client.embeddings.create({model: 'text-embedding-3-small', input: 'a', encoding_format: 'float'});
    assert.deepEqual(answer.data[0].embedding, [0.25, -0.5, 1]);
});

test('models', async () => {
    const names = [];
    for await (const model of client.models.list())
        names.push(model.id);
    assert.deepEqual(names, ['gpt-4o']);
});

test('files, up and down', async () => {
    const content = Buffer.from(Array.from({length: 300_000}, (_, i) => (i * 7) % 251));
    const file = await client.files.create({file: await toFile(content, 'f.bin'), purpose: 'user_data'});
    assert.equal(file.bytes, content.length);
    const back = Buffer.from(await (await client.files.content(file.id)).arrayBuffer());
    assert.ok(back.equals(content));
});

test('abort before the first byte', async () => {
    const controller = new AbortController();
    const pending = client.chat.completions.create({model: 'abort-early', messages, stream: true},
                                                   {...behaving('stall'), signal: controller.signal});
    // A close within 100 ms of the request could be a half-close, so it is left that time.
    setTimeout(() => controller.abort(), 1000);
    await assert.rejects(pending, APIUserAbortError);
});

test('abort in the middle of a stream', async () => {
    const stream = await client.chat.completions.create({model: 'abort-late', messages, stream: true}, behaving('endless'));
    let seen = 0;
    await assert.rejects(async () => {
        for await (const _ of stream) {
            if (++seen === 3)
                stream.controller.abort();
        }
        throw new APIUserAbortError(); // the iterator may also just end
    }, APIUserAbortError);
    assert.ok(seen >= 3);
});

test('errors of the provider', async () => {
    await assert.rejects(client.chat.completions.create({model: 'm', messages}, {...behaving('status=400'), maxRetries: 0}), error => {
        assert.ok(error instanceof APIError);
        assert.deepEqual([error.status, error.error.message, error.requestID !== undefined], [400, 'as asked', true]);
        return true;
    });
});

test('503 twice, then well: the client tries again', async () => {
    const answer = await client.chat.completions.create({model: 'm', messages}, {...behaving('status=503x2'), maxRetries: 2});
    assert.equal(answer.choices[0].message.content, 'Hello');
});

test('a provider that cannot be reached', async () => {
    await assert.rejects(client.chat.completions.create({model: 'm', messages}, {...behaving('reset'), maxRetries: 0}), error => {
        assert.deepEqual([error.status, error.code, error.type], [502, 'upstream_unreachable', 'server_error']);
        return true;
    });
});

test('a stream that breaks is an error, not an end', async () => {
    const stream = await client.chat.completions.create({model: 'm', messages, stream: true}, behaving('truncate-chunks'));
    await assert.rejects(async () => {
        for await (const _ of stream)
            ;
    });
});

test('our own refusals are typed errors', async () => {
    const wrong = new OpenAI({apiKey: 'tok-wrong', maxRetries: 0});
    await assert.rejects(wrong.models.list(), error => error instanceof AuthenticationError && error.code === 'invalid_token');
    const limited = new OpenAI({apiKey: process.env.LIMITED_TOKEN, maxRetries: 0});
    await assert.rejects(limited.chat.completions.create({model: 'other', messages}),
                         error => error instanceof PermissionDeniedError && error.code === 'model_not_allowed');
    await limited.chat.completions.create({model: 'gpt-4o', messages});
    const start = Date.now();
    const patient = new OpenAI({apiKey: process.env.LIMITED_TOKEN, maxRetries: 2});
    await assert.rejects(patient.chat.completions.create({model: 'gpt-4o', messages}),
                         error => error instanceof RateLimitError && error.code === 'request_quota_exceeded');
    assert.ok(Date.now() - start < 5_000, 'x-should-retry: false is heeded');
});
