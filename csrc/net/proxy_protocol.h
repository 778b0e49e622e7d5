/* proxy_protocol.h -- what a proxy says of a connection before its first request: the PROXY protocol,
 * versions 1 and 2 (haproxy.org, doc/proxy-protocol.txt, 2020-03-05, sections 2.1 to 2.3).
 *
 * No allocation, no state between calls, no Python.h.  Reads [p, p + n) and nothing else, from
 * left to right, and refuses at the first byte that no preface has at that place: the verdict
 * does not depend on how the bytes were cut.  *f is written on success only.
 *
 * Stricter than the text where it leaves a choice: what is said must be in its one form (no
 * second space, no leading zero, no bytes after the last TLV), datagrams are refused, and so is
 * anything longer than the limits below.  What follows LOCAL is not looked at, as the text demands;
 * what follows UNSPEC is kept if it is TLVs. */
#ifndef FF_PREFACE_H
#define FF_PREFACE_H

#include "http1/scan.h"

#define FF_PREFACE_V1_MAX 107     /* bytes with CRLF: section 2.1 */
#define FF_PREFACE_V2_MAX 16384   /* bytes after the first 16: room for a client certificate */
#define FF_PREFACE_TEXT_MAX 46    /* an IPv6 address as text, ended by a zero: INET6_ADDRSTRLEN */

/* The versions that are taken: one of them or both. */
enum { FF_PREFACE_V1 = 1, FF_PREFACE_V2 = 2 };

typedef enum {
    FF_PREFACE_LOCAL,   /* the proxy itself speaks, as in a health check: no addresses */
    FF_PREFACE_UNKNOWN, /* for somebody of whom it says nothing (UNKNOWN, UNSPEC) */
    FF_PREFACE_TCP4,
    FF_PREFACE_TCP6,
    FF_PREFACE_UNIX,    /* for a client on a Unix socket of its own */
} ff_preface_kind;

typedef struct {
    uint8_t kind;         /* ff_preface_kind */
    uint8_t version;      /* 1 or 2 */
    uint16_t source_port; /* of the client; these four for TCP4 and TCP6 only */
    uint16_t target_port; /* where the client connected to */
    char source[FF_PREFACE_TEXT_MAX];
    char target[FF_PREFACE_TEXT_MAX];
    ff_span tlvs; /* version 2: well-formed TLVs, counted from p; len 0 when there are none */
} ff_preface;

/* The preface at p.  Returns its length, FF_NEED_DATA, or FF_BAD_PREFACE.
 * versions: of those above. */
ptrdiff_t ff_read_preface(const char *p, size_t n, int versions, ff_preface *f);

/* The TLV at p of those that were found: writes its type and where its value is, returns the
 * bytes that it takes. */
size_t ff_next_tlv(const char *p, uint8_t *type, const char **value, size_t *len);

#endif
