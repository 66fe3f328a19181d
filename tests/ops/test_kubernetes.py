"""Kustomization and chart: read by kubectl, helm and the API's schemas, true of the program."""

import json
import subprocess

import pytest
import yaml
from conftest import REPOSITORY, SCRIPTS, find, run

KUBERNETES = REPOSITORY / "deploy" / "kubernetes"
CHART = REPOSITORY / "deploy" / "helm" / "budgetguard"


@pytest.fixture(scope="module")
def objects(tools, tmp_path_factory):
    """All objects by where they come from, each list checked against the API's schemas."""
    made = {
        "kustomize": run([tools["kubectl"], "kustomize", KUBERNETES]),
        "migrate": run([tools["kubectl"], "kustomize", KUBERNETES / "migrate"]),
        "secret": (KUBERNETES / "secret.example.yaml").read_text(),
        "helm": template(tools, "--values", CHART / "ci" / "example-values.yaml"),
    }
    folder = tmp_path_factory.mktemp("kubernetes")
    for name, text in made.items():
        file = folder / f"{name}.yaml"
        file.write_text(text)
        run([SCRIPTS / "kubernetes-validate", "--strict", "--no-warn", file])
    return {name: [x for x in yaml.safe_load_all(text) if x] for name, text in made.items()}


def template(tools, *options):
    return run([tools["helm"], "template", "shop", CHART, "--namespace", "ai", *options])


def of_kind(objects, *kinds):
    return [thing for thing in objects if thing["kind"] in kinds]


def containers(objects):
    pods = of_kind(objects, "StatefulSet", "Deployment", "Job")
    return [
        (pod["spec"]["template"]["spec"], container)
        for pod in pods
        for container in pod["spec"]["template"]["spec"]["containers"]
    ]


def test_selectors_find_the_pods(objects):
    for source in ("kustomize", "helm"):
        pods = of_kind(objects[source], "StatefulSet", "Deployment")
        labels = [pod["spec"]["template"]["metadata"]["labels"] for pod in pods]
        selectors = [(pod, pod["spec"]["selector"]["matchLabels"]) for pod in pods]
        selectors += [(x, x["spec"]["selector"]) for x in of_kind(objects[source], "Service")]
        selectors += [
            (x, x["spec"]["selector"]["matchLabels"])
            for x in of_kind(objects[source], "PodDisruptionBudget")
        ]
        selectors += [
            (x, x["spec"]["podSelector"]["matchLabels"])
            for x in of_kind(objects[source], "NetworkPolicy")
        ]
        assert len(selectors) == 8
        for thing, selector in selectors:
            found = [of for of in labels if selector.items() <= of.items()]
            many = 2 if thing["kind"] == "NetworkPolicy" else 1
            assert len(found) == many, f"{source}: {thing['kind']} {thing['metadata']['name']}"


def test_pods_may_do_nothing_that_they_need_not(objects):
    for source in ("kustomize", "migrate", "helm"):
        for pod, container in containers(objects[source]):
            assert (
                pod["securityContext"]["runAsNonRoot"]
                and pod["securityContext"]["runAsUser"] == 10001
            )
            assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
            assert pod["automountServiceAccountToken"] is False
            allowed = container["securityContext"]
            assert allowed["readOnlyRootFilesystem"] and not allowed["allowPrivilegeEscalation"]
            assert allowed["capabilities"] == {"drop": ["ALL"]}
            assert container["resources"]["requests"] and container["resources"]["limits"]["memory"]


def test_what_pods_are_told_is_what_the_program_reads(objects, variables, binary):
    [secret] = objects["secret"]
    assert set(secret["stringData"]) <= variables
    for source in ("kustomize", "migrate", "helm"):
        for config in of_kind(objects[source], "ConfigMap"):
            if not config["metadata"]["name"].endswith("-policy"):
                assert set(config["data"]) <= variables
        for _, container in containers(objects[source]):
            assert {entry["name"] for entry in container.get("env", [])} <= variables
            for entry in container.get("env", []):
                if "valueFrom" in entry:
                    assert entry["valueFrom"]["secretKeyRef"]["key"] in secret["stringData"]
            run([binary, *container["args"], "--help"])
            ports = {port["name"] for port in container.get("ports", [])}
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                if asked := container.get(probe):
                    how = asked.get("httpGet") or asked["tcpSocket"]
                    assert how["port"] in ports and how.get("path", "/health") == "/health"


