"""`docker-compose.yml` and `Dockerfile`, as far as they can be checked without an engine."""

import re
import subprocess
from pathlib import Path

import pytest
import typer
import yaml

from app.cli import program
from app.settings import PREFIX, Settings, load_settings
from tests.guides import read_all
from tests.qdrant_answers import Answers, serve_answers
from tests.terminal import ROOT

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
# Those that run Pagelens itself.
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
PROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
SETTING_NAMES = {PREFIX + name.upper() for name in Settings.model_fields}

# What a service may say, of the Compose specification; a misspelt key would be passed over by some
# versions and refused by others.
SERVICE_KEYS = {
    "build",
    "command",
    "depends_on",
    "deploy",
    "environment",
    "healthcheck",
    "image",
    "ports",
    "profiles",
    "restart",
    "volumes",
}
HEALTHCHECK_KEYS = {"test", "interval", "timeout", "retries", "start_period"}


@pytest.fixture
def answers():
    with serve_answers(Answers()) as answers:
        yield answers


@pytest.mark.parametrize("name", SERVICES)
def test_services_are_described_in_words_of_the_specification(name):
    service = SERVICES[name]
    assert set(service) <= SERVICE_KEYS
    assert set(service.get("healthcheck", {})) <= HEALTHCHECK_KEYS
    for other, condition in service.get("depends_on", {}).items():
        assert condition == {"condition": "service_healthy"}
        assert "healthcheck" in SERVICES[other]


def test_qdrant_is_pinned_to_the_release_of_the_client():
    image, _, tag = SERVICES["qdrant"]["image"].partition(":")
    assert image == "qdrant/qdrant"
    assert re.fullmatch(r"v1\.20\.\d+", tag)
    assert '"qdrant-client>=1.20"' in PROJECT


def test_only_the_page_is_published_and_only_on_this_machine():
    port = Settings.model_fields["port"].default
    for name, service in SERVICES.items():
        expected = [f"127.0.0.1:{port}:{port}"] if name in ("web", "web-gpu") else []
        assert service.get("ports", []) == expected


def test_what_is_kept_lies_in_volumes_that_are_declared():
    mounted = {
        volume.split(":")[0]
        for service in SERVICES.values()
        for volume in service["volumes"]
        if not volume.startswith("$")
    }
    assert mounted == set(COMPOSE["volumes"])
    assert "qdrant:/qdrant/storage" in SERVICES["qdrant"]["volumes"]
    for service in OURS.values():
        assert "library:/library" in service["volumes"]


@pytest.mark.parametrize("name", OURS)
def test_environment_names_are_settings_and_their_values_fit(name):
    environment = OURS[name]["environment"]
    assert set(environment) <= SETTING_NAMES
    given = {
        key.removeprefix(PREFIX).lower(): value
        for key, value in environment.items()
        if value is not None
    }
    settings = load_settings(**given)
    assert settings.qdrant_url == "http://qdrant:6333"


@pytest.mark.parametrize("name", OURS)
def test_commands_are_commands_of_pagelens(name):
    commands = typer.main.get_command(program).commands
    command, *arguments = OURS[name]["command"]
    # Its options and arguments are understood; nothing is run.
    commands[command].make_context(command, arguments)


def test_the_cpu_is_the_default_and_a_gpu_is_reserved_in_its_profile():
    assert [name for name, service in SERVICES.items() if "profiles" not in service] == [
        "qdrant",
        "web",
    ]
    for name, service in OURS.items():
        if name.endswith("-gpu"):
            (device,) = service["deploy"]["resources"]["reservations"]["devices"]
            assert device == {"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}
            assert service["profiles"] == ["gpu"]
            assert service["image"] == OURS[name.removesuffix("-gpu")]["image"]
        else:
            assert "deploy" not in service


def run_health_check(name: str, container_port: int, answers: Answers) -> int:
    """Runs a service's own check against a server of this machine in place of the container's."""
    kind, *command = SERVICES[name]["healthcheck"]["test"]
    assert kind == "CMD"
    port = answers.url.rpartition(":")[2]
    command = [part.replace(f"127.0.0.1:{container_port}", f"127.0.0.1:{port}") for part in command]
    command = [part.replace(f"127.0.0.1/{container_port}", f"127.0.0.1/{port}") for part in command]
    return subprocess.run(command, capture_output=True, timeout=30).returncode


@pytest.mark.parametrize(
    ("name", "port", "path"), [("qdrant", 6333, "/readyz"), ("web", 7860, "/health")]
)
def test_health_checks_pass_once_a_service_is_ready_and_not_before(answers, name, port, path):
    answers.failures[:] = [503]
    assert run_health_check(name, port, answers) != 0
    assert run_health_check(name, port, answers) == 0
    assert answers.paths == [f"GET {path}"] * 2


def test_the_image_is_pinned_and_its_settings_are_known():
    (base,) = re.findall(r"^FROM (\S+)$", DOCKERFILE, re.MULTILINE)
    assert re.fullmatch(r"python:3\.1[0-3]-slim-\w+", base)
    assert set(re.findall(rf"\b{PREFIX}[A-Z_]+\b", DOCKERFILE)) <= SETTING_NAMES
    assert "USER pagelens" in DOCKERFILE


def test_all_that_the_image_copies_is_there_and_let_through():
    let_through = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    copied = [
        source
        for line in re.findall(r"^COPY (.+)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    ]
    for source in copied:
        assert (ROOT / source).exists()
        assert f"!{source}" in let_through
    for package in Path(ROOT).glob("*/__init__.py"):
        if package.parent.name not in ("tests", "sample_docs"):
            assert package.parent.name in copied


def test_the_image_installs_the_torch_that_the_project_names():
    (script,) = re.findall(r"torch=\$\((.+?)\) ", DOCKERFILE)
    ended = subprocess.run(["sh", "-c", script], cwd=ROOT, capture_output=True, text=True)
    pinned = re.findall(r'"(torch(?:vision)?==[^"]+)"', PROJECT)
    assert ended.stdout.split() == pinned
    assert len(pinned) == 2


def test_the_guides_name_services_that_are_there():
    named = re.findall(r"docker compose (?:up -d|run --rm|stop|start) ([a-z-]+)", read_all())
    assert {"web", "ingest"} <= set(named) <= set(SERVICES)
