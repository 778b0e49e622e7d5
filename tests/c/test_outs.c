/* test_outs.c -- sending one item of the list of flusher.h, without the thread. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "world.h"

#define SENDS 4096 /* tries to send one large item */

/* Every split of "head" and "body!": what was sent before must not be sent again. */
static void
test_rest_of_an_item(void)
{
    GROUP("outs: the rest of an item");
    static const char WHOLE[] = "headbody!";
    char name[32];

    for (size_t sent = 0; sent <= 9; sent++) {
        for (int with_body = 0; with_body < 2; with_body++) {
            world w;
            ff_out item = {.start = 2, .end = with_body ? 6 : 11, .sent = sent};
            open_world(&w, "..headbody!..");
            item.fd = w.ours[0];
            item.body = with_body ? "body!" : NULL;
            item.body_size = with_body ? 5 : 0;
            ff_out_send(&item, w.outs.buffer);
            snprintf(name, sizeof name, "%s, after %zu bytes",
                     with_body ? "head and body" : "head only", sent);
            check(item.sent == 9 && item.error == 0, GROUP, name, "sent %zu, error %d", item.sent,
                  item.error);
            check(read_until(&w, 0, 9 - sent) && memcmp(w.got, WHOLE + sent, 9 - sent) == 0 &&
                      is_silent(&w, 0),
                  GROUP, name, "the peer read %.*s", (int)w.size, w.got);
            close_world(&w);
        }
    }
}

static void
test_items_left_alone(void)
{
    GROUP("outs: left alone");
    world w;
    ff_out gone = {.fd = -1, .end = 4}, failed = {.end = 4, .error = EPIPE};
    ff_out whole = {.end = 4, .sent = 4};

    open_world(&w, "head");
    failed.fd = w.ours[0];
    ff_out_send(&gone, w.outs.buffer);
    ff_out_send(&failed, w.outs.buffer);
    check(gone.sent == 0 && gone.error == 0, GROUP, "fd -1", "error %d", gone.error);
    check(failed.sent == 0 && failed.error == EPIPE && is_silent(&w, 0), GROUP, "failed before",
          "sent %zu, error %d", failed.sent, failed.error);
    close_peer(&w, 1);
    whole.fd = w.ours[1];
    ff_out_send(&whole, w.outs.buffer);
    check(whole.sent == 4 && whole.error == 0, GROUP, "whole", "error %d", whole.error);
    close_world(&w);
}

/* From the worker's thread, which does not block SIGPIPE: it must not come. */
static void
test_gone_peer(void)
{
    GROUP("outs: a peer that is gone");
    world w;
    ff_out plain = {.end = 4}, with_body = {.end = 4, .body = "body!", .body_size = 5};

    open_world(&w, "head");
    close_peer(&w, 0);
    plain.fd = with_body.fd = w.ours[0];
    ff_out_send(&plain, w.outs.buffer);
    check(plain.sent == 0 && plain.error == EPIPE, GROUP, "head only", "error %d", plain.error);
    ff_out_send(&with_body, w.outs.buffer);
    check(with_body.sent == 0 && with_body.error == EPIPE, GROUP, "head and body", "error %d",
          with_body.error);
    close_world(&w);
}

/* A body larger than the socket takes: part of it, then EAGAIN, then the rest. */
static void
test_full_peer(void)
{
    GROUP("outs: a peer that is full");
    world w;
    char *body = malloc(LARGE);
    ff_out *item;
    uint64_t seed = 7;

    or_die(body != NULL, "malloc");
    for (size_t i = 0; i < LARGE; i++)
        body[i] = (char)random_bits(&seed);
    open_world(&w, "head");
    item = put(&w, w.ours[0], 0, 4, body, LARGE);
    for (int i = 0; i < SENDS && !item->error; i++)
        ff_out_send(item, w.outs.buffer);
    check(item->error == EAGAIN && item->sent > 4 && item->sent < 4 + LARGE, GROUP, "part of it",
          "sent %zu, error %d", item->sent, item->error);
    for (int i = 0; i < SENDS && item->sent < 4 + LARGE && read_until(&w, 0, item->sent); i++) {
        item->error = 0;
        ff_out_send(item, w.outs.buffer);
    }
    check(read_until(&w, 0, 4 + LARGE) && memcmp(w.got, "head", 4) == 0 &&
              memcmp(w.got + 4, body, LARGE) == 0,
          GROUP, "all of it in the end", "the peer read %zu bytes", w.size);
    close_world(&w);
    free(body);
}

void
test_outs(void)
{
    test_rest_of_an_item();
    test_items_left_alone();
    test_gone_peer();
    test_full_peer();
}
