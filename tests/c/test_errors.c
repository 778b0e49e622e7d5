/* test_errors.c -- the table of errors: statuses that exist, texts that are there. */
#include <string.h>

#include "http1/errors.h"
#include "harness.h"

static const int CODES[] = {
#define FF_CODE(name, code, status, text) code,
    FF_ERRORS(FF_CODE)
#undef FF_CODE
};

static const struct {
    int code, status;
} STATUSES[] = {
    {FF_BARE_LF, 400},
    {FF_VERSION_NOT_SUPPORTED, 505},
    {FF_LINE_TOO_LONG, 414},
    {FF_FIELD_TOO_LONG, 431},
    {FF_TOO_MANY_FIELDS, 431},
    {FF_HEAD_TOO_LONG, 431},
    {FF_TE_NOT_SUPPORTED, 501},
    {FF_CONNECT_NOT_SUPPORTED, 501},
    {FF_BODY_TOO_LARGE, 413},
    {FF_BAD_EXPECT, 417},
    {FF_BAD_TE, 400},
    {FF_BAD_LENGTH, 400},
    {FF_BAD_CHUNK_SIZE, 400},
    {FF_BAD_TRAILER, 400},
    {FF_HOST_MISSING, 400},
    {FF_TE_ON_HTTP_1_0, 400},
    {FF_TE_AND_LENGTH, 400},
    {FF_NUL_IN_PATH, 400},
    {FF_BAD_CHUNK_END, 400},
    {FF_OBS_FOLD, 400},
    {FF_SECOND_OPINION, 400},
    {FF_BAD_PREFACE, 400},
    {FF_PREFACE_FORBIDDEN, 403},
    {0, 500},
    {1, 500},
    {FF_NEED_DATA, 500},
};

void
test_errors(void)
{
    for (size_t i = 0; i < sizeof CODES / sizeof *CODES; i++) {
        int status = ff_error_status(CODES[i]);
        const char *text = ff_error_text(CODES[i]);

        check(CODES[i] < FF_NEED_FIELDS, "errors", verdict(CODES[i]), "not below FF_NEED_FIELDS");
        check((status >= 400 && status < 500) || status == 501 || status == 505, "errors",
              verdict(CODES[i]), "status %d is none a client can earn", status);
        check(strlen(text) > 5 && strcmp(text, ff_error_text(0)) != 0, "errors", verdict(CODES[i]),
              "no text");
        for (size_t k = 0; k < i; k++)
            check(CODES[k] != CODES[i], "errors", verdict(CODES[i]), "the number is used twice");
    }
    for (size_t i = 0; i < sizeof STATUSES / sizeof *STATUSES; i++)
        check(ff_error_status(STATUSES[i].code) == STATUSES[i].status, "errors",
              verdict(STATUSES[i].code), "not %d", STATUSES[i].status);
}
