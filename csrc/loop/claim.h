/* claim.h -- a word that says which thread has something, 0 for none.
 *
 * Who finds it taken counts itself among those who wait, looks again, and only then sleeps; who
 * gives it up looks at that count afterwards.  Both are in one order (seq_cst), so nobody sleeps
 * whom nobody wakes, with the interpreter lock or without it. */
#ifndef FF_CLAIM_H
#define FF_CLAIM_H

/* Whether it is `me`'s now.  me: not 0. */
static inline int
ff_claim(unsigned long *owner, unsigned long me)
{
    unsigned long nobody = 0;

    return __atomic_compare_exchange_n(owner, &nobody, me, 0, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

/* Nobody has it now.  Whether somebody waits for it. */
static inline int
ff_give_up(unsigned long *owner, const int *waiting)
{
    __atomic_store_n(owner, 0, __ATOMIC_SEQ_CST);
    return __atomic_load_n(waiting, __ATOMIC_SEQ_CST) != 0;
}

/* Who has it. */
static inline unsigned long
ff_owner(const unsigned long *owner)
{
    return __atomic_load_n(owner, __ATOMIC_SEQ_CST);
}

/* Returns the number after it. */
static inline int
ff_add(int *number, int n)
{
    return __atomic_add_fetch(number, n, __ATOMIC_SEQ_CST);
}

#endif
