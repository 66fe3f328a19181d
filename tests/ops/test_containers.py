"""Scripts, image, Fly and Compose: read by the tools that read them, and true of the program."""

import fnmatch
import json
import re
import tomllib
from pathlib import Path

import pytest
import stage as staging
import yaml
from conftest import REPOSITORY, SCRIPTS, eventually, find, run

COMPOSE = {"one": "docker-compose.yml", "fleet": "docker-compose.prod.yml"}
# What its image needs and no setting of the program says.
NOT_OURS = {"POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD_FILE", "SERVER_NAME"}


# Scripts, the image and Fly


def test_scripts_have_nothing_that_their_linter_minds():
    scripts = [
        file for file in (REPOSITORY / "scripts").iterdir() if "bash" in file.read_text()[:40]
    ]
    assert len(scripts) >= 6
    run(
        [SCRIPTS / "shellcheck", "--external-sources", "--severity=warning", *scripts],
        cwd=REPOSITORY,
    )


def test_the_dockerfile_has_nothing_that_its_linter_minds():
    run([SCRIPTS / "hadolint", "--failure-threshold", "style", REPOSITORY / "Dockerfile"])


def test_what_the_build_needs_is_sent_to_it():
    patterns = (REPOSITORY / ".dockerignore").read_text().splitlines()
    patterns = [line for line in patterns if line and not line.startswith("#")]
    needed = run(
        ["git", "ls-files", "src", "crates", "conf", "migrations", "policy", "tests", "bench"],
        cwd=REPOSITORY,
    ).split()
    needed += ["Cargo.toml", "Cargo.lock", "build.rs", "rust-toolchain.toml"]
    needed += [
        "src/dashboard/package.json",
        "src/dashboard/package-lock.json",
        "src/dashboard/.npmrc",
    ]
    for pattern in patterns:
        pattern = pattern.removeprefix("**/")
        missed = [
            file
            for file in needed
            if fnmatch.fnmatch(file, pattern) or file.startswith(f"{pattern}/")
        ]
        assert not missed, f"{pattern} keeps {missed[:3]} from the build"
    assert ".git" in patterns and ".env" in patterns and "secrets" in patterns


def test_fly_asks_what_the_program_answers(variables, binary):
    fly = tomllib.loads((REPOSITORY / "fly.toml").read_text())
    port = fly["http_service"]["internal_port"]
    assert str(port) == fly["env"]["PORT"]
    assert fly["mounts"]["destination"] == fly["env"]["DATA_DIR"]
    assert set(fly["env"]) <= variables
    assert (REPOSITORY / fly["build"]["dockerfile"]).exists()
    run([binary, *fly["deploy"]["release_command"].split(), "--help"])
    assert [check["path"] for check in fly["http_service"]["checks"]] == ["/health"]
    drain = tomllib.loads((REPOSITORY / "conf" / "budgetguard.toml").read_text())["server"]
    minutes = int(fly["kill_timeout"].removesuffix("m"))
    assert minutes * 60 > drain["shutdown_drain_s"]


# Compose


@pytest.fixture(scope="module", params=COMPOSE.values())
def compose(request):
    """A file as docker-compose understands it, with its variables replaced."""
    environment = {
        "PATH": "/usr/bin:/bin",
        "TLS_DIR": "/tls",
        "COMPOSE_PROFILES": "simulated,monitoring",
    }
    text = run(
        [find("docker-compose"), "-f", request.param, "config"], cwd=REPOSITORY, env=environment
    )
    return request.param, yaml.safe_load(text)


def test_compose_files_follow_the_specification():
    command = [SCRIPTS / "check-jsonschema", "--builtin-schema", "vendor.compose-spec"]
    run([*command, *(REPOSITORY / name for name in COMPOSE.values())])


