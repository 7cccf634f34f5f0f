/* SPDX-License-Identifier: MIT
 *
 * compiler.h - what rota asks of the compiler beyond C11 (gcc and clang), and
 * what every room shares: where memory comes from, how ranks compare.
 *
 * Backends include this file and nothing else of core/.
 */
#ifndef ROTA_CORE_COMPILER_H
#define ROTA_CORE_COMPILER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* For coverage a branch counts once, not once for each place that it would be
 * compiled into. */
#ifdef ROTA_COV
#define rota_inline static inline
#else
#define rota_inline static inline __attribute__((always_inline))
#endif
#define rota_noinline __attribute__((noinline))
#define rota_likely(x) __builtin_expect(!!(x), 1)
#define rota_unlikely(x) __builtin_expect(!!(x), 0)

/* Bring the line of @p in, to be written. Harmless on any address. */
#define rota_prefetch(p) __builtin_prefetch((p), 1, 3)

#define rota_container_of_(p, type, member) \
	((type *)(void *)((char *)(p)-offsetof(type, member)))

/* What is stored before it in the text is stored before what follows. For who
 * finds the memory as it stands at one moment, the child of a fork: between
 * processors it orders nothing. */
#define rota_in_order() __asm__ volatile("" ::: "memory")

/* Bytes a processor moves as one: x86-64 and most of aarch64. */
#define ROTA_LINE 64

/* Where a structure's memory comes from; core/shard.c counts the bytes. */
struct rota_mem {
	void *(*alloc)(void *arg, size_t size, size_t align);
	void (*free)(void *arg, void *ptr, size_t size);
	void *arg;
};

/* A rank counts the armings of a shard, modulo 2^RANK_BITS; so it orders
 * armings that are less than half of that apart. The hostile build comes
 * round every million. */
#ifdef ROTA_HOSTILE
#define RANK_BITS 20
#else
#define RANK_BITS 32
#endif

/* seq_after: by how many armings @a comes after @b, modulo. */
rota_inline uint32_t
seq_after(uint32_t a, uint32_t b)
{
	return (a - b) << (32 - RANK_BITS) >> (32 - RANK_BITS);
}

/* seq_before: does @a come before @b? */
rota_inline bool
seq_before(uint32_t a, uint32_t b)
{
	return (int32_t)((a - b) << (32 - RANK_BITS)) < 0;
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
