"""docker/kubernetes: Kubernetes' own schemas, the operators' kinds, and what points at what."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from service.metrics import Metrics
from service.settings import Settings

FOLDER = Path(__file__).parents[2] / "docker" / "kubernetes"
VERSIONS = ("1.31", "1.34")
WORKLOADS = ("Deployment", "CronJob", "Job")
Resource = dict[str, Any]


def read(path: Path) -> list[Resource]:
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


KUSTOMIZATION: Resource = read(FOLDER / "kustomization.yaml")[0]
RESOURCES = [one for name in KUSTOMIZATION["resources"] for one in read(FOLDER / name)]
OURS = [one for one in RESOURCES if one["apiVersion"].split("/")[0].endswith((".sh", ".com"))]
NATIVE = [one for one in RESOURCES if one not in OURS]


def named(resource: Resource) -> str:
    return f"{resource['kind']}-{resource['metadata']['name']}"


def the(kind: str) -> Resource:
    (found,) = (one for one in RESOURCES if one["kind"] == kind)
    return found


def pod_template(kind: str) -> Resource:
    spec: Resource = the(kind)["spec"]
    template: Resource = _job()["template"] if kind == "CronJob" else spec["template"]
    return template


def _job() -> Resource:
    job: Resource = the("CronJob")["spec"]["jobTemplate"]["spec"]
    return job


def container(kind: str) -> Resource:
    (found,) = pod_template(kind)["spec"]["containers"]
    only: Resource = found
    return only


def variables(kind: str) -> dict[str, Any]:
    return {one["name"]: one.get("value") for one in container(kind)["env"]}


# -- schemas ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("resource", NATIVE, ids=named)
def test_kubernetes_own_schema_without_a_field_too_many(resource: Resource, version: str) -> None:
    kubernetes_validate.validate(resource, version, strict=True)


def test_every_file_is_listed_and_every_listed_file_is_there() -> None:
    there = {path.name for path in FOLDER.glob("*.yaml")} - {"kustomization.yaml"}
    assert there == set(KUSTOMIZATION["resources"])


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_kubectl_puts_it_together() -> None:
    ran = subprocess.run(
        ["kubectl", "kustomize", str(FOLDER)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    made = [document for document in yaml.safe_load_all(ran.stdout) if document]
    assert {named(one) for one in made} == {named(one) for one in RESOURCES}
    images = re.findall(r"image: (\S+)", ran.stdout)
    assert all(re.fullmatch(r"registry\.example/valence:\d\S+", image) for image in images)
    for one in made:
        assert one["kind"] == "Namespace" or one["metadata"]["namespace"] == "valence"


def test_the_operators_kinds_have_the_fields_that_their_operators_read() -> None:
    assert {named(one) for one in OURS} == {"ScaledObject-valence", "ServiceMonitor-valence"}
    scaled = the("ScaledObject")["spec"]
    known = {"scaleTargetRef", "minReplicaCount", "maxReplicaCount", "pollingInterval"}
    known |= {"cooldownPeriod", "fallback", "advanced", "triggers"}
    assert scaled.keys() <= known
    for trigger in scaled["triggers"]:
        assert trigger.keys() <= {"type", "metricType", "metadata"}
        assert all(isinstance(value, str) for value in trigger["metadata"].values())
    monitor = the("ServiceMonitor")["spec"]
    assert monitor.keys() <= {"selector", "endpoints", "namespaceSelector"}
    for endpoint in monitor["endpoints"]:
        assert endpoint.keys() <= {"port", "path", "interval", "scrapeTimeout"}


# -- pods ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", WORKLOADS)
def test_pods_keep_to_the_restricted_standard(kind: str) -> None:
    spec = pod_template(kind)["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] == 10001
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
    for volume in spec["volumes"]:
        assert volume.keys() & {"emptyDir", "persistentVolumeClaim"}
    context = container(kind)["securityContext"]
    assert context["allowPrivilegeEscalation"] is False
    assert context["readOnlyRootFilesystem"] is True
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert the("Namespace")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]


@pytest.mark.parametrize("kind", WORKLOADS)
def test_a_service_called_valence_puts_no_port_into_our_variables(kind: str) -> None:
    """Kubernetes would set VALENCE_PORT=tcp://…, which is a setting of ours."""
    assert pod_template(kind)["spec"]["enableServiceLinks"] is False


@pytest.mark.parametrize("kind", WORKLOADS)
def test_what_a_pod_writes_has_a_volume_and_its_memory_a_limit(kind: str) -> None:
    mounts = {one["mountPath"]: one["name"] for one in container(kind)["volumeMounts"]}
    assert {"/tmp", "/var/lib/valence"} <= mounts.keys()  # noqa: S108
    assert set(mounts.values()) == {one["name"] for one in pod_template(kind)["spec"]["volumes"]}
    resources = container(kind)["resources"]
    assert {"cpu", "memory"} <= resources["requests"].keys()
    assert "memory" in resources["limits"]


def test_drain_and_delay_fit_into_the_grace_period() -> None:
    given = variables("Deployment")
    delay, drain = (float(given[f"VALENCE_{n}_SECONDS"]) for n in ("SHUTDOWN_DELAY", "DRAIN"))
    grace = pod_template("Deployment")["spec"]["terminationGracePeriodSeconds"]
    readiness = container("Deployment")["readinessProbe"]
    assert delay + drain < grace
    assert delay >= readiness["periodSeconds"], "a pod that goes shall be seen to be not ready"


