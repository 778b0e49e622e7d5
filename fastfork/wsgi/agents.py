"""Agents that watch applications, and what a server does for them.

Those of Datadog, OpenTelemetry and Elastic put themselves into frameworks, and look for no server.
New Relic's does so too, and for an application without a framework it puts itself around what a
server loads: around gunicorn's by a list of its own.  So here it is asked for.  (Its entry point
for others, `newrelic.hooks`, cannot be used: release 14.1 fails to start where there is one.)

Runs in: worker
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

__all__ = ["reported"]

log = logging.getLogger("fastfork.error")


def reported(app: WSGIApplication) -> WSGIApplication:
    """`app`, or what New Relic's agent puts around it, when it is there and has been started.

    A framework that it knows, and an application that has been wrapped already, give one
    transaction all the same: the agent sees to that.
    """
    if "newrelic.config" not in sys.modules:
        return app
    from newrelic import agent

    if not agent.global_settings().enabled:
        return app
    log.debug("New Relic's agent reports on the application")
    wrapped: WSGIApplication = agent.WSGIApplicationWrapper(app)
    return wrapped
