"""New Relic: the agent is initialised in the file, and registers in each worker."""

import newrelic.agent

newrelic.agent.initialize("newrelic.ini", "production")

bind = "127.0.0.1:0"


def post_fork(server, worker):
    server.log.info("Worker spawned (pid: %s)", worker.pid)
    newrelic.agent.register_application(timeout=10)
