// SPDX-License-Identifier: GPL-3.0-only
// Google's client against the proxy, set up by its own variables: GOOGLE_GEMINI_BASE_URL and GEMINI_API_KEY.
import assert from 'node:assert/strict';
import test from 'node:test';
import {ApiError, GoogleGenAI} from '@google/genai';

const client = new GoogleGenAI({apiKey: process.env.GEMINI_API_KEY, httpOptions: {baseUrl: process.env.GOOGLE_GEMINI_BASE_URL}});
const ask = {model: 'gemini-2.5-flash', contents: 'Grüße'};

test('generate', async () => {
    const answer = await client.models.generateContent(ask);
    assert.deepEqual([answer.text, answer.usageMetadata.totalTokenCount], ['Hi', 8]);
});

test('generate, streamed', async () => {
    let text = '';
    for await (const chunk of await client.models.generateContentStream(ask))
        text += chunk.text ?? '';
    assert.equal(text, 'Hi');
});

test('a chat of two turns', async () => {
    const chat = client.chats.create({model: ask.model});
    await chat.sendMessage({message: 'one'});
    await chat.sendMessage({message: 'two'});
    assert.equal(chat.getHistory().length, 4);
});

test('count tokens', async () => {
    assert.equal((await client.models.countTokens(ask)).totalTokens, 3);
});

test('embeddings', async () => {
    const answer = await client.models.embedContent({model: 'gemini-embedding-001', contents: ['a', 'b']});
    assert.deepEqual(answer.embeddings.map(e => e.values.length), [3, 3]);
});

test('our own refusals are its errors', async () => {
    const wrong = new GoogleGenAI({apiKey: 'tok-wrong', httpOptions: {baseUrl: process.env.GOOGLE_GEMINI_BASE_URL}});
    await assert.rejects(wrong.models.generateContent(ask), error => {
        assert.ok(error instanceof ApiError);
        assert.equal(error.status, 401);
        assert.match(error.message, /UNAUTHENTICATED/);
        return true;
    });
});
