/* test_options.c -- what settings permit or refuse beyond the rules: folding, white space
 * before the colon, unconventional methods and versions, underscores. */
#include "heads.h"

typedef struct {
    uint32_t options;
    head_case c;
} option_case;

#define OPTION(options, ...)                                                                       \
    {                                                                                              \
        options, __VA_ARGS__                                                                       \
    }
#define GET "GET / HTTP/1.1\r\n"
#define FOLD FF_PERMIT_FOLDING
#define STRIP FF_STRIP_SPACES
#define ALL (FOLD | STRIP | FF_PERMIT_METHOD | FF_CASEFOLD_METHOD | FF_PERMIT_VERSION)

static const option_case CASES[] = {
    OPTION(FOLD, ACCEPTED("two lines are one value", GET "A: b\r\n c\r\n\r\n",
                          "GET / path=/ 1.1! {A/fold=b c}")),
    OPTION(FOLD, ACCEPTED("white space around a fold is one SP", GET "A: b \t\r\n\t  c \r\n\r\n",
                          "GET / path=/ 1.1! {A/fold=b c}")),
    OPTION(FOLD, ACCEPTED("an empty first line adds nothing", GET "A:\r\n c\r\n\r\n",
                          "GET / path=/ 1.1! {A/fold=c}")),
    OPTION(FOLD, ACCEPTED("three lines", GET "A: b\r\n c\r\n\td\r\nB: e\r\n\r\n",
                          "GET / path=/ 1.1! {A/fold=b c d}{B=e}")),
    OPTION(FOLD, ACCEPTED("fields without a fold stay as they are", GET "A: b\r\nB: c\r\n\r\n",
                          "GET / path=/ 1.1 {A=b}{B=c}")),
    OPTION(FOLD, ACCEPTED("obs-text behind a fold", GET "A: b\r\n \xe9\r\n\r\n",
                          "GET / path=/ 1.1! {A/obs/fold=b \xe9}")),
    OPTION(FOLD, ACCEPTED("Cookie may fold", GET "Cookie: b\r\n c\r\n\r\n",
                          "GET / path=/ 1.1! {Cookie/cookie/fold=b c}")),
    OPTION(FOLD, REFUSED("the request line does not fold", GET " A: b\r\n\r\n", FF_OBS_FOLD)),
    OPTION(FOLD, REFUSED("Host does not fold", GET "Host: a\r\n b\r\n\r\n", FF_OBS_FOLD)),
    OPTION(FOLD, REFUSED("Content-Length does not fold", GET "Content-Length:\r\n 5\r\n\r\n",
                         FF_OBS_FOLD)),
    OPTION(FOLD, REFUSED("Transfer-Encoding does not fold",
                         GET "Transfer-Encoding:\r\n chunked\r\n\r\n", FF_OBS_FOLD)),
    OPTION(FOLD, REFUSED("Connection does not fold", GET "Connection: a,\r\n close\r\n\r\n",
                         FF_OBS_FOLD)),
    OPTION(FOLD, REFUSED("Expect does not fold", GET "Expect:\r\n x\r\n\r\n", FF_OBS_FOLD)),
    OPTION(FOLD, REFUSED("Proxy does not fold", GET "Proxy:\r\n x\r\n\r\n", FF_OBS_FOLD)),
    OPTION(FOLD, REFUSED("a line of white space is no fold", GET "A: b\r\n \r\n\r\n", FF_OBS_FOLD)),
    OPTION(FOLD, REFUSED("a control character behind a fold", GET "A: b\r\n c\x01\r\n\r\n",
                         FF_BAD_FIELD_VALUE)),
    OPTION(FOLD, REFUSED("bare LF behind a fold", GET "A: b\r\n c\n\r\n", FF_BARE_LF)),
    OPTION(FOLD, REFUSED("bare CR behind a fold", GET "A: b\r\n c\rd\r\n\r\n", FF_BARE_CR)),
    OPTION(FOLD, REFUSED("a fold that may go on", GET "A: b\r\n c\r\n", FF_NEED_DATA)),
    OPTION(FOLD, REFUSED("a space before the colon", GET "A : b\r\n\r\n", FF_BAD_FIELD_NAME)),

    OPTION(STRIP, ACCEPTED("white space before the colon goes", GET "A \t: b\r\n\r\n",
                           "GET / path=/ 1.1! {A=b}")),
    OPTION(STRIP, ACCEPTED("also of fields that frame", GET "Content-Length : 5\r\n\r\n",
                           "GET / path=/ 1.1! {Content-Length/length=5}")),
    OPTION(STRIP, REFUSED("white space alone is no name", GET "A: b\r\n : c\r\n\r\n", FF_OBS_FOLD)),
    OPTION(STRIP, REFUSED("two words are no name", GET "A B: c\r\n\r\n", FF_BAD_FIELD_NAME)),
    OPTION(STRIP, REFUSED("a name and white space", GET "A \r\n\r\n", FF_BAD_FIELD_NAME)),
    OPTION(STRIP, REFUSED("folds are not meant", GET "A : b\r\n c\r\n\r\n", FF_OBS_FOLD)),

    OPTION(FF_PERMIT_METHOD, ACCEPTED("a method of one letter", "g / HTTP/1.1\r\n\r\n",
                                      "g / path=/ 1.1 ")),
    OPTION(FF_PERMIT_METHOD, ACCEPTED("a method with #", "A#BC / HTTP/1.1\r\n\r\n",
                                      "A#BC / path=/ 1.1 ")),
    OPTION(FF_PERMIT_METHOD, ACCEPTED("a method of 21 letters",
                                      "ABCDEFGHIJKLMNOPQRSTU / HTTP/1.1\r\n\r\n",
                                      "ABCDEFGHIJKLMNOPQRSTU / path=/ 1.1 ")),
    OPTION(FF_PERMIT_METHOD, REFUSED("no method", " / HTTP/1.1\r\n\r\n", FF_BAD_METHOD)),
    OPTION(FF_PERMIT_METHOD, REFUSED("a method that is no token", "G@T / HTTP/1.1\r\n\r\n",
                                     FF_BAD_METHOD)),
    OPTION(FF_PERMIT_METHOD, REFUSED("options is not OPTIONS", "options * HTTP/1.1\r\n\r\n",
                                     FF_BAD_TARGET)),
    OPTION(FF_CASEFOLD_METHOD, ACCEPTED("lower case", "get / HTTP/1.1\r\n\r\n", "get / path=/ 1.1 ")),
    OPTION(FF_CASEFOLD_METHOD, ACCEPTED("options is OPTIONS", "options * HTTP/1.1\r\n\r\n",
                                        "options * path=* asterisk 1.1 ")),
    OPTION(FF_CASEFOLD_METHOD, REFUSED("connect is CONNECT", "connect a:1 HTTP/1.1\r\n\r\n",
                                       FF_CONNECT_NOT_SUPPORTED)),
    OPTION(FF_CASEFOLD_METHOD, REFUSED("too short all the same", "go / HTTP/1.1\r\n\r\n",
                                       FF_BAD_METHOD)),
    OPTION(FF_CASEFOLD_METHOD, REFUSED("# all the same", "g#t / HTTP/1.1\r\n\r\n", FF_BAD_METHOD)),

    OPTION(FF_PERMIT_VERSION, ACCEPTED("HTTP/2.0 is served as 1.1", "GET / HTTP/2.0\r\n\r\n",
                                       "GET / path=/ 1.1! ")),
    OPTION(FF_PERMIT_VERSION, ACCEPTED("HTTP/0.9 is served as 1.0", "GET / HTTP/0.9\r\n\r\n",
                                       "GET / path=/ 1.0! ")),
    OPTION(FF_PERMIT_VERSION, ACCEPTED("HTTP/1.9 as ever", "GET / HTTP/1.9\r\n\r\n",
                                       "GET / path=/ 1.9 ")),
    OPTION(FF_PERMIT_VERSION, REFUSED("malformed all the same", "GET / HTTP/2\r\n\r\n",
                                      FF_BAD_VERSION)),
    OPTION(FF_PERMIT_VERSION, REFUSED("the HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                                      FF_BAD_TARGET)),

    OPTION(FF_REFUSE_UNDERSCORE, REFUSED("a name with an underscore", GET "A_B: c\r\n\r\n",
                                         FF_UNDERSCORE)),
    OPTION(FF_REFUSE_UNDERSCORE, ACCEPTED("an underscore in a value", GET "A: b_c\r\n\r\n",
                                          "GET / path=/ 1.1 {A=b_c}")),
    OPTION(ALL, ACCEPTED("everything at once", "get / HTTP/3.0\r\nA : b\r\n c\r\n\r\n",
                         "get / path=/ 1.1! {A/fold=b c}")),
};

static const head_case SIZES[] = {
    ACCEPTED("a field with its fold, just short enough", GET "A: b\r\n c\r\nD: e\r\n\r\n",
             "GET / path=/ 1.1! {A/fold=b c}{D=e}"),
    REFUSED("a fold counts in the size of its field", GET "A: b\r\n cd\r\n\r\n", FF_FIELD_TOO_LONG),
    REFUSED("a fold that begins beyond the size", GET "A: bcdef\r\n g\r\n\r\n", FF_FIELD_TOO_LONG),
    REFUSED("a line without end, in a head of any line length",
            "GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", FF_HEAD_TOO_LONG),
};

void
test_options(void)
{
    const ff_limits small = {.field_size = 10, .head = 40, .options = FF_PERMIT_FOLDING};

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        ff_limits limits = DEFAULT_LIMITS;

        limits.options = CASES[i].options;
        run_head_case("options", &CASES[i].c, &limits);
    }
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++)
        run_head_case("sizes with options", &SIZES[i], &small);
}
