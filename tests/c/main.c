/* main.c -- runs the C tests, or those that are named, and prints the closing line. */
#include "port.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

static const struct {
    const char *name;
    void (*run)(void);
} TESTS[] = {
    {"request_line", test_request_line},
    {"fields", test_fields},
    {"limits", test_limits},
    {"options", test_options},
    {"target", test_target},
    {"framing", test_framing},
    {"chunked", test_chunked},
    {"spans", test_spans},
    {"errors", test_errors},
    {"outs", test_outs},
    {"preface", test_preface},
    {"flusher", test_flusher},
    {"watch", test_watch},
    {"block", test_block},
    {"published", test_published},
    {"beneath", test_beneath},
    {"ws_frames", test_ws_frames},
    {"ws_utf8", test_ws_utf8},
    {"http2", test_http2},
};

int
main(int argc, char **argv)
{
    size_t ran = 0;

    if (FF_MSG_NOSIGNAL == 0)
        signal(SIGPIPE, SIG_IGN); /* as Python does */
    for (size_t i = 0; i < sizeof TESTS / sizeof TESTS[0]; i++) {
        int wanted = argc == 1;
        for (int j = 1; j < argc; j++)
            wanted |= strcmp(argv[j], TESTS[i].name) == 0;
        if (wanted) {
            TESTS[i].run();
            ran++;
        }
    }
    if (argc > 1 && ran != (size_t)argc - 1) {
        fputs("tests/c: there is no test of that name; see main.c\n", stderr);
        return EXIT_FAILURE;
    }
    return report();
}
