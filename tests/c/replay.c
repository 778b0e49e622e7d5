/* replay.c -- tries inputs that were kept on a fuzz target: files of one input a line, in
 * hexadecimal digits, "#" before comments. */
#include "fuzz.h"

#define MOST 65536

static int
digit(char c)
{
    const char *digits = "0123456789abcdef", *at = strchr(digits, c);

    return c && at ? (int)(at - digits) : -1;
}

/* Bytes of the line, or -1 when it is a comment, empty or no input. */
static int
decode(const char *line, uint8_t *out)
{
    int n = 0;

    for (; digit(line[0]) >= 0 && digit(line[1]) >= 0; line += 2)
        out[n++] = (uint8_t)(digit(line[0]) << 4 | digit(line[1]));
    return *line == '\n' && n ? n : -1;
}

static unsigned
replay(const char *path)
{
    static char line[2 * MOST + 2];
    static uint8_t bytes[MOST + 1];
    unsigned inputs = 0;
    FILE *file = fopen(path, "r");

    if (file == NULL) {
        perror(path);
        exit(2);
    }
    while (fgets(line, sizeof line, file)) {
        int n = decode(line, bytes);

        if (n < 0)
            continue;
        LLVMFuzzerTestOneInput(bytes, (size_t)n);
        inputs++;
    }
    fclose(file);
    return inputs;
}

int
main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        unsigned inputs = replay(argv[i]);

        printf("%s: %u inputs hold\n", argv[i], inputs);
        if (inputs == 0)
            return 2;
    }
    return argc < 2;
}
