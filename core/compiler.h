/* SPDX-License-Identifier: MIT
 *
 * compiler.h - what rota asks of the compiler beyond C11 (gcc and clang), and
 * the one type that every room shares.
 *
 * Backends include this file and nothing else of core/.
 */
#ifndef ROTA_CORE_COMPILER_H
#define ROTA_CORE_COMPILER_H

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

/* Bytes a processor moves as one: x86-64 and most of aarch64. */
#define ROTA_LINE 64

/* Where a structure's memory comes from; core/shard.c counts the bytes. */
struct rota_mem {
	void *(*alloc)(void *arg, size_t size, size_t align);
	void (*free)(void *arg, void *ptr, size_t size);
	void *arg;
};

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
