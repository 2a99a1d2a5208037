"""The manifests of deploy/kubernetes: each is valid, and they agree with one another, the image and the settings."""

import ipaddress
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import kubernetes_validate
import pytest
import yaml

from bot.cli.running import WAIT_FOR_DATABASE, refuse_faulty_tokens
from bot.common.addresses import place
from bot.common.errors import ConfigError
from bot.config import Secrets, Settings, load, parse
from bot.runtime.signals import END_SECONDS
from bot.store.url import parse as parse_url
from bot.telemetry.health import Health, served
from bot.telemetry.metrics import Metrics

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "deploy/kubernetes"
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
FILES = sorted(FOLDER.rglob("*.yaml"))
KUSTOMIZATIONS = [path for path in FILES if path.name == "kustomization.yaml"]
MANIFESTS = [path for path in FILES if path not in KUSTOMIZATIONS]
OVERLAYS = ("sqlite", "postgres")
NEWEST = kubernetes_validate.latest_version()
UNITS = {"Mi": 1 << 20, "Gi": 1 << 30}


def name(path: Path) -> str:
    return path.relative_to(FOLDER).as_posix()


def read(path: Path) -> dict[str, Any]:
    """The one document of a file."""
    [document] = yaml.safe_load_all(path.read_text(encoding="utf-8"))
    assert isinstance(document, dict)
    return document


def built(folder: Path) -> Iterator[dict[str, Any]]:
    """What an overlay applies: its resources with their images, as kustomize builds them. There are no patches."""
    kustomization = read(folder / "kustomization.yaml")
    assert set(kustomization) <= {"apiVersion", "kind", "resources", "images"}
    for resource in kustomization["resources"]:
        path = (folder / resource).resolve()
        yield from built(path) if path.is_dir() else [read(path)]


def pods(overlay: str) -> dict[str, Any]:
    """The workload of an overlay."""
    [found] = [each for each in built(FOLDER / overlay) if each["kind"] in {"Deployment", "StatefulSet"}]
    return found


def pod(overlay: str) -> dict[str, Any]:
    found: dict[str, Any] = pods(overlay)["spec"]["template"]["spec"]
    return found


def container(overlay: str) -> dict[str, Any]:
    [found] = pod(overlay)["containers"]
    assert isinstance(found, dict)
    return found


def size(quantity: str) -> int:
    return int(quantity[:-2]) * UNITS[quantity[-2:]]


def settings() -> Settings:
    text = read(FOLDER / "base/settings.yaml")["data"]["config.yaml"]
    return parse(text, secrets=Secrets(_env_file=None), environment={})


def secret(overlay: str) -> dict[str, str]:
    found: dict[str, str] = read(FOLDER / overlay / "secret.yaml")["stringData"]
    return found


@pytest.mark.parametrize("path", MANIFESTS, ids=name)
def test_manifest_is_valid_by_itself(path: Path) -> None:
    """Strictly, so that no field is unknown, against the newest schema and that of three releases before."""
    major, minor = NEWEST.split(".")[:2]
    for version in (NEWEST, f"{major}.{int(minor) - 3}"):
        kubernetes_validate.validate(read(path), version, strict=True)


def test_validation_finds_a_misspelled_field() -> None:
    workload = pods("postgres")
    workload["spec"]["template"]["spec"]["containers"][0]["readOnlyRootFileSystem"] = True
    with pytest.raises(kubernetes_validate.ValidationError, match="readOnlyRootFileSystem"):
        kubernetes_validate.validate(workload, NEWEST, strict=True)


def test_every_manifest_is_applied_by_an_overlay_but_the_secrets() -> None:
    """Applying a form of a secret again would put placeholders in the place of tokens."""
    named = {
        (path.parent / resource).resolve()
        for path in KUSTOMIZATIONS
        for resource in read(path)["resources"]
        if not (path.parent / resource).is_dir()
    }
    assert all(path.exists() for path in named)
    assert set(MANIFESTS) - named == {FOLDER / overlay / "secret.yaml" for overlay in OVERLAYS}
    assert all(read(path)["resources"][0] == "../base" for path in KUSTOMIZATIONS if path.parent.name != "base")


