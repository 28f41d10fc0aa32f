/* SPDX-License-Identifier: GPL-2.0 */
/* The shunt: frames of flows that user space has seen enough of end in the driver, counted under
 * their flow exactly as user space would have. Part of prefilter.bpf.c. */
#pragma once

#include "bpf/shunt_maps.h"
#include "bpf/walk.h"

/* The maps of shunted flows. Those of user space take their place at load time, sized and shared
 * by all interfaces; see xdp/shunt.h. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct shunt_key);
	__type(value, __u32); /* the flow's number */
} shunted_flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32); /* shunt_index() */
	__type(value, struct shunt_count);
} shunt_counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32); /* the flow's number */
	__type(value, __u64);
} shunt_cuts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64); /* how many flows are shunted now; 0 costs no more than this look */
} shunt_switch SEC(".maps");

/* Fixed before loading. 0 CPUs: nothing is ever shunted, and the verifier takes the code out. */
const volatile __u32 shunt_cpus = 0;
const volatile __u32 shunt_vlan_in_key = 1;

/* First 14 octets of a TCP header. */
struct tcp_start {
	struct ports ports;
	__be32 sequence;
	__be32 acknowledgement;
	__be16 offset_and_bits;
};

/* What a frame means for its flow. */
struct shunt_packet {
	__u32 octets;
	__u32 layer2_octets;
	__u32 sender;
	__u16 tcp_control_bits;
	__u8 type_of_service;
	__u8 ttl;
};

/* The addresses in their canonical order, ports with them. Returns the sender: 0 is the low one. */
static __always_inline __u32 order_ends(struct shunt_key *key, const __u64 *source,
					const __u64 *destination, const struct ports *ports)
{
	const __u16 from = bpf_ntohs(ports->source);
	const __u16 to = bpf_ntohs(ports->destination);
	const __u64 from_high = bpf_be64_to_cpu(source[0]);
	const __u64 from_low = bpf_be64_to_cpu(source[1]);
	const __u64 to_high = bpf_be64_to_cpu(destination[0]);
	const __u64 to_low = bpf_be64_to_cpu(destination[1]);
	int source_is_low;

	if (from_high != to_high)
		source_is_low = from_high < to_high;
	else if (from_low != to_low)
		source_is_low = from_low < to_low;
	else
		source_is_low = from <= to;
	if (source_is_low) {
		__builtin_memcpy(key->low, source, sizeof(key->low));
		__builtin_memcpy(key->high, destination, sizeof(key->high));
		key->low_port = from;
		key->high_port = to;
		return 0;
	}
	__builtin_memcpy(key->low, destination, sizeof(key->low));
	__builtin_memcpy(key->high, source, sizeof(key->high));
	key->low_port = to;
	key->high_port = from;
	return 1;
}

/* Reads what stands behind an IP header at a fixed place. 0: not for the shunt, a connection's
 * begin or end among others, which user space must see. */
static __always_inline int read_transport(const struct walk *walk, __u8 protocol, __u32 octets,
					  struct ports *ports, struct shunt_packet *packet)
{
	const __u16 begin_or_end = 0x07; /* FIN, SYN, RST */

	if (protocol == IPPROTO_TCP) {
		const struct tcp_start *tcp = walk->at;

		if ((const void *)(tcp + 1) > walk->end || octets < 20)
			return 0;
		packet->tcp_control_bits = bpf_ntohs(tcp->offset_and_bits) & 0x0fff;
		*ports = tcp->ports;
		return !(packet->tcp_control_bits & begin_or_end);
	}
	if (protocol == IPPROTO_UDP) {
		const struct ports *udp = walk->at;

		if ((const void *)(udp + 1) > walk->end || octets < 8)
			return 0;
		*ports = *udp;
		return 1;
	}
	return protocol == IPPROTO_ESP;
}

/* Only what is whole and plain: options and fragments go to user space. Lengths as
 * pipeline/decode/ipv4.h has them. */
static __always_inline int read_shunt_ipv4(struct walk *walk, struct shunt_key *key,
					   struct shunt_packet *packet)
{
	const struct iphdr *ip = walk->at;
	__u64 source[2] = {};
	__u64 destination[2] = {};
	struct ports ports = {};
	__u32 wire = packet->layer2_octets - walk->offset;
	__u32 total;

	if ((const void *)(ip + 1) > walk->end || ip->version != 4 || ip->ihl != 5 ||
	    ip->frag_off & bpf_htons(0x3fff))
		return 0;
	total = bpf_ntohs(ip->tot_len);
	if (total == 0 || total > wire)
		total = wire;
	walk->at = ip + 1;
	if (total < sizeof(*ip) ||
	    !read_transport(walk, ip->protocol, total - sizeof(*ip), &ports, packet))
		return 0;
	__builtin_memcpy((__u8 *)source + 12, &ip->saddr, sizeof(ip->saddr));
	__builtin_memcpy((__u8 *)destination + 12, &ip->daddr, sizeof(ip->daddr));
	packet->sender = order_ends(key, source, destination, &ports);
	packet->octets = total;
	packet->type_of_service = ip->tos;
	packet->ttl = ip->ttl;
	key->protocol = ip->protocol;
	key->ip_version = 4;
	return 1;
}

