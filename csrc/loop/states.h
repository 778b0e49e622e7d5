/* states.h -- the states of a connection: one row a transition.
 *
 * What happens on a connection is an event; the row says in which state it leaves the connection,
 * and which function of the core sees to it.  A pair without a row never happens: a debug build
 * (FASTFORK_DEBUG=1) ends the process there, any other leaves the state as it is.  The drawing in
 * docs/explanation/connection-states.md is made from these rows by tools/draw_states.py. */
#ifndef FF_STATES_H
#define FF_STATES_H

#include <stdint.h>
#if FASTFORK_DEBUG
#include <stdio.h>
#include <stdlib.h>
#endif

/* State, what it means. */
#define FF_STATES(S)                                                             \
    S(IDLE, "between requests; holds no buffer")                                 \
    S(HEAD, "part of a request head has come")                                   \
    S(PREFACE, "accepted; the proxy has not yet said for whom it speaks")        \
    S(HANDSHAKE, "its TLS is not agreed on yet")                                 \
    S(BODY, "the head is read, its body is not")                                 \
    S(RUNNING, "the application is answering its request")                       \
    S(RESPONDING, "the answer is not fully handed to the kernel")                \
    S(LINGERING, "half-closed: reads and forgets until the client closes too")   \
    S(CLOSED, "given back to the system")

/* Event, what it means. */
#define FF_EVENTS(E)                                                             \
    E(PROXY_EXPECTED, "accepted where a proxy speaks first")                     \
    E(TLS_EXPECTED, "TLS is to be agreed on next")                               \
    E(CLEAR, "what comes next is requests")                                      \
    E(HEAD_CAME, "part of a head has come")                                      \
    E(BODY_FOLLOWS, "a head has come whose body has not")                        \
    E(ASKED, "the application is called, or gone on with")                       \
    E(ANSWERED, "the answer is made, and another request may come")              \
    E(ANSWERED_LAST, "the answer is made, and the connection ends with it")      \
    E(PARKED, "the rest of the answer is made later")                            \
    E(NOT_TAKEN, "the client does not take what it asked for")                   \
    E(ALL_SENT, "the kernel has all of the answer")                              \
    E(HALF_CLOSED, "nothing more is sent, and the client is to see the end")     \
    E(ENDED, "closed, or given away")

/* From, event, to, where it is seen to. */
#define FF_TRANSITIONS(T)                                                        \
    T(IDLE, PROXY_EXPECTED, PREFACE, "proxy_protocol.open")                      \
    T(IDLE, TLS_EXPECTED, HANDSHAKE, "tls.open")                                 \
    T(PREFACE, TLS_EXPECTED, HANDSHAKE, "tls.open")                              \
    T(IDLE, CLEAR, IDLE, "http1.open")                                           \
    T(PREFACE, CLEAR, IDLE, "http1.open")                                        \
    T(HANDSHAKE, CLEAR, IDLE, "http1.open")                                      \
    T(IDLE, HEAD_CAME, HEAD, "receiver._head_incomplete")                        \
    T(HEAD, HEAD_CAME, HEAD, "receiver._head_incomplete")                        \
    T(IDLE, BODY_FOLLOWS, BODY, "uploads.begin")                                 \
    T(HEAD, BODY_FOLLOWS, BODY, "uploads.begin")                                 \
    T(IDLE, ASKED, RUNNING, "answering.answer")                                  \
    T(HEAD, ASKED, RUNNING, "answering.answer")                                  \
    T(BODY, ASKED, RUNNING, "answering.answer")                                  \
    T(RESPONDING, ASKED, RUNNING, "answering.resume")                            \
    T(RUNNING, ANSWERED, IDLE, "http1.after_response")                           \
    T(RUNNING, ANSWERED_LAST, RESPONDING, "http1.after_response")                \
    T(IDLE, ANSWERED_LAST, RESPONDING, "http1.after_response")                   \
    T(HEAD, ANSWERED_LAST, RESPONDING, "http1.after_response")                   \
    T(BODY, ANSWERED_LAST, RESPONDING, "http1.after_response")                   \
    T(RUNNING, PARKED, RESPONDING, "http1.after_response")                       \
    T(HANDSHAKE, NOT_TAKEN, HANDSHAKE, "connections.wait_for_reader")            \
    T(IDLE, NOT_TAKEN, RESPONDING, "connections.wait_for_reader")                \
    T(HEAD, NOT_TAKEN, HEAD, "connections.wait_for_reader")                      \
    T(BODY, NOT_TAKEN, BODY, "connections.wait_for_reader")                      \
    T(RUNNING, NOT_TAKEN, RUNNING, "connections.wait_for_reader")                \
    T(RESPONDING, NOT_TAKEN, RESPONDING, "connections.wait_for_reader")          \
    T(RESPONDING, ALL_SENT, IDLE, "http1.after_flush")                           \
    T(IDLE, HALF_CLOSED, LINGERING, "connections.linger")                        \
    T(HEAD, HALF_CLOSED, LINGERING, "connections.linger")                        \
    T(BODY, HALF_CLOSED, LINGERING, "connections.linger")                        \
    T(HANDSHAKE, HALF_CLOSED, LINGERING, "connections.linger")                   \
    T(RESPONDING, HALF_CLOSED, LINGERING, "connections.linger")                  \
    T(IDLE, ENDED, CLOSED, "connections.leave")                                  \
    T(HEAD, ENDED, CLOSED, "connections.leave")                                  \
    T(PREFACE, ENDED, CLOSED, "connections.leave")                               \
    T(HANDSHAKE, ENDED, CLOSED, "connections.leave")                             \
    T(BODY, ENDED, CLOSED, "connections.leave")                                  \
    T(RUNNING, ENDED, CLOSED, "connections.leave")                               \
    T(RESPONDING, ENDED, CLOSED, "connections.leave")                            \
    T(LINGERING, ENDED, CLOSED, "connections.leave")                             \
    T(CLOSED, ENDED, CLOSED, "connections.leave")

enum {
#define FF_STATE(name, text) FF_STATE_##name,
    FF_STATES(FF_STATE) FF_STATE_COUNT
#undef FF_STATE
};

enum {
#define FF_EVENT(name, text) FF_EVENT_##name,
    FF_EVENTS(FF_EVENT) FF_EVENT_COUNT
#undef FF_EVENT
};

/* The state after an event, see above. */
static inline uint8_t ff_next_state(uint8_t state, int event)
{
    /* One more than the state, so that 0 is none. */
    static const uint8_t next[FF_STATE_COUNT][FF_EVENT_COUNT] = {
#define FF_TRANSITION(from, event, to, where)                                    \
    [FF_STATE_##from][FF_EVENT_##event] = FF_STATE_##to + 1,
        FF_TRANSITIONS(FF_TRANSITION)
#undef FF_TRANSITION
    };
    uint8_t found = next[state][event];
#if FASTFORK_DEBUG
    if (!found) {
        fprintf(stderr, "fastfork: event %d in state %d of a connection\n", event, state);
        abort();
    }
#endif
    return found ? (uint8_t)(found - 1) : state;
}

#endif
