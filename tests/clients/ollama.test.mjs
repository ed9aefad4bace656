// SPDX-License-Identifier: GPL-3.0-only
// Ollama's client against the proxy: its native interface, whose streams are lines of JSON.
import assert from 'node:assert/strict';
import test from 'node:test';
import {Ollama} from 'ollama';

const at = token => new Ollama({host: process.env.OLLAMA_HOST, headers: {Authorization: `Bearer ${token}`}});
const client = at(process.env.OLLAMA_API_KEY);
const ask = {model: 'llama3.2', messages: [{role: 'user', content: 'Hi'}]};

test('chat', async () => {
    const answer = await client.chat(ask);
    assert.deepEqual([answer.message.content, answer.prompt_eval_count, answer.eval_count], ['Hello', 13, 4]);
});

test('chat, streamed', async () => {
    let text = '';
    let done = false;
    for await (const part of await client.chat({...ask, stream: true})) {
        text += part.message.content;
        done = part.done;
    }
    assert.deepEqual([text, done], ['Hello', true]);
});

test('our own refusals are its errors', async () => {
    await assert.rejects(at('tok-wrong').chat(ask), error => error.status_code === 401);
});
