/* main.c -- runs every C test and prints the closing line. */
#include "harness.h"

int
main(void)
{
    test_request_line();
    test_fields();
    test_limits();
    test_target();
    test_framing();
    test_chunked();
    test_spans();
    test_errors();
    return report();
}
