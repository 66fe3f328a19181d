"""Prometheus' rules and Grafana's dashboard, against a Prometheus that scrapes a real fleet."""

import http.client
import json
import re
import shutil
import urllib.parse

import pytest
import stage as staging
import yaml
from conftest import METRICS_TOKEN, REPOSITORY, eventually, find, run

CONF = REPOSITORY / "conf"
# What Grafana puts in place of its variables.
VARIABLES = {"$instance": ".*", "$__rate_interval": "1m", "$__range": "5m"}
FAMILY = re.compile(r"\b(?:budgetguard|gen_ai|process)_\w+\b(?=[{\[ )]|$)")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Prometheus' files, in a folder as docs/DEPLOY.md has it."""
    folder = tmp_path_factory.mktemp("prometheus")
    shutil.copytree(CONF / "prometheus", folder, dirs_exist_ok=True)
    (folder / "metrics-token").write_text(METRICS_TOKEN)
    return folder


@pytest.fixture(scope="module")
def alerts():
    groups = yaml.safe_load((CONF / "prometheus" / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


@pytest.fixture(scope="module")
def queries():
    """The dashboard's queries, by the title of their panel."""
    panels = json.loads((CONF / "grafana" / "budgetguard.json").read_text())["panels"]
    found = []
    for panel in panels:
        for target in panel.get("targets", []):
            query = target["expr"]
            for name, value in VARIABLES.items():
                query = query.replace(name, value)
            found.append((panel["title"], query))
    return found


def test_the_configuration_is_valid(folder):
    run([find("promtool"), "check", "config", folder / "prometheus.yml"])


def test_each_alert_fires_when_it_should_and_only_then(folder, alerts):
    run([find("promtool"), "test", "rules", folder / "alerts_test.yml"])
    tests = yaml.safe_load((folder / "alerts_test.yml").read_text())["tests"]
    fires, silent = set(), set()
    for test in tests:
        for case in test["promql_expr_test"]:
            name = re.search(r'alertname="(\w+)"', case["expr"])[1]
            (fires if case.get("exp_samples") else silent).add(name)
    names = {alert["alert"] for alert in alerts}
    assert fires == silent == names


def test_each_alert_has_a_runbook(alerts):
    text = (REPOSITORY / "docs" / "OPERATE.md").read_text()
    headings = re.findall(r"^#+ (\w+)$", text, re.MULTILINE)
    anchors = {f"docs/OPERATE.md#{heading.lower()}" for heading in headings}
    runbooks = [alert["annotations"]["runbook_url"] for alert in alerts]
    assert set(runbooks) <= anchors
    assert len(set(runbooks)) == len(alerts)


@pytest.fixture(scope="module")
def prometheus(stage, fleet, folder):
    """Scrapes the fleet by the repository's configuration, and has seen everything three times."""
    make_traffic(fleet)
    file = folder / "prometheus.yml"
    text = file.read_text().replace("15s", "1s")
    gateways = [f"127.0.0.1:{gateway.port}" for gateway in fleet.gateways]
    text = text.replace('["127.0.0.1:3000"]', json.dumps(gateways))
    text = text.replace('["127.0.0.1:3100"]', json.dumps([f"127.0.0.1:{fleet.worker.port}"]))
    file.write_text(text)
    port = staging.free_port()
    command = [find("prometheus"), f"--config.file={file}", f"--storage.tsdb.path={folder}/data"]
    command += [f"--web.listen-address=127.0.0.1:{port}"]
    answers = staging.answers_get("/-/ready")
    server = stage.run("prometheus", folder, port, command, answers=answers)
    server.wait()
    scraped = "min(count_over_time(up[1h])) >= 3 and min(up) == 1 and count(up) == 4"
    eventually(lambda: ask(server, scraped), "everything is scraped")
    return server


def make_traffic(fleet):
    """A little of everything that is counted."""
    _, rich = fleet.tenant("rich", "1000")
    for text in ["[[sim output=20]]", "[[sim output=40 delay_ms=1]]"]:
        for path, body in [openai(text), openai(text, stream=True), anthropic(text)]:
            for gateway in fleet.gateways:
                assert post(gateway, rich, path, body) == 200
    # Beyond what was asked of it: cut off.
    cheats = openai("[[sim ignore_cap output=2000 chunks=200]]", stream=True, max_tokens=16)
    post(fleet.gateways[0], rich, *cheats)
    post(fleet.gateways[0], rich, *openai("hello", model="a-model-without-a-price"))
    post(fleet.gateways[0], "bg_not-a-key", *openai("hello"))
    _, poor = fleet.tenant("poor", "0.0002")
    spend_it_all = (post(fleet.gateways[0], poor, *openai("hello")) for _ in range(100))
    assert 402 in spend_it_all
    _, warned = fleet.tenant("warned", "0.000001", enforcement="shadow")
    assert post(fleet.gateways[0], warned, *openai("hello")) == 200
    # Tried again, and left alone after that.
    failures = [post(fleet.gateways[0], rich, *anthropic("[[sim status=500]]")) for _ in range(5)]
    assert failures[-1] == 503


def openai(text, model="gpt-4o-mini", max_tokens=100, **more):
    body = {
        "model": model,
        "max_tokens": max_tokens,
        "messages": [{"role": "user", "content": text}],
    }
    return "/v1/chat/completions", body | more


def anthropic(text):
    return "/v1/messages", openai(text, model="claude-haiku-4-5")[1]


def post(gateway, key, path, body):
    """The status of the answer, which is read to its end."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10)
    headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
    try:
        connection.request("POST", path, json.dumps(body), headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def ask(server, query):
    path = f"/api/v1/query?{urllib.parse.urlencode({'query': query})}"
    return json.loads(staging.call(server.port, "GET", path))["data"]["result"]


def test_every_query_of_the_dashboard_has_an_answer(prometheus, queries):
    assert len(queries) > 50
    for title, query in queries:
        eventually(lambda query=query: ask(prometheus, query), f"{title}: {query}", 15)


def test_every_expression_of_the_rules_is_understood_and_its_families_exist(prometheus, alerts):
    names = staging.call(prometheus.port, "GET", "/api/v1/label/__name__/values")
    names = set(json.loads(names)["data"])
    for alert in alerts:
        ask(prometheus, alert["expr"])
        families = set(FAMILY.findall(alert["expr"]))
        assert families <= names, f"{alert['alert']}: {families - names}"
        assert families or "up{" in alert["expr"], alert["alert"]


def test_prometheus_evaluates_the_rules(prometheus, alerts):
    def evaluated():
        answer = json.loads(staging.call(prometheus.port, "GET", "/api/v1/rules"))
        rules = [rule for group in answer["data"]["groups"] for rule in group["rules"]]
        return rules if all(rule["health"] == "ok" for rule in rules) else None

    assert len(eventually(evaluated, "the rules are evaluated")) == len(alerts)


def test_an_alert_of_a_budget_is_one_in_prometheus(prometheus):
    firing = 'ALERTS{alertname="BudgetExhausted", alertstate="firing", scope_kind="tenant"}'
    eventually(lambda: ask(prometheus, firing), "the exhausted budget is told of")
    quiet = 'ALERTS{alertname=~"GatewayDown|AllGatewaysDown|WorkerDown|CheckpointRefused"}'
    assert not ask(prometheus, quiet)


def test_metrics_are_for_those_who_have_the_token(fleet):
    for target in [fleet.gateways[0], fleet.worker]:
        with pytest.raises(OSError, match="401"):
            staging.call(target.port, "GET", "/metrics")


@pytest.mark.parametrize("document", ["OPERATE.md", "DEPLOY.md"])
def test_commands_that_runbooks_name_are_there(binary, document):
    text = (REPOSITORY / "docs" / document).read_text()
    named = set(re.findall(r"`budgetguard ((?:[a-z][a-z-]* ?)+)", text))
    assert len(named) > 5 or document == "DEPLOY.md"
    for words in named:
        run([binary, *words.split(), "--help"])
