// Images, audio, files, batches and stored responses through the official OpenAI SDK for Node.
// test_node.py runs it against its gateway, which it names in the environment.
import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI, { toFile } from "openai";

const { GATEWAY_URL, RICH_KEY, POOR_KEY } = process.env;
const WAIT_MS_MAX = 30_000;

function clientFor(apiKey) {
  return new OpenAI({ apiKey, baseURL: `${GATEWAY_URL}/v1`, maxRetries: 0 });
}

async function until(isDone, look) {
  const deadline = Date.now() + WAIT_MS_MAX;
  for (;;) {
    const found = await look();
    if (isDone(found)) return found;
    assert.ok(Date.now() < deadline, JSON.stringify(found));
    await new Promise((resume) => setTimeout(resume, 100));
  }
}

const client = clientFor(RICH_KEY);

test("an image is made", async () => {
  const wish = { model: "gpt-image-1", prompt: "A cat", size: "1024x1024", quality: "low" };
  const answer = await client.images.generate(wish);
  assert.ok(answer.data[0].b64_json);
  assert.ok(answer.usage.output_tokens > 0);
});

test("speech, and what was said", async () => {
  const speech = { model: "gpt-4o-mini-tts", voice: "alloy", input: "Hello." };
  const sound = Buffer.from(await (await client.audio.speech.create(speech)).arrayBuffer());
  assert.ok(sound.length > 0);
  const file = await toFile(sound, "hello.mp3");
  const text = await client.audio.transcriptions.create({ model: "gpt-4o-transcribe", file });
  assert.ok(text.text);
});

test("a file, and a batch of its lines", async () => {
  const body = { model: "gpt-4o-mini", messages: [{ role: "user", content: "x" }], max_tokens: 9 };
  const url = "/v1/chat/completions";
  const line = JSON.stringify({ custom_id: "1", method: "POST", url, body });
  const file = await client.files.create({
    file: await toFile(Buffer.from(line), "b.jsonl"),
    purpose: "batch",
  });
  const ids = [];
  for await (const listed of client.files.list()) ids.push(listed.id);
  assert.ok(ids.includes(file.id));
  const made = await client.batches.create({
    input_file_id: file.id,
    endpoint: url,
    completion_window: "24h",
  });
  const look = () => client.batches.retrieve(made.id);
  const done = await until((batch) => batch.status === "completed", look);
  const output = await client.files.content(done.output_file_id);
  assert.equal((await output.text()).trim().split("\n").length, 1);
  await assert.rejects(clientFor(POOR_KEY).batches.retrieve(made.id), OpenAI.NotFoundError);
});

test("a stored response", async () => {
  const made = await client.responses.create({ model: "gpt-5-mini", input: "Say hello." });
  assert.equal((await client.responses.retrieve(made.id)).id, made.id);
  await assert.rejects(clientFor(POOR_KEY).responses.retrieve(made.id), OpenAI.NotFoundError);
  await client.responses.delete(made.id);
});
