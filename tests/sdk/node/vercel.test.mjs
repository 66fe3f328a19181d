// The Vercel AI SDK's models of the three providers, changed in nothing but their base URL and key.
// test_node.py runs it against its gateway, which it names in the environment.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, streamText, tool } from "ai";
import { z } from "zod";

const { GATEWAY_URL, RICH_KEY, POOR_KEY } = process.env;
const prompt = "Say hello. [[sim output=40 input=30 chunks=8]]";

const models = {
  "openai chat": (apiKey) => openai(apiKey).chat("gpt-4o-mini"),
  "openai responses": (apiKey) => openai(apiKey).responses("gpt-5-mini"),
  "claude through openai's chat": (apiKey) => openai(apiKey).chat("claude-haiku-4-5"),
  "gemini through openai's responses": (apiKey) => openai(apiKey).responses("gemini-2.5-flash"),
  anthropic: (apiKey) =>
    createAnthropic({ apiKey, baseURL: `${GATEWAY_URL}/v1` })("claude-haiku-4-5"),
  google: (apiKey) =>
    createGoogleGenerativeAI({ apiKey, baseURL: `${GATEWAY_URL}/v1beta` })("gemini-2.5-flash"),
};

function openai(apiKey) {
  return createOpenAI({ apiKey, baseURL: `${GATEWAY_URL}/v1` });
}

for (const [name, modelFor] of Object.entries(models)) {
  test(`${name}: a whole answer`, async () => {
    const { text, usage } = await generateText({ model: modelFor(RICH_KEY), prompt, maxRetries: 0 });
    assert.ok(text);
    assert.equal(usage.outputTokens, 40);
    assert.equal(usage.inputTokens, 30);
  });

  test(`${name}: a stream`, async () => {
    const answer = streamText({ model: modelFor(RICH_KEY), prompt, maxRetries: 0 });
    const pieces = [];
    for await (const piece of answer.textStream) pieces.push(piece);
    assert.ok(pieces.length >= 8, `${pieces.length} pieces`);
    assert.equal((await answer.usage).outputTokens, 40);
    assert.equal(await answer.finishReason, "stop");
  });

  test(`${name}: a tool is called`, async () => {
    const weather = tool({
      description: "Tells the weather",
      inputSchema: z.object({ city: z.string() }),
    });
    const { toolCalls } = await generateText({
      model: modelFor(RICH_KEY),
      prompt: "How is the weather?",
      tools: { weather },
      maxRetries: 0,
    });
    assert.deepEqual(toolCalls.map((call) => call.toolName), ["weather"]);
  });

  test(`${name}: a refusal by budget is an error that is not retried`, async () => {
    const asked = generateText({ model: modelFor(POOR_KEY), prompt });
    await assert.rejects(asked, /budget/);
  });
}
