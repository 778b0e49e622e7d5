"""Bugs to plant in what the core makes of proxies in front; see mutants_core.py.

Runs in: cli
"""

from __future__ import annotations

from tests.wire.mutants_pyx import CoreMutant

PREFACE = ("tests/unit/test_hub_proxy_protocol.py",)
FORWARDED = ("tests/unit/test_hub_forwarded.py",)
SPREAD = ("tests/server/test_proxied_threads.py",)

# File, bug, tests, text, what stands there instead.
_PLANTED = (
    ("hub.pyx", "the preface is not asked for", PREFACE, "if proxy_versions:", "if False:"),
    ("proxy_protocol.pyx", "anybody may send one", PREFACE,
     "if self.is_proxy(connection.remote_addr):", "if True:"),
    ("proxy_protocol.pyx", "the socket's port beside the client's address", PREFACE,
     "        connection.port = said.source_port\n", ""),
    ("proxy_protocol.pyx", "a client without TLS comes with https", PREFACE,
     "size and value[0] & 1:", "size:"),
    ("proxy_protocol.pyx", "TLVs are forgotten", PREFACE, "    if tlvs:\n", "    if False:\n"),
    ("proxy_protocol.pyx", "each byte of a preface moves its deadline", PREFACE,
     "            if is_first:\n", "            if True:\n"),
    ("proxy_protocol.pyx", "what follows the preface in its packet is lost", PREFACE,
     "return self.inner.received(connection, p + used, n - used)", "return 0"),
    ("proxy_protocol.pyx", "a silent client behind a proxy may stay", PREFACE,
     "        self.connections.deadlines.set(connection, FIRST_BYTE, self.connections.now)\n",
     "        self.connections.deadlines.remove(connection)\n"),
    ("receiver.pyx", "facts hold for the first request alone", PREFACE,
     "            environ.update(connection.facts)\n",
     "            environ.update(connection.facts)\n            connection.facts = None\n"),
    ("proxy_protocol.pyx", "a slow preface is answered as a slow request", PREFACE,
     "return self.connections.close(connection)  # it",
     "return self._refuse(connection, -10)  # it"),
    ("request_queue.pyx", "facts are lost on the way to another worker", SPREAD,
     "                or connection.facts is not None  # which the message has no room for\n", ""),
    ("connections.pyx", "a preface that waits in line loses its deadline", SPREAD,
     "elif connection.state == PREFACE or (", "elif ("),
    ("connection.pyx", "a client without a name is the proxy", FORWARDED,
     "        if self.facts is not None and self.facts", "        if False and self.facts"),
    ("trust.pyx", "everybody is trusted", FORWARDED,
     "self.trusted is not None and self.forwarded.trusts(connection.speaker)",
     "self.trusted is not None"),
    ("trust.pyx", "a repeated field is one with a comma", FORWARDED,
     "marks & REPEATED != 0", "False"),
    ("trust.pyx", "refused fields are taken", FORWARDED, "if marks & FORBIDDEN:", "if False:"),
    ("environ.pyx", "a client's field stays beside the forwarder's", FORWARDED,
     "        if not mark & OWN:\n            return 0\n",
     "        return 0\n"),
    ("environ.pyx", "an underscore passes for the proxy's field", FORWARDED,
     "self._watched is not None and key in self._watched)", "False)"),
    ("environ.pyx", "a marked value is kept for others", FORWARDED,
     "key not in SECRET and not e.mark", "key not in SECRET"),
    ("receiver.pyx", "header_map = refuse refuses the forwarder", FORWARDED,
     "&self.parser.lenient if connection.trust == TRUSTED else &self.parser.limits",
     "&self.parser.limits"),
    ("receiver.pyx", "header_map = refuse is off for strangers", FORWARDED,
     "&self.parser.lenient if connection.trust == TRUSTED else &self.parser.limits",
     "&self.parser.lenient"),
)  # fmt: skip

PROXIES = tuple(CoreMutant(*planted) for planted in _PLANTED)
