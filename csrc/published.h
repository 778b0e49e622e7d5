/* published.h -- a word that tells other processes whether what stands beside it may be read.
 *
 * One process writes, others read, none takes a lock.  Who writes publishes a word (0, or an odd
 * number) that says "not now", then the data, then a word that says which data it is.  Who reads
 * looks at the word, takes a copy of the data, looks again, and has a whole copy if the word said
 * the same and meant yes.  For that the processor must not move one over the other; x86 does not
 * in any case, so there these are plain stores and loads, and arm64 has instructions for it. */
#ifndef FF_PUBLISHED_H
#define FF_PUBLISHED_H

#include <stdint.h>

/* Whoever sees `value` sees all that was written before; what is written from now on is seen by
 * nobody who does not see `value`. */
static inline void
ff_publish(int64_t *word, int64_t value)
{
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
    __atomic_thread_fence(__ATOMIC_RELEASE);
}

/* All that was read before has been read by now, and what is read from now on is read after it. */
static inline int64_t
ff_look(const int64_t *word)
{
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

#endif
