/* SPDX-License-Identifier: GPL-2.0 */
/* What the ways through a frame have in common: where a walk stands, and the headers that the
 * kernel's types lack. Include behind <bpf/bpf_endian.h> and <bpf/bpf_helpers.h>. */
#pragma once

#include "bpf/vmlinux.h"

/* First four octets of a TCP and a UDP header alike. */
struct ports {
	__be16 source;
	__be16 destination;
};

/* Where the walk stands. The place is kept twice: `at` for headers at fixed places, which are read
 * directly, and `offset` for what lies behind a header of variable length, which is read through
 * bpf_xdp_load_bytes(): a packet pointer moved by a value from the packet would make loading the
 * program need CAP_PERFMON. */
struct walk {
	struct xdp_md *ctx;
	const void *at;
	const void *end;
	__u32 offset;
	__u32 features;
};

static __always_inline int is_tag(__be16 type)
{
	return type == bpf_htons(ETH_P_8021Q) || type == bpf_htons(ETH_P_8021AD) ||
	       type == bpf_htons(ETH_P_QINQ1);
}
