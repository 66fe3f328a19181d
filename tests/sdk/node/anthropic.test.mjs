// The official Anthropic SDK for Node, changed in nothing but its base URL and key.
// test_node.py runs it against its gateway, which it names in the environment.
import assert from "node:assert/strict";
import { test } from "node:test";
import Anthropic, { toFile } from "@anthropic-ai/sdk";

const { GATEWAY_URL, RICH_KEY, POOR_KEY } = process.env;
const WAIT_MS_MAX = 30_000;
const asked = {
  model: "claude-haiku-4-5",
  max_tokens: 200,
  messages: [{ role: "user", content: "Say hello. [[sim output=40 chunks=8]]" }],
};

function clientFor(apiKey) {
  return new Anthropic({ apiKey, baseURL: GATEWAY_URL, maxRetries: 0 });
}

const client = clientFor(RICH_KEY);

test("a message", async () => {
  const answer = await client.messages.create(asked);
  assert.equal(answer.usage.output_tokens, 40);
  assert.equal(answer.stop_reason, "end_turn");
});

test("a streamed message", async () => {
  const answer = await client.messages.stream(asked).finalMessage();
  assert.equal(answer.usage.output_tokens, 40);
  assert.ok(answer.content[0].text.length > 0);
});

test("tokens are counted, and models listed", async () => {
  const { model, messages } = asked;
  const counted = await client.messages.countTokens({ model, messages });
  assert.ok(counted.input_tokens > 0);
  const listed = await client.models.list();
  assert.ok(listed.data.length > 0);
});

test("a file is its maker's", async () => {
  const file = await toFile(Buffer.from("some text"), "a.txt", { type: "text/plain" });
  const made = await client.beta.files.upload({ file });
  assert.equal((await client.beta.files.retrieveMetadata(made.id)).id, made.id);
  await assert.rejects(
    clientFor(POOR_KEY).beta.files.retrieveMetadata(made.id),
    Anthropic.NotFoundError,
  );
  await client.beta.files.delete(made.id);
});

test("a batch of messages", async () => {
  const { max_tokens, messages, model } = asked;
  const params = { model, messages, max_tokens };
  const made = await client.messages.batches.create({ requests: [{ custom_id: "1", params }] });
  const deadline = Date.now() + WAIT_MS_MAX;
  while ((await client.messages.batches.retrieve(made.id)).processing_status !== "ended") {
    assert.ok(Date.now() < deadline, "the batch ends");
    await new Promise((resume) => setTimeout(resume, 100));
  }
  const results = [];
  for await (const result of await client.messages.batches.results(made.id)) results.push(result);
  assert.deepEqual(results.map((one) => one.result.type), ["succeeded"]);
  await assert.rejects(
    clientFor(POOR_KEY).messages.batches.retrieve(made.id),
    Anthropic.NotFoundError,
  );
});

test("a spent budget is an error that names it", async () => {
  await assert.rejects(clientFor(POOR_KEY).messages.create(asked), (error) => {
    assert.ok(error instanceof Anthropic.APIError);
    return error.status === 402;
  });
});