def test_services_are_hardened_and_set_what_there_is(compose, variables):
    file, read = compose
    for name, service in read["services"].items():
        environment = {key for key, value in (service.get("environment") or {}).items()}
        assert environment <= variables | NOT_OURS, f"{file}: {name}"
        if service["image"].startswith("budgetguard"):
            assert service["read_only"] and service["cap_drop"] == ["ALL"], name
            assert service["security_opt"] == ["no-new-privileges:true"], name
            if service.get("command", ["serve"])[0] == "serve":
                assert service["volumes"], f"{name} has no place for its spool"
        for volume in service.get("volumes", []):
            source = volume.split(":")[0] if isinstance(volume, str) else volume["source"]
            if source.startswith(str(REPOSITORY / "conf")):
                assert Path(source).is_file(), f"{name} mounts {source}"
    places = [
        volume
        for service in read["services"].values()
        for volume in service.get("volumes", [])
        if str(volume).endswith("/data:rw") or str(volume).endswith(":/data")
    ]
    assert len(places) == len(set(map(str, places))), "two gateways share a volume"


def test_the_simulated_providers_stand_in_with_one_option():
    command = [find("docker-compose"), "--env-file", "conf/simulated.env", "config"]
    read = yaml.safe_load(run(command, cwd=REPOSITORY, env={"PATH": "/usr/bin:/bin"}))
    assert set(read["services"]) == {"budgetguard", "simulator"}
    address = read["services"]["budgetguard"]["environment"]["OPENAI_BASE_URL"]
    assert (
        address == f"http://simulator:{read['services']['simulator']['command'][-1].split(':')[1]}"
    )


def test_nginx_in_compose_is_that_of_the_repository(tmp_path):
    read = yaml.safe_load((REPOSITORY / COMPOSE["fleet"]).read_text())
    script = read["services"]["nginx"]["command"][2].replace("$$", "$")
    script = script.replace("/etc/nginx/budgetguard.conf", str(REPOSITORY / "conf" / "nginx.conf"))
    script = script.replace("/etc/nginx/nginx.conf", str(tmp_path / "nginx.conf")).split(
        " && exec"
    )[0]
    run(["sh", "-c", script], env={"PATH": "/usr/bin:/bin", "SERVER_NAME": "ai.example.org"})
    made = (tmp_path / "nginx.conf").read_text()
    gateways = [name for name in read["services"] if name.startswith("gateway-")]
    assert re.findall(r"server (\S+:3000) ", made) == [f"{name}:3000" for name in gateways]
    assert "budgetguard.example.com" not in made and "/etc/letsencrypt" not in made
    assert made.count("server_name ai.example.org;") == 2


def prometheus_folder(folder, text):
    """A configuration with the rules beside it, and a token where it looks for one."""
    (folder / "token").write_text("token")
    text = re.sub(r"credentials_file: \S+", f"credentials_file: {folder}/token", text)
    (folder / "prometheus.yml").write_text(text)
    rules = REPOSITORY / "conf" / "prometheus" / "alerts.yml"
    (folder / "alerts.yml").write_text(rules.read_text())
    return folder / "prometheus.yml"


def test_prometheus_in_compose_knows_who_is_there(tmp_path):
    text = (REPOSITORY / "conf" / "prometheus" / "compose.yml").read_text()
    run([find("promtool"), "check", "config", prometheus_folder(tmp_path, text)])
    services = yaml.safe_load((REPOSITORY / COMPOSE["fleet"]).read_text())["services"]
    gateways, workers = yaml.safe_load(text)["scrape_configs"]
    names = [target.split(":")[0] for target in gateways["static_configs"][0]["targets"]]
    assert names == [name for name in services if name.startswith("gateway-")]
    port = services["gateway-1"]["environment"]["ADMIN_LISTEN"].split(":")[1]
    assert {target.split(":")[1] for target in gateways["static_configs"][0]["targets"]} == {port}
    assert workers["dns_sd_configs"][0]["names"] == ["worker"]


