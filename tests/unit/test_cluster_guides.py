"""What the guides give to Kubernetes and Envoy: right by their schemas, and fitting the program."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from fastfork.arbiter.children.workers import KILL_MARGIN
from fastfork.arbiter.shutdown import LAST_WAIT
from fastfork.cli.parser import CommandLineParser
from fastfork.metrics.admin.app import PAGES
from fastfork.metrics.families import METRICS
from tests.kit.envoy import bootstrap

GUIDES = Path(__file__).resolve().parents[2] / "docs" / "how-to"
FILES = GUIDES / "kubernetes"
MANIFESTS = ("shop.yaml", "autoscale.yaml", "prometheus-adapter.yaml")
KINDS = (
    "ConfigMap",
    "Deployment",
    "HorizontalPodAutoscaler",
    "PodDisruptionBudget",
    "Service",
)
SPARE = 3.0  # seconds that a pod has to end beyond what the server may take

pytestmark = pytest.mark.skipif(not FILES.is_dir(), reason="no checkout around the tests")


def documents() -> Iterator[tuple[str, dict[str, Any]]]:
    """(kind, document) of every Kubernetes object."""
    for name in MANIFESTS:
        for document in yaml.safe_load_all((FILES / name).read_text()):
            yield document["kind"], document


def of_kind(kind: str) -> dict[str, Any]:
    found = [document for name, document in documents() if name == kind]
    assert len(found) == 1, kind
    return found[0]


def pod() -> dict[str, Any]:
    spec: dict[str, Any] = of_kind("Deployment")["spec"]["template"]["spec"]
    return spec


def container() -> dict[str, Any]:
    found: dict[str, Any] = pod()["containers"][0]
    return found


def options() -> dict[str, Any]:
    return CommandLineParser().options(container()["args"])


def validate(document: dict[str, Any]) -> None:
    """Raises ValidationError; strictly, so for an unknown field too."""
    kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)


@pytest.mark.parametrize("kind", KINDS)
def test_manifest_is_right_by_the_schema_of_its_kind(kind: str) -> None:
    validate(of_kind(kind))


def test_schema_finds_a_field_that_is_misspelt() -> None:
    wrong = copy.deepcopy(of_kind("Deployment"))
    wrong["spec"]["template"]["spec"]["terminationGracePeriodsSeconds"] = 50
    with pytest.raises(kubernetes_validate.ValidationError):
        validate(wrong)


def test_everything_is_there_that_the_guide_promises() -> None:
    assert sorted(kind for kind, _document in documents()) == sorted(KINDS)


def test_command_of_the_pod_is_one_that_works() -> None:
    assert container()["command"] == ["fastfork"]
    assert options()["wsgi_app"] == "shop:app"


def test_pod_has_the_time_that_the_server_takes_to_stop() -> None:
    given = options()
    longest = float(given["drain_delay"]) + float(given["graceful_timeout"])
    longest += KILL_MARGIN + LAST_WAIT + SPARE
    assert pod()["terminationGracePeriodSeconds"] >= longest
    assert "lifecycle" not in container()  # no preStop


def test_pod_is_out_of_every_list_before_it_closes_its_listeners() -> None:
    probe = container()["readinessProbe"]
    noticed = probe["periodSeconds"] * probe["failureThreshold"] + probe.get("timeoutSeconds", 1)
    assert float(options()["drain_delay"]) >= 2 * noticed


def test_probes_ask_what_the_admin_address_answers() -> None:
    ports = {port["name"]: port["containerPort"] for port in container()["ports"]}
    assert options()["admin_bind"] == [f"0.0.0.0:{ports['admin']}"]
    assert options()["bind"] == [f"0.0.0.0:{ports['http']}"]
    paths = []
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        asked = container()[probe]["httpGet"]
        assert asked["port"] == "admin"
        assert asked["path"] in PAGES
        paths.append(asked["path"])
    assert paths == ["/readyz", "/livez", "/readyz"]


def test_service_leads_to_the_application_and_not_to_the_admin_address() -> None:
    assert [port["targetPort"] for port in of_kind("Service")["spec"]["ports"]] == ["http"]


def test_all_select_the_pods_of_the_deployment() -> None:
    labels = of_kind("Deployment")["spec"]["template"]["metadata"]["labels"]
    assert of_kind("Service")["spec"]["selector"] == labels
    for kind in ("Deployment", "PodDisruptionBudget"):
        assert of_kind(kind)["spec"]["selector"]["matchLabels"] == labels
    target = of_kind("HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    deployment = of_kind("Deployment")
    assert target["name"] == deployment["metadata"]["name"]
    assert (target["kind"], target["apiVersion"]) == ("Deployment", deployment["apiVersion"])


def test_budget_lets_nodes_be_drained_and_servers_go_on() -> None:
    fewest = of_kind("HorizontalPodAutoscaler")["spec"]["minReplicas"]
    assert 0 < of_kind("PodDisruptionBudget")["spec"]["maxUnavailable"] < fewest
    assert of_kind("Deployment")["spec"]["replicas"] == fewest


def test_pod_writes_nowhere_but_in_tmp_and_is_nobody_special() -> None:
    limits = container()["securityContext"]
    assert limits["readOnlyRootFilesystem"]
    assert not limits["allowPrivilegeEscalation"]
    assert limits["capabilities"] == {"drop": ["ALL"]}
    assert pod()["securityContext"]["runAsNonRoot"]
    assert [place["mountPath"] for place in container()["volumeMounts"]] == ["/tmp"]


def test_autoscaler_looks_at_the_busy_threads_that_metrics_tells_of() -> None:
    rules = yaml.safe_load(of_kind("ConfigMap")["data"]["config.yaml"])["rules"]
    (metric,) = of_kind("HorizontalPodAutoscaler")["spec"]["metrics"]
    (rule,) = [one for one in rules if one["name"]["as"] == metric["pods"]["metric"]["name"]]
    series = re.match(r"\w+", rule["seriesQuery"])
    assert series
    (gauge,) = [one for one in METRICS if one.name == series[0]]
    assert gauge.kind == "gauge"
    assert gauge.labels == ("state",)
    assert 'state="busy"' in rule["metricsQuery"]
    assert rule["metricsQuery"].count("<<.Series>>{<<.LabelMatchers>>") == 2


def test_pods_are_scraped_at_their_admin_port_with_the_labels_that_the_rule_needs() -> None:
    (job,) = yaml.safe_load((FILES / "prometheus.yaml").read_text())["scrape_configs"]
    keep, *labels = job["relabel_configs"]
    assert (keep["action"], keep["regex"]) == ("keep", "admin")
    assert {one["target_label"] for one in labels} == {"namespace", "pod"}


# -- Envoy


def envoy() -> dict[str, Any]:
    page = (GUIDES / "several-machines.md").read_text()
    (block,) = re.findall(r"^```yaml\n(.*?)^```$", page, re.M | re.S)
    found: dict[str, Any] = yaml.safe_load(block)
    return found


def test_configuration_for_envoy_has_the_names_and_types_of_its_api() -> None:
    found = bootstrap(envoy())
    (check,) = found.static_resources.clusters[0].health_checks
    assert check.http_health_check is not None
    assert check.http_health_check.path in PAGES
    assert check.interval is not None
    page = (GUIDES / "several-machines.md").read_text()
    delay = re.search(r"^drain_delay = (\d+)$", page, re.M)
    assert delay
    assert check.interval.total_seconds() * check.unhealthy_threshold < float(delay[1])


def test_name_that_envoy_does_not_know_is_found() -> None:
    wrong = envoy()
    wrong["static_resources"]["clusters"][0]["health_check"] = []
    with pytest.raises(KeyError, match="health_check"):
        bootstrap(wrong)


def test_envoy_lets_go_of_idle_connections_before_the_server_does() -> None:
    (cluster,) = envoy()["static_resources"]["clusters"]
    (choices,) = cluster["typed_extension_protocol_options"].values()
    idle = choices["common_http_protocol_options"]["idle_timeout"]
    page = (GUIDES / "several-machines.md").read_text()
    keepalive = re.search(r"^keepalive = (\d+)", page, re.M)
    assert keepalive
    assert float(idle.removesuffix("s")) < float(keepalive[1])
