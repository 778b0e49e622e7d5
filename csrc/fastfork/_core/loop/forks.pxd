cdef struct ForkState:
    int happened   # others may have copies of our descriptors
    int foreign    # this process was forked by others from one of ours

cdef const ForkState *fork_state() noexcept
