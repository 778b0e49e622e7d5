"""Bugs to plant in what answers for static files; see mutants_core.py.

Runs in: cli
"""

from __future__ import annotations

from tests.wire.mutants_pyx import CoreMutant

FILES = ("tests/unit/test_static_files.py",)
TEXT = ("tests/unit/test_static_conditions.py",)
HUB = ("tests/unit/test_hub_static.py",)
VARIANTS = ("tests/unit/test_static_variants.py",)

_PLANTED = (
    ("conditions.pyx", "a weak tag matches strongly", TEXT,
     "    if not weakly and opaque is not etag:\n        return False\n", ""),
    ("conditions.pyx", "a weak tag of the client matches strongly", TEXT,
     "== opaque and (weakly or not is_weak)", "== opaque"),
    ("conditions.pyx", "only the first tag of a list counts", TEXT,
     "return True\n        at = end + 1", "return True\n        return False"),
    ("conditions.pyx", "no file has *", TEXT, 'if value.strip(" \\t") == "*":', "if False:"),
    ("conditions.pyx", "If-Modified-Since counts beside If-None-Match", TEXT,
     "return NOT_MODIFIED if has_tag(value, etag, True) else SEND",
     "if has_tag(value, etag, True): return NOT_MODIFIED"),
    ("conditions.pyx", "an earlier date is as good", TEXT,
     "modified <= since:", "modified >= since:"),
    ("conditions.pyx", "If-Unmodified-Since counts beside If-Match", TEXT,
     "    elif date is not None:\n        value = _field(environ, IF_UNMODIFIED_SINCE)",
     "    if date is not None:\n        value = _field(environ, IF_UNMODIFIED_SINCE)"),
    ("conditions.pyx", "If-Range takes a weak tag", TEXT,
     'if etag is None or etag.startswith("W/"):', "if etag is None:"),
    ("conditions.pyx", "a range goes on behind the end", TEXT,
     "(size if last < 0 or last >= size else last + 1)", "(size if last < 0 else last + 1)"),
    ("conditions.pyx", "a range begins at the end", TEXT, "if first >= size:", "if first > size:"),
    ("conditions.pyx", "the last bytes are more than there are", TEXT,
     "length[0] = min(last, size)", "length[0] = last"),
    ("conditions.pyx", "a range that ends before it begins", TEXT, " or 0 <= last < first:", ":"),
    ("conditions.pyx", "many digits overflow", TEXT, "if n > DIGITS_MAX:", "if n > 40:"),
    ("conditions.pyx", "q=0 is taken", TEXT, "round(float(text) * 1000)", "1000"),
    ("representations.pyx", "a variant of an old version is sent", VARIANTS,
     "return one.tv_sec < other.tv_sec", "return False"),
    ("representations.pyx", "what is known of a file stays so", FILES,
     "known.size == facts.st_size and known.inode == facts.st_ino", "True"),
    ("representations.pyx", "a young file has a strong tag", FILES,
     'weak = "" if made.lasts else "W/"', 'weak = ""'),
    ("representations.pyx", "a file without a date has a tag", FILES,
     "if made.seconds > 0:", "if True:"),
    ("representations.pyx", "nothing tells caches of variants", VARIANTS,
     "varied = [VARY] if self.variants else []", "varied = []"),
    ("representations.pyx", "a variant has the tag of the file", VARIANTS,
     "{ns:x}-{made.size:x}-{made.inode:x}", "{ns:x}"),
    ("representations.pyx", "the file of a variant stays open", VARIANTS,
     "                    close(file.fd)\n", ""),
    ("static.pyx", "a prefix is compared as text", FILES,
     "and (n == size or text[size] == b'/')", ""),
    ("static.pyx", "the first mount wins", FILES, "key=_length_of, reverse=True", "key=_length_of"),
    ("static.pyx", "an escaped slash is one", FILES,
     "        if _escapes_slash(environ, path):\n", "        if False:\n"),
    ("static.pyx", "what is no file is sent", FILES,
     "            if not S_ISREG(facts.st_mode):", "            if S_ISDIR(facts.st_mode):"),
    ("static.pyx", "any method gets the file", FILES,
     'if method != "GET" and method != "HEAD":', "if False:"),
    ("static.pyx", "HEAD gets a part", FILES, "if asked != NULL and not is_head:",
     "if asked != NULL:"),
    ("static.pyx", "If-Range is not looked at", FILES,
     "if condition == NULL or is_same(<str>condition, chosen.etag, chosen.date):", "if True:"),
    ("static.pyx", "names that are refused go to the application", FILES,
     "return None if PyBytes_GET_SIZE(mount.prefix) == 0 else", "return None if True else"),
    ("static.pyx", "a path with a colon is a scheme", FILES, '"./" if ":" in last else ""', '""'),
    ("writer.pyx", "a static answer is logged always", HUB,
     "answer.fields if answer.is_logged else None", "answer.fields"),
)  # fmt: skip

STATIC = tuple(CoreMutant(*planted) for planted in _PLANTED)
