/* fuzz_preface.c -- libFuzzer target for the PROXY protocol: read it or refuse it.
 *
 * The first byte chooses the versions, the rest is the input.  More bytes must never change a
 * verdict, and what is found must be text and in bounds. */
#include "fuzz.h"
#include "net/proxy_protocol.h"

static ptrdiff_t
read_exact(const char *p, size_t n, int versions, ff_preface *f)
{
    char *own = exact_copy(p, n);
    ptrdiff_t rc = ff_read_preface(own, n, versions, f);

    MUST(rc == FF_NEED_DATA || rc == FF_BAD_PREFACE || (rc > 0 && (size_t)rc <= n));
    MUST(rc != FF_NEED_DATA || n < 16 + FF_PREFACE_V2_MAX);
    free(own);
    return rc;
}

static void
check_facts(const char *p, ptrdiff_t size, const ff_preface *f)
{
    const char *tlv = p + f->tlvs.at, *end = tlv + f->tlvs.len, *value;
    uint8_t type;
    size_t len;

    MUST(f->version == 1 || f->version == 2);
    MUST(f->kind <= FF_PREFACE_UNIX);
    MUST(f->version == 2 || size <= FF_PREFACE_V1_MAX);
    MUST(memchr(f->source, 0, sizeof f->source) && memchr(f->target, 0, sizeof f->target));
    MUST((f->source[0] != 0) == (f->kind == FF_PREFACE_TCP4 || f->kind == FF_PREFACE_TCP6));
    MUST(f->tlvs.len == 0 || end == p + size);
    while (tlv < end)
        tlv += ff_next_tlv(tlv, &type, &value, &len);
    MUST(tlv == end);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *p = (const char *)data + 1;
    size_t n = size - 1;
    ff_preface whole, part;
    ptrdiff_t rc;
    int versions;

    if (size < 1)
        return 0;
    versions = data[0] & 3;
    rc = read_exact(p, n, versions, &whole);
    if (rc > 0)
        check_facts(p, rc, &whole);
    for (size_t cut = 0; cut < n; cut++) {
        ptrdiff_t early = read_exact(p, cut, versions, &part);

        MUST(early == FF_NEED_DATA || early == rc);
        MUST(early <= 0 || memcmp(&part, &whole, sizeof part) == 0);
    }
    return 0;
}
