/* SPDX-License-Identifier: MIT
 *
 * compiler.h - what rota needs of the compiler beyond C11 (gcc and clang), and
 * what all parts share: the source of memory, and the order of sequence
 * numbers.
 *
 * Of core/ a backend includes only this header and core/sys/numbers.h.
 */
#ifndef ROTA_CORE_SYS_COMPILER_H
#define ROTA_CORE_SYS_COMPILER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the coverage build a branch counts once, not once for each place into
 * which it would be inlined. */
#ifdef ROTA_COV
#define rota_inline static inline
#else
#define rota_inline static inline __attribute__((always_inline))
#endif
#define rota_noinline __attribute__((noinline))
#define rota_likely(x) __builtin_expect(!!(x), 1)
#define rota_unlikely(x) __builtin_expect(!!(x), 0)

/* Fetch the cache line of @p for writing. Harmless on any address, also one that
 * was read from memory that nobody has written, which the memory sanitizer
 * would report. */
#ifdef __has_feature
#if __has_feature(memory_sanitizer)
#define rota_prefetch(p) ((void)(p))
#endif
#endif
#ifndef rota_prefetch
#define rota_prefetch(p) __builtin_prefetch((p), 1, 3)
#endif

#define rota_container_of_(p, type, member) \
	((type *)(void *)((char *)(p)-offsetof(type, member)))

/* The compiler moves no access across this. It serves the child of a fork,
 * which finds memory as it was at one moment. Between processors it orders
 * nothing. */
rota_inline void
rota_in_order(void)
{
	__asm__ volatile("" ::: "memory");
}

/* Bytes of a cache line: x86-64 and most of aarch64. */
#define ROTA_LINE 64

/* Where a structure's memory comes from; core/shard.c counts the bytes. */
struct rota_mem {
	void *(*alloc)(void *arg, size_t size, size_t align);
	void (*free)(void *arg, void *ptr, size_t size);
	void *arg;
};

/* A sequence number counts the armings of a shard, modulo 2^SEQ_BITS, so it
 * orders armings that are less than half of that apart. In the hostile build it
 * wraps every million. */
#ifdef ROTA_HOSTILE
#define SEQ_BITS 20
#else
#define SEQ_BITS 32
#endif

/* seq_after: by how many armings @a comes after @b, modulo 2^SEQ_BITS. */
rota_inline uint32_t
seq_after(uint32_t a, uint32_t b)
{
	return (a - b) << (32 - SEQ_BITS) >> (32 - SEQ_BITS);
}

/* seq_before: does @a come before @b? */
rota_inline bool
seq_before(uint32_t a, uint32_t b)
{
	return (int32_t)((a - b) << (32 - SEQ_BITS)) < 0;
}

/* Position of the highest bit that is on; @x is not zero. */
rota_inline unsigned
high_bit(uint64_t x)
{
	return 63u - (unsigned)__builtin_clzll(x);
}

/* Position of the lowest bit that is on; @x is not zero. */
rota_inline unsigned
low_bit(uint64_t x)
{
	return (unsigned)__builtin_ctzll(x);
}

#endif
