/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* What the shunt's half in the kernel and xdp/ both write and read: C, fixed sizes, no padding. */
#pragma once

#ifdef __bpf__
#include "bpf/vmlinux.h"
#else
#include <linux/types.h>
#endif

/* Key of `shunted_flows`: the octets of flow::FlowKey. The endpoint (address, port) that is less
 * stands first; addresses compare as octets, equal ones by their ports. */
struct shunt_key {
	__u8 low[16]; /* IPv4 in the last four octets, the rest zero */
	__u8 high[16];
	__u16 low_port; /* host order; 0 for ESP */
	__u16 high_port;
	__u16 vlan; /* outermost id; 0: untagged, or not part of the key */
	__u16 customer_vlan;
	__u8 protocol;
	__u8 ip_version; /* 4 or 6 */
	__u8 unused[6];  /* zero */
};

/* A value of `shunt_counts`: what one endpoint of one flow sent, as one CPU saw it, in one of the
 * two parts that take turns as records are cut; see shunt_cut. Traffic only ever grows; what does
 * not add up (first, last, TTL, ...) begins anew with each `mark`. One cache line. */
struct shunt_count {
	__u64 sequence; /* odd while the CPU writes this line */
	__u64 packets;
	__u64 octets;        /* layer 3 */
	__u64 layer2_octets; /* without FCS */
	__u64 first;         /* CLOCK_MONOTONIC, ns */
	__u64 last;
	__u16 tcp_control_bits;
	__u8 type_of_service; /* of the first packet */
	__u8 ttl_min;
	__u32 unused;
	__u64 mark; /* the turn that this line last counted for */
};

enum {
	shunt_parts = 2,
	shunt_senders = 2, /* 0: the low endpoint */
};

/* Where `shunt_counts` holds a line: flow_on_cpu is the flow's number (its value in
 * `shunted_flows`) times the CPUs, plus the CPU. */
static inline __attribute__((always_inline)) __u32 shunt_index(__u32 flow_on_cpu, __u32 part,
							       __u32 sender)
{
	return (flow_on_cpu * shunt_parts + part) * shunt_senders + sender;
}

/* A value of `shunt_cuts`, by the flow's number: when the flow's record is to be cut, and how many
 * turns it has had. Packets before the cut count for turn t, the others for turn t + 1; turn t
 * counts in part t % 2. Both in one word, so that no packet ever meets half of a change:
 * the time in units of 1,024 ns above 16 bits of the turn. */
enum {
	shunt_cut_turn_bits = 16,
	shunt_cut_unit_shift = 10,
};

#ifdef __cplusplus
static_assert(sizeof(shunt_key) == 48 && sizeof(shunt_count) == 64);
#else
_Static_assert(sizeof(struct shunt_key) == 48, "no padding: hashed as octets");
_Static_assert(sizeof(struct shunt_count) == 64, "a cache line");
#endif