@pytest.mark.parametrize(
    ("job", "kept"), [("budgetguard", "gateway:admin"), ("budgetguard-worker", "worker:http")]
)
def test_prometheus_on_kubernetes_finds_each_pod_once(tmp_path, job, kept):
    """Debian's Prometheus cannot ask Kubernetes: it is told the pods as Kubernetes would."""
    pods = [("gateway", "http"), ("gateway", "admin"), ("worker", "http"), ("migrate", "none")]
    lines = ""
    for component, port in pods:
        labels = {
            "pod_label_app_kubernetes_io_name": "budgetguard",
            "pod_label_app_kubernetes_io_component": component,
            "pod_container_port_name": port,
            "namespace": "ai",
            "pod_name": f"shop-{component}-0",
        }
        labels = {f"__meta_kubernetes_{name}": value for name, value in labels.items()}
        lines += f"      - {json.dumps({'targets': [f'{component}-{port}:1'], 'labels': labels})}\n"
    text = (REPOSITORY / "conf" / "prometheus" / "kubernetes.yml").read_text()
    text = text.replace("kubernetes_sd_configs:\n      - role: pod\n", f"static_configs:\n{lines}")
    assert text.count("static_configs") == 2
    file = prometheus_folder(tmp_path, text)
    run([find("promtool"), "check", "config", file])
    told = run([find("promtool"), "check", "service-discovery", "--timeout=1s", file, job])
    targets = [
        target["labels"] for target in json.loads(told[told.index("[") :]) if target.get("labels")
    ]
    component, port = kept.split(":")
    assert [(x["__address__"], x["instance"], x["namespace"]) for x in targets] == [
        (f"{component}-{port}:1", f"shop-{component}-0", "ai")
    ]


def test_a_fleet_starts_with_what_its_compose_file_gives_it(stage, servers, new_database, tmp_path):
    """Each process with exactly its variables and secrets; only addresses are others."""
    run([REPOSITORY / "scripts" / "make-secrets", tmp_path])
    made = {file.name: file.read_text() for file in tmp_path.iterdir()}
    run([REPOSITORY / "scripts" / "make-secrets", tmp_path])
    assert made == {file.name: file.read_text() for file in tmp_path.iterdir()}, (
        "they were made anew"
    )
    read = yaml.safe_load((REPOSITORY / COMPOSE["fleet"]).read_text())
    assert set(read["secrets"]) == set(made)
    for secret, value in {
        "database_url": new_database().url,
        "redis_url": f"{servers[1]}/7",
    }.items():
        (tmp_path / secret).chmod(0o600)
        (tmp_path / secret).write_text(value)

    def given(service, **others):
        values = {**read["services"][service]["environment"], **others}
        for value in values.values():
            if value.startswith("file:"):
                assert (
                    value.removeprefix("file:/run/secrets/") in read["services"][service]["secrets"]
                )
        return {
            name: value.replace("/run/secrets", str(tmp_path)) for name, value in values.items()
        }

    migrate = [stage.binaries / "budgetguard", *read["services"]["migrate"]["command"]]
    run(migrate, env=given("migrate", PATH="/usr/bin:/bin"), cwd=tmp_path)
    admin_port, ports = staging.free_port(), [staging.free_port() for _ in range(2)]
    targets = []
    for port, (name, command) in zip(ports, [("gateway-2", "serve"), ("worker", "worker")]):
        environment = given(name, HOST="127.0.0.1", PORT=str(port))
        if command == "serve":
            environment |= {
                "ADMIN_LISTEN": f"127.0.0.1:{admin_port}",
                "DATA_DIR": str(tmp_path / "data"),
            }
        options = {"environment": environment, "answers": staging.answers_get("/health")}
        arguments = [stage.binaries / "budgetguard", command]
        targets.append(stage.run(f"composed-{name}", tmp_path, port, arguments, **options))
    for target in targets:
        target.wait()
        health = run(
            [stage.binaries / "budgetguard", "healthcheck"], env={"PORT": str(target.port)}
        )
        assert health.strip() == "healthy"
    key = {"x-admin-key": made["admin_key"]}
    status = json.loads(staging.call(admin_port, "GET", "/admin/status", headers=key))
    assert status["healthy"], status
    token = {"authorization": f"Bearer {made['metrics_token']}"}
    for port in (admin_port, ports[1]):
        assert b"budgetguard_queue_available 1" in eventually(
            lambda port=port: seen(port, token, b"budgetguard_queue_available 1"),
            "the queue answers",
        )
    for target in targets:
        target.stop()


def seen(port, headers, text):
    metrics = staging.call(port, "GET", "/metrics", headers=headers)
    return metrics if text in metrics else None
