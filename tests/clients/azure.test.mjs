// SPDX-License-Identifier: GPL-3.0-only
// The official client's class for Azure against the proxy: AZURE_OPENAI_ENDPOINT is the proxy, AZURE_OPENAI_API_KEY an access token.
import assert from 'node:assert/strict';
import test from 'node:test';
import {AuthenticationError, AzureOpenAI, NotFoundError, PermissionDeniedError, toFile} from 'openai';

const apiVersion = '2024-10-21';
const byEndpoint = new AzureOpenAI({apiVersion});
const byDeployment = new AzureOpenAI({apiVersion, deployment: 'my-deployment'});
const byBaseUrl = new AzureOpenAI({apiVersion, baseURL: `${process.env.AZURE_OPENAI_ENDPOINT}/azure/openai`});
const messages = [{role: 'user', content: 'Grüße'}];

for (const [name, client] of Object.entries({byEndpoint, byDeployment, byBaseUrl})) {
    test(`chat, ${name}`, async () => {
        const answer = await client.chat.completions.create({model: 'gpt-4o', messages});
        assert.deepEqual([answer.choices[0].message.content, answer.usage.total_tokens], ['Hello', 18]);
    });
    test(`chat, streamed, ${name}`, async () => {
        let text = '';
        for await (const chunk of await client.chat.completions.create({model: 'gpt-4o', messages, stream: true}))
            text += chunk.choices[0].delta.content ?? '';
        assert.equal(text, 'Hello wörld');
    });
}

test('embeddings', async () => {
    const answer = await byEndpoint.embeddings.create({model: 'text-embedding-3-small', input: 'a', encoding_format: 'float'});
    assert.deepEqual(answer.data[0].embedding, [0.25, -0.5, 1]);
});

test('responses', async () => {
    assert.equal((await byEndpoint.responses.create({model: 'gpt-4o', input: 'Hi'})).output_text, 'Hello');
});

test('models', async () => {
    const names = [];
    for await (const model of byEndpoint.models.list())
        names.push(model.id);
    assert.deepEqual(names, ['gpt-4o']);
});

test('files, up and down', async () => {
    const content = Buffer.from('{"custom_id":"1"}\n');
    const file = await byEndpoint.files.create({file: await toFile(content, 'f.jsonl'), purpose: 'batch'});
    assert.equal(file.bytes, content.length);
    assert.ok(Buffer.from(await (await byEndpoint.files.content(file.id)).arrayBuffer()).equals(content));
});

test('a deployment that the token may not use', async () => {
    const limited = new AzureOpenAI({apiVersion, apiKey: process.env.LIMITED_TOKEN, maxRetries: 0});
    assert.equal((await limited.chat.completions.create({model: 'gpt-4o', messages})).choices[0].message.content, 'Hello');
    await assert.rejects(limited.chat.completions.create({model: 'other', messages}), error => error instanceof PermissionDeniedError && error.code === 'model_not_allowed');
});

test('our own refusals are typed errors', async () => {
    const wrong = new AzureOpenAI({apiVersion, apiKey: 'tok-wrong', maxRetries: 0});
    await assert.rejects(wrong.chat.completions.create({model: 'gpt-4o', messages}), error => error instanceof AuthenticationError && error.code === 'invalid_token');
    const other = new AzureOpenAI({apiVersion, apiKey: process.env.OTHER_TOKEN, maxRetries: 0});
    await assert.rejects(other.chat.completions.create({model: 'gpt-4o', messages}), error => error instanceof NotFoundError && error.code === 'endpoint_not_found');
});
