"""LangChain's models of the three providers, changed in nothing but their base URL and key."""

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_google_genai import ChatGoogleGenerativeAI
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

PROMPT = "Say hello. [[sim output=40 input=30 chunks=8]]"


def openai(gateway, key, model="gpt-4o-mini", **more):
    return ChatOpenAI(model=model, base_url=f"{gateway.url}/v1", api_key=key, max_retries=0, **more)


def anthropic(gateway, key):
    return ChatAnthropic(
        model="claude-haiku-4-5", base_url=gateway.url, api_key=key, max_retries=0, max_tokens=500
    )


def google(gateway, key):
    return ChatGoogleGenerativeAI(
        model="gemini-2.5-flash", base_url=gateway.url, api_key=key, max_retries=1
    )


def translated(gateway, key):
    """Claude through OpenAI's API."""
    return openai(gateway, key, "claude-haiku-4-5", max_tokens=500)


def responses(gateway, key):
    return openai(gateway, key, "gpt-5-mini", use_responses_api=True)


MODELS = [openai, anthropic, google, translated, responses]


@pytest.mark.parametrize("model", MODELS)
def test_chat(gateway, rich, model):
    answer = model(gateway, rich.key).invoke(PROMPT)
    assert answer.content
    usage = answer.usage_metadata
    assert (usage["input_tokens"], usage["output_tokens"]) == (30, 40)


@pytest.mark.parametrize("model", MODELS)
def test_stream(gateway, rich, model):
    chunks = list(model(gateway, rich.key).stream(PROMPT))
    assert len([chunk for chunk in chunks if chunk.content]) >= 8
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    assert whole.content


@pytest.mark.parametrize("model", [openai, anthropic, translated])
def test_tools(gateway, rich, model):
    def weather(city: str) -> str:
        """Tells the weather."""
        return city

    bound = model(gateway, rich.key).bind_tools([weather])
    answer = bound.invoke("How is the weather?")
    assert [call["name"] for call in answer.tool_calls] == ["weather"]


def test_embeddings(gateway, rich):
    model = OpenAIEmbeddings(
        model="text-embedding-3-small",
        base_url=f"{gateway.url}/v1",
        api_key=rich.key,
        # Its tokeniser would be downloaded.
        check_embedding_ctx_length=False,
    )
    assert len(model.embed_documents(["one", "two"])) == 2


@pytest.mark.parametrize("model", MODELS)
def test_a_refusal_by_budget_is_an_error(gateway, poor, model):
    with pytest.raises(Exception, match="budget"):
        model(gateway, poor.key).invoke(PROMPT)
