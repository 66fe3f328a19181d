// The official Google SDK for Node, changed in nothing but its base URL and key.
// test_node.py runs it against its gateway, which it names in the environment.
import assert from "node:assert/strict";
import { test } from "node:test";
import { GoogleGenAI } from "@google/genai";

const { GATEWAY_URL, RICH_KEY, POOR_KEY } = process.env;
const model = "gemini-2.5-flash";
const contents = "Say hello. [[sim output=40 chunks=8]]";

function clientFor(apiKey) {
  return new GoogleGenAI({ apiKey, httpOptions: { baseUrl: GATEWAY_URL } });
}

const client = clientFor(RICH_KEY);
const stranger = clientFor(POOR_KEY);

test("an answer", async () => {
  const answer = await client.models.generateContent({ model, contents });
  assert.equal(answer.usageMetadata.candidatesTokenCount, 40);
  assert.ok(answer.text.length > 0);
});

test("a streamed answer", async () => {
  let last;
  for await (const chunk of await client.models.generateContentStream({ model, contents })) {
    last = chunk;
  }
  assert.equal(last.usageMetadata.candidatesTokenCount, 40);
});

test("tokens are counted, and texts embedded", async () => {
  const counted = await client.models.countTokens({ model, contents });
  assert.ok(counted.totalTokens > 0);
  const wish = { model: "gemini-embedding-001", contents: ["one", "two"] };
  const embedded = await client.models.embedContent(wish);
  assert.equal(embedded.embeddings.length, 2);
});

test("a file is its maker's", async () => {
  const file = new Blob(["some text"], { type: "text/plain" });
  const made = await client.files.upload({ file, config: { mimeType: "text/plain" } });
  assert.equal((await client.files.get({ name: made.name })).name, made.name);
  await assert.rejects(stranger.files.get({ name: made.name }), /404/);
  await client.files.delete({ name: made.name });
});

test("contents are kept, and kept for longer", async () => {
  const config = { contents: "much to read ".repeat(200), ttl: "3600s" };
  const made = await client.caches.create({ model, config });
  assert.ok(made.usageMetadata.totalTokenCount > 100);
  const longer = await client.caches.update({ name: made.name, config: { ttl: "7200s" } });
  assert.ok(longer.expireTime > made.expireTime);
  await assert.rejects(stranger.caches.get({ name: made.name }), /404/);
  const read = { cachedContent: made.name };
  const answer = await client.models.generateContent({ model, contents: "and?", config: read });
  const { cachedContentTokenCount } = answer.usageMetadata;
  assert.equal(cachedContentTokenCount, made.usageMetadata.totalTokenCount);
  await client.caches.delete({ name: made.name });
});

test("a spent budget is an error that names it", async () => {
  const config = { maxOutputTokens: 60_000 };
  await assert.rejects(stranger.models.generateContent({ model, contents, config }), /402/);
});