@pytest.mark.skipif(
    shutil.which("kubectl") is None, reason="this machine has no kubectl; all other tests read the manifests without it"
)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_kubectl_builds_what_this_test_builds(overlay: str) -> None:
    command = ["kubectl", "kustomize", str(FOLDER / overlay)]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603
    theirs = {(each["kind"], each["metadata"]["name"]): each for each in yaml.safe_load_all(out)}
    assert theirs == {(each["kind"], each["metadata"]["name"]): each for each in built(FOLDER / overlay)}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_all_is_in_one_namespace_and_of_one_name(overlay: str) -> None:
    for each in built(FOLDER / overlay):
        own = each["metadata"]
        assert own["labels"] == {"app.kubernetes.io/name": "cmbot"} or each["kind"] == "Namespace"
        assert own.get("namespace", own["name"]) == "cmbot"
    assert secret(overlay)
    assert read(FOLDER / overlay / "secret.yaml")["metadata"]["namespace"] == "cmbot"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_selectors_select_the_pods(overlay: str) -> None:
    template = pods(overlay)["spec"]["template"]["metadata"]["labels"]
    assert pods(overlay)["spec"]["selector"]["matchLabels"] == template
    for each in built(FOLDER / overlay):
        if each["kind"] == "NetworkPolicy":
            assert each["spec"]["podSelector"]["matchLabels"] == template
        elif each["kind"] == "PodDisruptionBudget":
            assert each["spec"]["selector"]["matchLabels"] == template
        elif each["kind"] == "Service":
            assert each["spec"]["selector"] == template
    for spread in pod(overlay).get("topologySpreadConstraints", ()):
        assert spread["labelSelector"]["matchLabels"] == template


def test_overlays_run_the_same_pod() -> None:
    """They differ in the state, the spread over nodes, the database that one needs, and what a rollout waits for."""
    shapes = []
    for overlay in OVERLAYS:
        spec = pod(overlay)
        spec.pop("topologySpreadConstraints", None)
        spec["volumes"] = [each for each in spec["volumes"] if each["name"] != "state"]
        [own] = spec["containers"]
        del own["readinessProbe"]["httpGet"]["path"]
        own["env"] = [each for each in own["env"] if each["name"] != "CMBOT_STORE_URL"]
        shapes.append(spec)
    assert shapes[0] == shapes[1]


