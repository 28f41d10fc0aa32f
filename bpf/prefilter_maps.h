/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* What the kernel program and xdp/ both write and read: C, fixed sizes, no padding. */
#pragma once

#ifdef __bpf__
#include "bpf/vmlinux.h"
#else
#include <linux/types.h>
#endif

enum {
	/* Prefixes of one address family that an operator may exclude. */
	prefilter_prefixes_max = 100000,
	/* Room in the map: new prefixes go in before old ones leave, so a list that is replaced
	 * whole needs its place twice for a moment. Entries take memory only while they exist. */
	prefilter_prefixes_room = 2 * prefilter_prefixes_max,
	prefilter_ports = 65536,
	prefilter_queues_max = 64,
	prefilter_sample_max = 1000000,
	/* The walk over a crafted frame ends here; beyond, it goes to user space as it is. */
	prefilter_tags_max = 4,
	prefilter_extension_headers_max = 8,
};

/* Keys of `excluded_ipv4` and `excluded_ipv6`; a trie matches from the first octet of `address`. */
struct prefilter_prefix4 {
	__u32 length;    /* bits, 0 to 32, host order */
	__u8 address[4]; /* network order; bits beyond `length` are zero */
};

struct prefilter_prefix6 {
	__u32 length; /* bits, 0 to 128, host order */
	__u8 address[16];
};

/* Bits of prefilter_config.features. An empty list costs no lookup: its bit is clear. */
enum {
	prefilter_open = 1 << 0,         /* count and judge; before, frames are dropped unseen */
	prefilter_excludes_ipv4 = 1 << 1,
	prefilter_excludes_ipv6 = 1 << 2,
	prefilter_denies_ports = 1 << 3,
};

/* The one value of `config`. Eight octets, which the kernel writes at once: no frame ever meets
 * half of a change. */
struct prefilter_config {
	__u32 sample; /* keep one frame in so many; 0 and 1: all */
	__u32 features;
};

/* What becomes of a frame. Every frame is `seen` and then exactly one of the others:
 *     seen = excluded + denied + sampled_out + shunted + redirected + no_socket */
enum prefilter_fate {
	prefilter_seen,
	prefilter_excluded,    /* dropped: source or destination under an excluded prefix */
	prefilter_denied,      /* dropped: TCP or UDP source or destination port on the list */
	prefilter_sampled_out, /* dropped: not the one in N */
	prefilter_shunted,     /* dropped: of a shunted flow, counted under that flow */
	prefilter_redirected,  /* handed to the AF_XDP socket of this queue */
	prefilter_no_socket,   /* dropped: nobody listens on this queue */
	prefilter_fates,
};

/* A value of `counters`, indexed by prefilter_fate: per CPU and written only on that CPU, so no
 * atomics are needed. */
struct prefilter_count {
	__u64 packets;
	__u64 octets; /* layer 2, without FCS */
};

#ifdef __cplusplus
static_assert(sizeof(prefilter_prefix4) == 8 && sizeof(prefilter_prefix6) == 20);
static_assert(sizeof(prefilter_config) == 8);
static_assert(sizeof(prefilter_count) == 16);
#else
_Static_assert(sizeof(struct prefilter_prefix4) == 8, "a trie key has no padding");
_Static_assert(sizeof(struct prefilter_prefix6) == 20, "a trie key has no padding");
_Static_assert(sizeof(struct prefilter_config) == 8, "written at once");
_Static_assert(sizeof(struct prefilter_count) == 16, "no padding");
#endif