/* Without extension headers and jumbo payloads. Lengths as pipeline/decode/ipv6.h has them. */
static __always_inline int read_shunt_ipv6(struct walk *walk, struct shunt_key *key,
					   struct shunt_packet *packet)
{
	const struct ipv6hdr *ip = walk->at;
	__u64 source[2];
	__u64 destination[2];
	struct ports ports = {};
	__u32 wire = packet->layer2_octets - walk->offset;
	__u32 payload;

	if ((const void *)(ip + 1) > walk->end || ip->version_class >> 4 != 6)
		return 0;
	payload = bpf_ntohs(ip->payload_len);
	if (payload == 0 || wire < sizeof(*ip))
		return 0;
	if (payload > wire - sizeof(*ip))
		payload = wire - sizeof(*ip);
	walk->at = ip + 1;
	if (!read_transport(walk, ip->nexthdr, payload, &ports, packet))
		return 0;
	__builtin_memcpy(source, &ip->saddr, sizeof(source));
	__builtin_memcpy(destination, &ip->daddr, sizeof(destination));
	packet->sender = order_ends(key, source, destination, &ports);
	packet->octets = sizeof(*ip) + payload;
	packet->type_of_service = ip->version_class << 4 | ip->class_label[0] >> 4;
	packet->ttl = ip->hop_limit;
	key->protocol = ip->nexthdr;
	key->ip_version = 6;
	return 1;
}

/* The key of a frame with at most two tags, as flow::write_key() writes it. 0: not for the shunt.
 */
static __always_inline int read_shunt_key(struct xdp_md *ctx, struct shunt_key *key,
					  struct shunt_packet *packet)
{
	const struct ethhdr *ethernet = (const void *)(long)ctx->data;
	struct walk walk = {
		.ctx = ctx,
		.at = ethernet + 1,
		.end = (const void *)(long)ctx->data_end,
		.offset = sizeof(*ethernet),
	};
	__u16 ids[2] = {};
	__be16 type;

	if (walk.at > walk.end)
		return 0;
	type = ethernet->h_proto;
#pragma unroll
	for (int i = 0; i < 2; i++) {
		const struct vlan_hdr *tag = walk.at;

		if (!is_tag(type))
			break;
		if ((const void *)(tag + 1) > walk.end)
			return 0;
		ids[i] = bpf_ntohs(tag->h_vlan_TCI) & 0x0fff;
		type = tag->h_vlan_encapsulated_proto;
		walk.at = tag + 1;
		walk.offset += sizeof(*tag);
	}
	if (shunt_vlan_in_key) {
		key->vlan = ids[0];
		key->customer_vlan = ids[1];
	}
	if (type == bpf_htons(ETH_P_IP))
		return read_shunt_ipv4(&walk, key, packet);
	if (type == bpf_htons(ETH_P_IPV6))
		return read_shunt_ipv6(&walk, key, packet);
	return 0;
}

/* Plain additions: a line belongs to one CPU, on which programs do not interrupt each other. The
 * sequence tells the reader on another CPU when it has met a line half written. */
static __always_inline int count_shunted(__u32 flow, const struct shunt_packet *packet)
{
	const __u64 now = bpf_ktime_get_ns();
	const __u64 *cut = bpf_map_lookup_elem(&shunt_cuts, &flow);
	struct shunt_count *line;
	__u64 turn;
	__u32 index;

	if (!cut)
		return 0;
	turn = *cut;
	turn = (turn + (now >> shunt_cut_unit_shift >= turn >> shunt_cut_turn_bits)) &
	       ((1 << shunt_cut_turn_bits) - 1);
	index = shunt_index(flow * shunt_cpus + bpf_get_smp_processor_id(), (__u32)turn & 1,
			    packet->sender);
	line = bpf_map_lookup_elem(&shunt_counts, &index);
	if (!line)
		return 0;
	line->sequence += 1;
	barrier();
	line->packets += 1;
	line->octets += packet->octets;
	line->layer2_octets += packet->layer2_octets;
	line->last = now;
	if (line->mark != turn || line->packets == 1) {
		line->mark = turn;
		line->first = now;
		line->tcp_control_bits = packet->tcp_control_bits;
		line->type_of_service = packet->type_of_service;
		line->ttl_min = packet->ttl;
	} else {
		line->tcp_control_bits |= packet->tcp_control_bits;
		if (packet->ttl < line->ttl_min)
			line->ttl_min = packet->ttl;
	}
	barrier();
	line->sequence += 1;
	return 1;
}

/* True where the frame belongs to a shunted flow and has been counted there. A function of its own
 * for the reason of judge(). */
static __noinline int is_shunted(struct xdp_md *ctx, __u32 layer2_octets)
{
	struct shunt_packet packet = { .layer2_octets = layer2_octets };
	struct shunt_key key = {};
	const __u32 *flow;

	if (!read_shunt_key(ctx, &key, &packet))
		return 0;
	flow = bpf_map_lookup_elem(&shunted_flows, &key);
	return flow && count_shunted(*flow, &packet);
}

static __always_inline int any_shunted(void)
{
	const __u32 first = 0;
	const __u64 *flows;

	if (shunt_cpus == 0)
		return 0;
	flows = bpf_map_lookup_elem(&shunt_switch, &first);
	return flows && *flows;
}