def test_sqlite_has_one_writer_and_postgres_three() -> None:
    assert (pods("sqlite")["kind"], pods("sqlite")["spec"]["replicas"]) == ("StatefulSet", 1)
    assert (pods("postgres")["kind"], pods("postgres")["spec"]["replicas"]) == ("Deployment", 3)
    [claim] = [each for each in built(FOLDER / "sqlite") if each["kind"] == "PersistentVolumeClaim"]
    [state] = [each for each in pod("sqlite")["volumes"] if each["name"] == "state"]
    assert state["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    [needed] = [each for each in container("postgres")["env"] if each["name"] == "CMBOT_STORE_URL"]
    assert not needed["valueFrom"]["secretKeyRef"].get("optional"), "else three pods would have a file each"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_pod_runs_without_privileges(overlay: str) -> None:
    spec, own = pod(overlay), container(overlay)
    user = re.search(r"^USER (\d+):(\d+)$", DOCKERFILE, re.MULTILINE)
    assert user
    context = spec["securityContext"]
    assert context["runAsNonRoot"] is True
    assert (context["runAsUser"], context["runAsGroup"]) == (int(user[1]), int(user[2]))
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert own["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "privileged": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert spec["automountServiceAccountToken"] is False
    assert read(FOLDER / "base/serviceaccount.yaml")["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_environment_is_that_of_the_program(overlay: str) -> None:
    """The variables exist, and Kubernetes adds none that begin with CMBOT_ for the Service of that name."""
    own = container(overlay)
    variables = {each["name"] for each in own["env"]} | set(secret(overlay))
    assert variables <= {field.upper() for field in Secrets.model_fields}
    assert pod(overlay)["enableServiceLinks"] is False
    [config] = [each["value"] for each in own["env"] if each["name"] == "CMBOT_CONFIG"]
    mounts = {each["name"]: each["mountPath"] for each in own["volumeMounts"]}
    assert config == f"{mounts['settings']}/config.yaml"
    assert f"CMBOT_CONFIG={config}" in DOCKERFILE
    assert f"VOLUME {mounts['state']}\n" in DOCKERFILE
    assert {each["name"] for each in pod(overlay)["volumes"]} == set(mounts)
    [source] = own["envFrom"]
    assert source["secretRef"]["name"] == read(FOLDER / overlay / "secret.yaml")["metadata"]["name"]
    assert own["args"] == ["run"]
    assert "command" not in own, "the entry point of the image handles signals"


def test_file_of_sqlite_is_on_the_volume() -> None:
    file = parse_url(settings().store.url).file
    assert file
    mounts = {each["name"]: each["mountPath"] for each in container("sqlite")["volumeMounts"]}
    assert file.parent.as_posix() == mounts["state"]


def test_settings_are_accepted_and_listened_on_from_outside() -> None:
    found = settings()
    assert (found.http.host, f"EXPOSE {found.http.port}\n" in DOCKERFILE) == ("0.0.0.0", True)  # noqa: S104 - the network of a pod is apart


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_probes_ask_pages_that_exist_at_the_port_of_the_settings(overlay: str) -> None:
    own = container(overlay)
    [port] = own["ports"]
    assert port["containerPort"] == settings().http.port
    pages = {
        route.resource.canonical
        for route in Health(Metrics(), live={}, ready={}).server().router.routes()
        if route.resource
    }
    probes = {kind: own[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")}
    assert {probes[kind]["path"] for kind in ("startup", "liveness")} == {"/livez"}
    assert {probe["path"] for probe in probes.values()} <= pages
    assert {probe["port"] for probe in probes.values()} == {port["name"]}
    notes = pods(overlay)["spec"]["template"]["metadata"]["annotations"]
    assert (notes["prometheus.io/path"] in pages, notes["prometheus.io/port"]) == (True, str(port["containerPort"]))
    [service] = [each["spec"] for each in built(FOLDER / overlay) if each["kind"] == "Service"]
    assert [each["targetPort"] for each in service["ports"]] == [port["name"]]
    assert service["publishNotReadyAddresses"] is True


@pytest.mark.parametrize(("overlay", "status"), [("sqlite", 200), ("postgres", 503)])
async def test_only_a_rollout_over_several_pods_waits_for_slack_and_clusters(overlay: str, status: int) -> None:
    """A StatefulSet does not replace a pod that is not ready: a new token, or other hosts, would not reach the pod."""

    async def works() -> str:
        return ""

    async def rejected() -> str:
        return "Slack rejects the token"

    page = container(overlay)["readinessProbe"]["httpGet"]["path"]
    server = Health(Metrics(), alive={"parts": works}, live={}, ready={"slack": rejected}).server()
    async with (
        served(server, "127.0.0.1", 0) as port,
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}{page}") as answer,
    ):
        assert answer.status == status


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_times_fit_those_of_the_program(overlay: str) -> None:
    startup = container(overlay)["startupProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] > 2 * WAIT_FOR_DATABASE
    assert pod(overlay)["terminationGracePeriodSeconds"] > END_SECONDS + 5
    assert pods("postgres")["spec"]["minReadySeconds"] >= settings().replicas.lease


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_resources_are_those_that_were_measured(overlay: str) -> None:
    """The request is for 1,000 clusters; the limit has room for a storm over all of them."""
    page = (ROOT / "docs/performance.md").read_text(encoding="utf-8")
    resident = re.search(r"1,000 clusters every 15 s: resident memory \| (\d+) MB", page)
    storm = re.search(r"1,000 clusters lose 20 disks each: memory above that before \| (\d+) MB", page)
    assert resident
    assert storm
    resources = container(overlay)["resources"]
    assert size(resources["requests"]["memory"]) >= int(resident[1]) * 1_000_000
    assert size(resources["limits"]["memory"]) >= (int(resident[1]) + int(storm[1])) * 1_000_000
    assert "cpu" not in resources["limits"], "a process that is held back polls late"


def egress(overlay: str) -> list[tuple[Any, set[int]]]:
    """Networks with their ports to which a pod may connect."""
    found = []
    for policy in (each["spec"] for each in built(FOLDER / overlay) if each["kind"] == "NetworkPolicy"):
        for rule in policy.get("egress", ()):
            ports = {port["port"] for port in rule["ports"]}
            blocks = [to["ipBlock"] for to in rule["to"] if "ipBlock" in to]
            found += [(_Block(block), ports) for block in blocks]
    return found


class _Block:
    """Addresses that a rule lets through."""

    def __init__(self, block: Mapping[str, Any]) -> None:
        self.network = ipaddress.ip_network(block["cidr"])
        self.left_out = [ipaddress.ip_network(each) for each in block.get("except", ())]
        assert all(each.subnet_of(self.network) for each in self.left_out)  # type: ignore[arg-type]

    def __contains__(self, address: str) -> bool:
        own = ipaddress.ip_address(address)
        return own in self.network and not any(own in each for each in self.left_out)


def lets_through(overlay: str, address: str, port: int) -> bool:
    return any(address in block and port in ports for block, ports in egress(overlay))


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_network_policy_lets_through_what_the_settings_name(overlay: str) -> None:
    for cluster in settings().clusters:
        for host in cluster.hosts:
            address, _, port = place(host).rpartition(":")
            assert lets_through(overlay, address, int(port)), host
    assert lets_through(overlay, "8.8.8.8", 443), "Slack"
    assert lets_through(overlay, "2a00::1", 443), "Slack"


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize(
    ("address", "port"),
    [("10.0.0.1", 443), ("169.254.169.254", 80), ("169.254.169.254", 443), ("8.8.8.8", 80), ("192.0.2.11", 22)],
)
def test_network_policy_refuses_the_rest(overlay: str, address: str, port: int) -> None:
    """Among it are the API of Kubernetes and the metadata of a cloud's machine."""
    assert not lets_through(overlay, address, port)


def test_database_is_let_through_where_it_is_used() -> None:
    url = parse_url(re.sub(r"<(\w+)>", r"\1", secret("postgres")["CMBOT_STORE_URL"])).url
    assert url.host
    assert lets_through("postgres", url.host, url.port or 5432)
    assert not lets_through("sqlite", url.host, url.port or 5432)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_placeholders_of_the_secret_are_refused(overlay: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.yaml").write_text(read(FOLDER / "base/settings.yaml")["data"]["config.yaml"])
    for variable, value in secret(overlay).items():
        monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError) as caught:
        refuse_faulty_tokens(load(tmp_path / "config.yaml"))
    assert "SLACK_BOT_TOKEN is a placeholder" in str(caught.value)
    assert "SLACK_APP_TOKEN is a placeholder" in str(caught.value)
    if "CMBOT_STORE_URL" in secret(overlay):
        with pytest.raises(ConfigError, match="placeholder"):
            parse_url(secret(overlay)["CMBOT_STORE_URL"])


def test_image_is_of_this_version() -> None:
    project = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert project
    for overlay in OVERLAYS:
        assert container(overlay)["image"] == f"cmbot:{project[1]}"
        [image] = read(FOLDER / overlay / "kustomization.yaml")["images"]
        assert image == {"name": "cmbot", "newName": "cmbot", "newTag": project[1]}


def test_manifests_hold_no_secret_and_no_registry() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in FILES)
    assert not re.findall(r"xox[a-z]-|xapp-", text)
    assert not re.findall(r"image: \S+/", text)
