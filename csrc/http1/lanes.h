/* lanes.h -- sixteen bytes at a time: SSE2 on x86-64, NEON on arm64.
 *
 * FF_LANES is defined where there is one of them; FF_NO_LANES hides it, for the tests.  A mask has
 * a bit for each byte, the first byte's the lowest; on arm64 these bits are four apart. */
#ifndef FF_LANES_H
#define FF_LANES_H

#include <stddef.h>
#include <stdint.h>

#if defined(FF_NO_LANES)
#elif defined(__SSE2__)
#include <emmintrin.h>
#define FF_LANES 1

typedef __m128i ff_lanes;
typedef unsigned ff_mask;
enum { FF_MASK_STEP = 1 };

static inline ff_lanes
ff_load(const char *p)
{
    return _mm_loadu_si128((const __m128i *)p);
}

static inline ff_lanes
ff_all(char c)
{
    return _mm_set1_epi8(c);
}

static inline ff_lanes
ff_equal(ff_lanes a, ff_lanes b)
{
    return _mm_cmpeq_epi8(a, b);
}

/* As signed bytes: 0x80-0xFF are the lowest. */
static inline ff_lanes
ff_less(ff_lanes a, ff_lanes b)
{
    return _mm_cmplt_epi8(a, b);
}

static inline ff_lanes
ff_or(ff_lanes a, ff_lanes b)
{
    return _mm_or_si128(a, b);
}

static inline ff_lanes
ff_and(ff_lanes a, ff_lanes b)
{
    return _mm_and_si128(a, b);
}

static inline ff_lanes
ff_without(ff_lanes a, ff_lanes b)
{
    return _mm_andnot_si128(b, a);
}

static inline ff_lanes
ff_xor(ff_lanes a, ff_lanes b)
{
    return _mm_xor_si128(a, b);
}

static inline void
ff_store(char *p, ff_lanes a)
{
    _mm_storeu_si128((__m128i *)p, a);
}

/* Of bytes whose bits are all the same, as comparisons make them. */
static inline ff_mask
ff_bits(ff_lanes a)
{
    return (ff_mask)_mm_movemask_epi8(a);
}

/* Of bytes from 0x80. */
static inline ff_mask
ff_high_bits(ff_lanes a)
{
    return (ff_mask)_mm_movemask_epi8(a);
}

static inline size_t
ff_first(ff_mask mask)
{
    return (size_t)__builtin_ctz(mask);
}

#elif defined(__ARM_NEON) && defined(__aarch64__)
#include <arm_neon.h>
#define FF_LANES 1

typedef uint8x16_t ff_lanes;
typedef uint64_t ff_mask;
enum { FF_MASK_STEP = 4 };

static inline ff_lanes
ff_load(const char *p)
{
    return vld1q_u8((const uint8_t *)p);
}

static inline ff_lanes
ff_all(char c)
{
    return vdupq_n_u8((uint8_t)c);
}

static inline ff_lanes
ff_equal(ff_lanes a, ff_lanes b)
{
    return vceqq_u8(a, b);
}

static inline ff_lanes
ff_less(ff_lanes a, ff_lanes b)
{
    return vcltq_s8(vreinterpretq_s8_u8(a), vreinterpretq_s8_u8(b));
}

static inline ff_lanes
ff_or(ff_lanes a, ff_lanes b)
{
    return vorrq_u8(a, b);
}

static inline ff_lanes
ff_and(ff_lanes a, ff_lanes b)
{
    return vandq_u8(a, b);
}

static inline ff_lanes
ff_without(ff_lanes a, ff_lanes b)
{
    return vbicq_u8(a, b);
}

static inline ff_lanes
ff_xor(ff_lanes a, ff_lanes b)
{
    return veorq_u8(a, b);
}

static inline void
ff_store(char *p, ff_lanes a)
{
    vst1q_u8((uint8_t *)p, a);
}

/* There is no movemask: each pair of bytes is narrowed to one that has four bits of either. */
static inline ff_mask
ff_bits(ff_lanes a)
{
    uint8x8_t nibbles = vshrn_n_u16(vreinterpretq_u16_u8(a), 4);

    return vget_lane_u64(vreinterpret_u64_u8(nibbles), 0) & 0x8888888888888888u;
}

static inline ff_mask
ff_high_bits(ff_lanes a)
{
    return ff_bits(vcltzq_s8(vreinterpretq_s8_u8(a)));
}

static inline size_t
ff_first(ff_mask mask)
{
    return (size_t)__builtin_ctzll(mask) / FF_MASK_STEP;
}

#endif

#ifdef FF_LANES
/* The bits of the bytes before the one at `at`, which is below 16. */
static inline ff_mask
ff_before(ff_mask mask, size_t at)
{
    return mask & (((ff_mask)1 << (at * FF_MASK_STEP)) - 1);
}
#endif

#endif