def test_three_probes_ask_what_they_are_for() -> None:
    found = container("Deployment")
    paths = {
        name: found[f"{name}Probe"]["httpGet"] for name in ("startup", "readiness", "liveness")
    }
    assert paths["startup"]["path"] == paths["readiness"]["path"] == "/readyz"
    assert paths["liveness"]["path"] == "/healthz", "a pod without its store is not killed"
    ports = {port["name"]: port["containerPort"] for port in found["ports"]}
    assert {probe["port"] for probe in paths.values()} <= ports.keys()
    assert ports["http"] == Settings.model_fields["port"].default


def test_a_secret_is_only_ever_referred_to() -> None:
    assert not [one for one in RESOURCES if one["kind"] == "Secret"]
    for kind in WORKLOADS:
        for one in container(kind)["env"]:
            if re.search(r"PASSWORD|SECRET|KEY|VALENCE_FEEDBACK$", one["name"]):
                assert one["valueFrom"]["secretKeyRef"]["name"] == "valence-secrets"
    assert the("ConfigMap")["data"].keys() == {"VALENCE_STORE", "AWS_REGION"}


# -- what points at what ---------------------------------------------------------------------------


def test_selectors_find_the_pods_that_serve_and_no_other() -> None:
    serving = pod_template("Deployment")["metadata"]["labels"]
    others = [pod_template(kind)["metadata"]["labels"] for kind in ("CronJob", "Job")]
    monitored = the("ServiceMonitor")["spec"]["selector"]["matchLabels"]
    selectors = [
        the("Deployment")["spec"]["selector"]["matchLabels"],
        the("Service")["spec"]["selector"],
        the("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
    ]
    for selector in selectors:
        assert selector.items() <= serving.items()
        assert not any(selector.items() <= labels.items() for labels in others)
    assert monitored.items() <= the("Service")["metadata"]["labels"].items()
    (endpoint,) = the("ServiceMonitor")["spec"]["endpoints"]
    assert endpoint["port"] in [port["name"] for port in the("Service")["spec"]["ports"]]


def test_scaling_asks_for_a_series_that_the_service_has_and_a_size_that_it_queues() -> None:
    spec = the("ScaledObject")["spec"]
    assert spec["scaleTargetRef"]["name"] == the("Deployment")["metadata"]["name"]
    assert "replicas" not in the("Deployment")["spec"]
    (queued,) = (one["metadata"] for one in spec["triggers"] if one["type"] == "prometheus")
    series = {family.name for family in Metrics().registry.collect()}
    assert set(re.findall(r"valence_\w+", queued["query"])) <= series
    limit = Settings.model_fields["queue_limit_tokens"].default
    assert 0 < float(queued["threshold"]) < limit / 2
    assert 2 <= spec["minReplicaCount"] <= spec["fallback"]["replicas"] <= spec["maxReplicaCount"]
    requests = container("Deployment")["resources"]["requests"]
    assert "cpu" in requests, "a share of nothing cannot be scaled by"


def test_the_network_is_shut_but_for_what_is_listed() -> None:
    policies = [one for one in RESOURCES if one["kind"] == "NetworkPolicy"]
    (shut,) = (one["spec"] for one in policies if one["spec"]["podSelector"] == {})
    assert shut["policyTypes"] == ["Ingress", "Egress"]
    assert not shut.keys() & {"ingress", "egress"}
    training = pod_template("CronJob")["metadata"]["labels"].items()
    for one in policies:
        for rule in one["spec"].get("ingress", []):
            assert rule["from"]
            assert not one["spec"]["podSelector"]["matchLabels"].items() <= training
        for rule in one["spec"].get("egress", []):
            assert rule["to"]
            assert rule["ports"]
    open_ports = {
        port["port"]
        for one in policies
        for rule in one["spec"].get("egress", [])
        for port in rule["ports"]
    }
    assert open_ports == {53, 443, 4318, 5432}


# -- retraining ------------------------------------------------------------------------------------


def test_one_retraining_at_a_time_and_refusals_are_not_tried_again() -> None:
    assert the("CronJob")["spec"]["concurrencyPolicy"] == "Forbid"
    assert pod_template("CronJob")["spec"]["restartPolicy"] == "Never"
    disruption, exits = _job()["podFailurePolicy"]["rules"]
    assert disruption["action"] == "Ignore"
    assert exits["action"] == "FailJob"
    assert exits["onExitCodes"]["containerName"] == container("CronJob")["name"]
    assert exits["onExitCodes"]["values"] == [2, 3, 5]
    assert container("CronJob")["args"][:2] == ["retrain", "sentiment"]


def test_a_retraining_that_was_killed_finds_its_folder_again() -> None:
    claim = the("PersistentVolumeClaim")["metadata"]["name"]
    volumes = {one["name"]: one for one in pod_template("CronJob")["spec"]["volumes"]}
    mounts = {one["mountPath"]: one["name"] for one in container("CronJob")["volumeMounts"]}
    arguments = container("CronJob")["args"]
    runs = arguments[arguments.index("--runs") + 1]
    (place,) = (mount for mount in mounts if runs.startswith(mount))
    assert volumes[mounts[place]]["persistentVolumeClaim"]["claimName"] == claim
