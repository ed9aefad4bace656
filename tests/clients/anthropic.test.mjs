// SPDX-License-Identifier: GPL-3.0-only
// The official Anthropic client against the proxy: ANTHROPIC_BASE_URL without /v1; the token as x-api-key and as Bearer.
import assert from 'node:assert/strict';
import test from 'node:test';
import Anthropic, {APIError, APIUserAbortError, AuthenticationError} from '@anthropic-ai/sdk';

const token = process.env.ANTHROPIC_AUTH_TOKEN;
delete process.env.ANTHROPIC_AUTH_TOKEN;
const byKey = new Anthropic({apiKey: token});
const byBearer = new Anthropic({authToken: token, apiKey: null});
const byBoth = new Anthropic({apiKey: token, defaultHeaders: {Authorization: `Bearer ${token}`}});
const ask = {model: 'claude-sonnet-4-5', max_tokens: 10, messages: [{role: 'user', content: 'Hi'}]};
const behaving = how => ({headers: {'X-Behave': how}});

for (const [name, client] of Object.entries({byKey, byBearer, byBoth})) {
    test(`messages, ${name}`, async () => {
        const message = await client.messages.create(ask);
        assert.deepEqual([message.content[0].text, message.usage.output_tokens], ['Hello', 5]);
    });
}

test('messages, streamed', async () => {
    let text = '';
    for await (const event of await byKey.messages.create({...ask, stream: true}))
        text += event.type === 'content_block_delta' ? event.delta.text : '';
    assert.equal(text, 'Hello');
    const message = await byKey.messages.stream(ask).finalMessage();
    assert.deepEqual([message.stop_reason, message.usage.output_tokens], ['end_turn', 5]);
});

test('beta headers and queries', async () => {
    const message = await byKey.beta.messages.create({...ask, betas: ['one-2025-01-01', 'two-2025-01-01']});
    assert.equal(message.content[0].text, 'Hello');
});

test('count tokens', async () => {
    assert.equal((await byKey.messages.countTokens({model: ask.model, messages: ask.messages})).input_tokens, 17);
});

test('tool use', async () => {
    const tools = [{name: 'weather', input_schema: {type: 'object', properties: {city: {type: 'string'}}}}];
    const message = await byKey.messages.create({...ask, tools});
    assert.deepEqual([message.stop_reason, message.content[0].input], ['tool_use', {city: 'Köln'}]);
});

test('abort in the middle of a stream', async () => {
    const stream = await byKey.messages.create({...ask, model: 'abort-claude', stream: true}, behaving('stall-after-head'));
    setTimeout(() => stream.controller.abort(), 50);
    for await (const _ of stream)
        ;
});

test('errors', async () => {
    await assert.rejects(byKey.messages.create(ask, {...behaving('status=400'), maxRetries: 0}),
                         error => error instanceof APIError && error.status === 400 && error.error.error.message === 'as asked');
    await assert.rejects(byKey.messages.create(ask, {...behaving('reset'), maxRetries: 0}),
                         error => error.status === 502 && error.error.error.type === 'api_error');
    const wrong = new Anthropic({apiKey: 'tok-wrong', maxRetries: 0});
    await assert.rejects(wrong.messages.create(ask),
                         error => error instanceof AuthenticationError && error.error.error.type === 'authentication_error');
    assert.equal(typeof APIUserAbortError, 'function');
});

test('529 once, then well: the client tries again', async () => {
    const message = await byKey.messages.create(ask, {...behaving('status=529x1'), maxRetries: 2});
    assert.equal(message.content[0].text, 'Hello');
});
