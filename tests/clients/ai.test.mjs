// SPDX-License-Identifier: GPL-3.0-only
// Vercel's "ai" with three providers against the proxy.
import assert from 'node:assert/strict';
import test from 'node:test';
import {APICallError, embed, generateText, jsonSchema, stepCountIs, streamText, tool} from 'ai';
import {createAnthropic} from '@ai-sdk/anthropic';
import {createGoogleGenerativeAI} from '@ai-sdk/google';
import {createOpenAI} from '@ai-sdk/openai';

const {PROXY, PROXY_TOKEN: apiKey} = process.env;
const openai = createOpenAI({baseURL: `${PROXY}/v1`, apiKey});
const anthropic = createAnthropic({baseURL: `${PROXY}/v1`, apiKey});
const google = createGoogleGenerativeAI({baseURL: `${PROXY}/v1beta`, apiKey});
// [model, text, tokens of input and output]
const models = {
    'OpenAI, responses': [openai('gpt-4o'), 'Hello', 9, 4],
    'OpenAI, chat': [openai.chat('gpt-4o'), /^Hello/, 11, 7],
    'Anthropic': [anthropic('claude-sonnet-4-5'), 'Hello', 21, 5],
    'Google': [google('gemini-2.5-flash'), 'Hi', 3, 5],
};

function fits(text, wanted) {
    return wanted instanceof RegExp ? wanted.test(text) : text === wanted;
}

for (const [name, [model, wanted, input, output]] of Object.entries(models)) {
    test(`${name}: text`, async () => {
        const {text, usage} = await generateText({model, prompt: 'Grüße'});
        assert.ok(fits(text, wanted), text);
        assert.deepEqual([usage.inputTokens, usage.outputTokens], [input, output]);
    });

    test(`${name}: streamed`, async () => {
        const result = streamText({model, prompt: 'Grüße', onError: ({error}) => { throw error; }});
        let text = '';
        for await (const part of result.textStream)
            text += part;
        assert.ok(fits(text, wanted), text);
        const usage = await result.usage; // a dropped usage chunk hides their cost display
        assert.deepEqual([usage.inputTokens, usage.outputTokens], [input, output]);
    });
}

test('a tool is called', async () => {
    const seen = [];
    const weather = tool({inputSchema: jsonSchema({type: 'object', properties: {city: {type: 'string'}}}), execute: async ({city}) => { seen.push(city); return 'sun'; }});
    await generateText({model: openai.chat('gpt-4o'), prompt: 'weather?', tools: {weather}, stopWhen: stepCountIs(2)});
    assert.deepEqual(seen, ['Köln', 'Köln']);
});

test('embeddings', async () => {
    const {embedding, usage} = await embed({model: openai.embedding('text-embedding-3-small'), value: 'a'});
    assert.deepEqual([embedding, usage.tokens], [[0.25, -0.5, 1], 4]);
});

test('our own refusals are typed', async () => {
    const wrong = createAnthropic({baseURL: `${PROXY}/v1`, apiKey: 'tok-wrong'});
    await assert.rejects(generateText({model: wrong('claude-sonnet-4-5'), prompt: 'Hi', maxRetries: 0}),
                         error => APICallError.isInstance(error) && error.statusCode === 401 && !error.isRetryable);
});