def test_the_chart_has_the_objects_of_the_kustomization(objects):
    def essence(source):
        return sorted(
            (x["kind"], x["metadata"].get("labels", {}).get("app.kubernetes.io/component"))
            for x in of_kind(
                objects[source],
                "StatefulSet",
                "Deployment",
                "Service",
                "PodDisruptionBudget",
                "HorizontalPodAutoscaler",
            )
            if x["kind"] != "PodDisruptionBudget"
        )

    assert essence("kustomize") == essence("helm")
    kinds = {thing["kind"] for thing in objects["helm"]}
    others = ("migrate", "secret", "kustomize")
    assert {x["kind"] for name in others for x in objects[name]} - {"Namespace"} <= kinds


def test_workers_are_scaled_by_a_figure_that_there_is(objects, tmp_path):
    adapter = yaml.safe_load((KUBERNETES / "prometheus-adapter.yaml").read_text())
    [rule] = adapter["rules"]["external"]
    figure = rule["name"]["as"]
    assert rule["seriesQuery"].split("{")[0] in (REPOSITORY / "src/metrics/queue.rs").read_text()
    query = rule["metricsQuery"]
    for part, value in {
        "Series": figure,
        "LabelMatchers": 'namespace="ai"',
        "GroupBy": "namespace",
    }.items():
        query = query.replace(f"<<.{part}>>", value)
    rules = {"groups": [{"name": "adapter", "rules": [{"record": "figure", "expr": query}]}]}
    (tmp_path / "rules.yml").write_text(json.dumps(rules))
    run([find("promtool"), "check", "rules", tmp_path / "rules.yml"])
    for source in ("kustomize", "helm"):
        [scaler] = of_kind(objects[source], "HorizontalPodAutoscaler")
        [metric] = scaler["spec"]["metrics"]
        assert metric["external"]["metric"]["name"] == figure
        workers = [x["metadata"]["name"] for x in of_kind(objects[source], "Deployment")]
        assert [scaler["spec"]["scaleTargetRef"]["name"]] == workers


def test_the_chart_is_accepted_by_its_linter(tools):
    values = CHART / "ci" / "example-values.yaml"
    run([tools["helm"], "lint", "--strict", CHART, "--values", values])


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("gateway.replicas=0", "replicas"),
        ("gateway.replica=3", "replica"),
        ("secrets.KEY_PEPPER=short", "KEY_PEPPER"),
        ("secrets.DATABASE_URL=mysql://db", "DATABASE_URL"),
        ("settings.PORT=port", "PORT"),
    ],
)
def test_wrong_values_are_refused_by_name(tools, option, told):
    command = [tools["helm"], "template", "shop", CHART, "--set", option]
    command += ["--values", CHART / "ci" / "example-values.yaml"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode != 0 and told in done.stderr, done.stderr


def test_without_a_queue_there_are_no_workers(tools):
    options = [
        "--values",
        CHART / "ci" / "example-values.yaml",
        "--set",
        "settings.USAGE_QUEUE=local",
    ]
    made = [x for x in yaml.safe_load_all(template(tools, *options)) if x]
    assert not of_kind(made, "Deployment", "HorizontalPodAutoscaler")


def test_a_secret_that_is_there_is_not_made(tools):
    made = template(tools, "--set", "secrets.existing=mine")
    made = [x for x in yaml.safe_load_all(made) if x]
    assert not of_kind(made, "Secret")
    for _, container in containers(made):
        names = [
            source["secretRef"]["name"]
            for source in container.get("envFrom", [])
            if "secretRef" in source
        ]
        assert names in ([], ["mine"])
