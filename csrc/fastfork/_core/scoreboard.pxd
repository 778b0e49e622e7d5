# Words of a worker's slot on the scoreboard, and of an application thread's place in it.
# fastfork.ipc.scoreboard and fastfork.ipc.tally have the same numbers, and say what each word is;
# a test compares them.

cdef enum:
    STATE = 1
    HEARTBEAT = 2
    REQUESTS = 3
    CONNECTIONS = 4
    IN_FLIGHT = 5
    IN_FLIGHT_SINCE = 6
    BYTES_SENT = 7
    REFUSED = 8
    ACCEPTED = 9
    THREADS = 13
    ANSWERS = 64
    DURATION_SUM = 74
    WAIT_SUM = 75
    DURATIONS = 76
    STATIC_ANSWERS = 101
    H2_STREAMS = 102
    H2_RESETS = 103
    H2_RESETS_SENT = 104
    H2_GOAWAYS = 105
    WAITED = 108
    BYTES_RECEIVED = 133
    KEPT_ALIVE = 134
    LAG_LONGEST = 136
    TASKS = 137
    LAG_SUM = 192
    LAGS = 193
    PLACES_AT = 512
    PLACES_MAX = 256
    PLACE_WORDS = 32
    SLOT_WORDS = 9728

cdef enum:  # of a place
    SINCE = 0
    LINE_SIZE = 1
    LINE = 2
    LINE_BYTES = 240
