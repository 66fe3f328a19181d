// The official OpenAI SDK for Node, changed in nothing but its base URL and key.
// test_node.py runs it against its gateway, which it names in the environment.
import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";

const { GATEWAY_URL, SIMULATOR_URL, RICH_KEY, POOR_KEY } = process.env;
const model = "gpt-4o-mini";
const messages = [{ role: "user", content: "Say hello. [[sim output=200 chunks=64]]" }];
const tools = [
  {
    type: "function",
    function: {
      name: "weather",
      description: "Tells the weather",
      parameters: { type: "object", properties: { city: { type: "string" } } },
    },
  },
];

function clientFor(apiKey) {
  const attempts = { count: 0 };
  const countingFetch = (url, options) => {
    attempts.count += 1;
    return fetch(url, options);
  };
  const client = new OpenAI({ apiKey, baseURL: `${GATEWAY_URL}/v1`, fetch: countingFetch });
  return { client, attempts };
}

async function providerCalls() {
  const answer = await fetch(`${SIMULATOR_URL}/__simulator/calls`);
  return (await answer.json()).calls;
}

test("chat completion", async () => {
  const { client } = clientFor(RICH_KEY);
  const answer = await client.chat.completions.create({ model, messages });
  assert.ok(answer.choices[0].message.content);
  assert.equal(answer.usage.completion_tokens, 200);
});

test("stream hides the usage that the caller did not ask for", async () => {
  const { client } = clientFor(RICH_KEY);
  const stream = await client.chat.completions.create({ model, messages, stream: true });
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  assert.ok(chunks.length >= 64);
  assert.ok(chunks.every((chunk) => chunk.choices.length === 1 && !chunk.usage));
  assert.equal(chunks.at(-1).choices[0].finish_reason, "stop");
});

test("stream ends with the usage that the caller asked for", async () => {
  const { client } = clientFor(RICH_KEY);
  const stream = await client.chat.completions.create({
    model,
    messages,
    stream: true,
    stream_options: { include_usage: true },
  });
  let last;
  for await (const chunk of stream) last = chunk;
  assert.equal(last.usage.completion_tokens, 200);
});

const runaway = "Say hello. [[sim ignore_cap output=2000 chunks=2000 delay_ms=1]]";

test("chat that is cut off", async () => {
  const { client, attempts } = clientFor(RICH_KEY);
  const answer = await client.chat.completions
    .stream({
      model,
      messages: [{ role: "user", content: runaway }],
      max_completion_tokens: 50,
    })
    .finalChatCompletion();
  assert.equal(answer.choices[0].finish_reason, "length");
  assert.ok(answer.choices[0].message.content.length < 100 * " token".length);
  assert.equal(attempts.count, 1);
  // Its connection was closed. An SDK that has not noticed yet tries the next request again.
  assert.ok((await client.models.list()).data.length > 0);
});

test("response that is cut off", async () => {
  const { client } = clientFor(RICH_KEY);
  const stream = client.responses.stream({ model, input: runaway, max_output_tokens: 50 });
  let last;
  for await (const event of stream) last = event;
  assert.equal(last.type, "response.incomplete");
  assert.equal(last.response.incomplete_details.reason, "max_output_tokens");
  const response = await stream.finalResponse();
  assert.equal(response.status, "incomplete");
});

test("tool call", async () => {
  const { client } = clientFor(RICH_KEY);
  const answer = await client.chat.completions.create({ model, messages, tools });
  assert.equal(answer.choices[0].message.tool_calls[0].function.name, "weather");
});

test("streamed response", async () => {
  const { client } = clientFor(RICH_KEY);
  const stream = await client.responses.create({
    model,
    input: messages[0].content,
    stream: true,
  });
  let last;
  for await (const event of stream) last = event;
  assert.equal(last.type, "response.completed");
  assert.equal(last.response.usage.output_tokens, 200);
});

test("embeddings", async () => {
  const { client } = clientFor(RICH_KEY);
  const answer = await client.embeddings.create({
    model: "text-embedding-3-small",
    input: ["one", "two"],
  });
  assert.equal(answer.data.length, 2);
});

test("wrong key is an authentication error", async () => {
  const { client, attempts } = clientFor("bg_wrong");
  await assert.rejects(
    client.chat.completions.create({ model, messages }),
    OpenAI.AuthenticationError,
  );
  assert.equal(attempts.count, 1);
});

for (const stream of [false, true]) {
  test(`budget refusal is attempted once, stream: ${stream}`, async () => {
    const { client, attempts } = clientFor(POOR_KEY);
    const calls = await providerCalls();
    await assert.rejects(
      client.chat.completions.create({ model, messages, max_tokens: 100, stream }),
      (error) => {
        assert.ok(error instanceof OpenAI.APIError);
        assert.equal(error.status, 402);
        assert.equal(error.type, "insufficient_quota");
        assert.equal(error.headers.get("x-should-retry"), "false");
        return true;
      },
    );
    assert.equal(attempts.count, 1);
    assert.deepEqual(await providerCalls(), calls);
  });
}
