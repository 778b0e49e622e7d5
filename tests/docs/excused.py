"""What pages show and no test runs, each with the reason.

PAGE -> COMMAND, or the first line of a `text` block -> why.  An entry that no page has any more
fails, and so does whatever is neither here nor can be run.

Runs in: cli
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SYSTEMD = "systemd is not process 1 on a test machine; its units are verified"
INSTALLED = "the tests run where it is installed; tools/wheels-check installs"
CLUSTER = "a test machine has no cluster; the manifests are checked against their schemas"
PICTURE = "a drawing"

EXCUSED: Final[Mapping[str, Mapping[str, str]]] = {
    "README.md": {
        "make serve": "builds and installs; tools/wheels-check does that in empty environments",
        "make test": "runs these tests",
        "fastfork -k asgi shop.main:app": "docs/tutorial/fastapi.md serves such an application",
        "pip wheel --no-deps .": "tools/wheels-check makes wheels",
    },
    "docs/explanation/inside-a-worker.md": {
        "_core (compiled) ────────── used by workers, http, logs and static; `ending` by process, "
        "`published` by ipc": PICTURE,
        "reactor.py ─ hub ─ http1 ─ receiver ─ parsers ─ scan.c ─ parsers ─ blocks ─ parsers       "
        "waits, receives, parses": PICTURE,
    },
    "docs/explanation/life-of-a-request.md": {
        "accepted ── idle ── head ── body ── running ── responding ── idle ...": PICTURE,
    },
    "docs/explanation/template.md": {
        "arbiter ── template        forks when told to, and serves nobody": PICTURE,
    },
    "docs/tutorial/fastapi.md": {
        "pip install fastapi websockets": INSTALLED,
    },
    "docs/tutorial/first-app.md": {
        "python3 -m venv /srv/shop/venv": INSTALLED,
        "/srv/shop/venv/bin/pip install '.[reload]'": INSTALLED,
        ". venv/bin/activate": INSTALLED,
    },
    "docs/tutorial/production.md": {
        "apt-get install nginx curl apache2-utils": INSTALLED,
        "useradd --system --home-dir /srv/shop --create-home shop": "changes the machine",
        "python3 -m venv /srv/shop/venv": INSTALLED,
        ". venv/bin/activate": INSTALLED,
        "systemctl enable --now shop": SYSTEMD,
        "systemctl status shop": SYSTEMD,
        "systemctl reload nginx": SYSTEMD,
    },
    "docs/how-to/migrate-from-gunicorn.md": {
        "pip uninstall gunicorn": INSTALLED,
        "pip install ./standin": "tests/server/test_standin.py installs it",
    },
    "docs/how-to/docker.md": {
        "docker stop --time 45 shop": "a test machine has no Docker; the image is read",
    },
    "docs/how-to/kubernetes.md": {
        "kubectl apply -f shop.yaml": CLUSTER,
        "kubectl rollout status deployment/shop": CLUSTER,
        "kubectl get --raw '/apis/custom.metrics.k8s.io/v1beta1/namespaces/default/pods/*"
        "/fastfork_threads_busy_ratio'": CLUSTER,
    },
    "docs/how-to/several-machines.md": {
        "systemctl restart fastfork": SYSTEMD,
        "curl --fail http://10.0.0.11:9000/readyz": "another machine; readiness is tested",
        'make test ARGS="tests/server/test_behind_balancers.py -s"': "runs tests, which run anyway",
    },
    "docs/how-to/systemd.md": {
        "systemctl enable --now fastfork.socket fastfork.service": SYSTEMD,
        "systemctl reload fastfork": SYSTEMD,
        "systemctl status fastfork": SYSTEMD,
    },
}
