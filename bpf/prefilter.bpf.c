// SPDX-License-Identifier: GPL-2.0
/* Decides in the driver which frames of a SPAN port reach user space at all. A mirrored frame is
 * never for this host, so nothing is passed to the kernel's own stack. What this walk cannot read
 * goes to user space: the decoder gives it a name. */

#include "bpf/vmlinux.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/prefilter_maps.h"
#include "bpf/shunt.h"
#include "bpf/walk.h"

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, prefilter_prefixes_room);
	__uint(map_flags, BPF_F_NO_PREALLOC); /* the kernel demands it of tries */
	__type(key, struct prefilter_prefix4);
	__type(value, __u8);
} excluded_ipv4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, prefilter_prefixes_room);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefilter_prefix6);
	__type(value, __u8);
} excluded_ipv6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, prefilter_ports);
	__type(key, __u32);
	__type(value, __u8); /* 1: drop */
} denied_ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct prefilter_config);
} config SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, prefilter_fates);
	__type(key, __u32);
	__type(value, struct prefilter_count);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64); /* frames sampled out since the last one kept */
} since_kept SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, prefilter_queues_max);
	__type(key, __u32);
	__type(value, __u32);
} sockets SEC(".maps");

/* First two octets of an IPv6 extension header; all are at least eight octets long. */
struct extension {
	__u8 nexthdr;
	__u8 length;
	__be16 fragment_offset; /* of a fragment header: 13 bits, 2 reserved, more-fragments */
	__u8 rest[4];
};

static __always_inline void count(enum prefilter_fate fate, __u64 octets)
{
	__u32 index = fate;
	struct prefilter_count *counted = bpf_map_lookup_elem(&counters, &index);

	if (counted) {
		counted->packets += 1;
		counted->octets += octets;
	}
}

static __always_inline int is_denied(__be16 port)
{
	__u32 index = bpf_ntohs(port);
	const __u8 *denied = bpf_map_lookup_elem(&denied_ports, &index);

	return denied && *denied;
}

static __always_inline int is_excluded_ipv4(__be32 address)
{
	struct prefilter_prefix4 key = { .length = 32 };

	__builtin_memcpy(key.address, &address, sizeof(key.address));
	return bpf_map_lookup_elem(&excluded_ipv4, &key) != 0;
}

static __always_inline int is_excluded_ipv6(const struct in6_addr *address)
{
	struct prefilter_prefix6 key = { .length = 128 };

	__builtin_memcpy(key.address, address, sizeof(key.address));
	return bpf_map_lookup_elem(&excluded_ipv6, &key) != 0;
}

/* The judges below answer `prefilter_redirected` for "nothing against it". */

static __always_inline enum prefilter_fate judge_ports(const struct ports *ports)
{
	if (is_denied(ports->source) || is_denied(ports->destination))
		return prefilter_denied;
	return prefilter_redirected;
}

static __always_inline enum prefilter_fate judge_ports_at(struct xdp_md *ctx, __u32 offset)
{
	struct ports ports;

	if (bpf_xdp_load_bytes(ctx, offset, &ports, sizeof(ports)))
		return prefilter_redirected;
	return judge_ports(&ports);
}

static __always_inline int has_ports(__u8 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;
}

/* RFC 791. */
static __always_inline enum prefilter_fate judge_ipv4(const struct walk *walk)
{
	const struct iphdr *ip = walk->at;

	if ((const void *)(ip + 1) > walk->end || ip->version != 4 || ip->ihl < 5)
		return prefilter_redirected;
	if (walk->features & prefilter_excludes_ipv4 &&
	    (is_excluded_ipv4(ip->saddr) || is_excluded_ipv4(ip->daddr)))
		return prefilter_excluded;
	/* Only the first fragment of a datagram carries the ports. */
	if (!(walk->features & prefilter_denies_ports) || ip->frag_off & bpf_htons(0x1fff) ||
	    !has_ports(ip->protocol))
		return prefilter_redirected;
	if (ip->ihl == 5) {
		const struct ports *ports = (const void *)(ip + 1);

		if ((const void *)(ports + 1) > walk->end)
			return prefilter_redirected;
		return judge_ports(ports);
	}
	return judge_ports_at(walk->ctx, walk->offset + ip->ihl * 4);
}

/* Where the walk over extension headers stands. */
struct chain {
	struct xdp_md *ctx;
	__u32 offset;
	__u8 nexthdr;
	__u8 unreadable; /* cut off, or not the first fragment */
};

/* Steps over one extension header (RFC 8200 section 4). Returns 1 at the end of the chain. */
static long step_over_extension(__u32 index __attribute__((unused)), void *context)
{
	struct chain *chain = context;
	struct extension header;
	__u32 octets;

	switch (chain->nexthdr) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
	case IPPROTO_MH:
	case IPPROTO_HIP:
	case IPPROTO_SHIM6:
	case IPPROTO_FRAGMENT:
	case IPPROTO_AH:
		break;
	default:
		return 1;
	}
	chain->unreadable = 1;
	if (bpf_xdp_load_bytes(chain->ctx, chain->offset, &header, sizeof(header)))
		return 1;
	octets = (header.length + 1) * 8;
	if (chain->nexthdr == IPPROTO_FRAGMENT) {
		if (header.fragment_offset & bpf_htons(0xfff8))
			return 1;
		octets = 8;
	} else if (chain->nexthdr == IPPROTO_AH) {
		octets = (header.length + 2) * 4; /* RFC 4302 section 2.2 */
	}
	chain->unreadable = 0;
	chain->offset += octets;
	chain->nexthdr = header.nexthdr;
	return 0;
}

/* bpf_loop() and not a loop: the verifier then looks at one step and not at every way through
 * all of them. */
static __always_inline enum prefilter_fate judge_behind_extensions(struct xdp_md *ctx,
								   __u32 offset, __u8 nexthdr)
{
	struct chain chain = { .ctx = ctx, .offset = offset, .nexthdr = nexthdr };

	bpf_loop(prefilter_extension_headers_max, step_over_extension, &chain, 0);
	if (chain.unreadable || !has_ports(chain.nexthdr))
		return prefilter_redirected;
	return judge_ports_at(ctx, chain.offset);
}

/* RFC 8200. */
static __always_inline enum prefilter_fate judge_ipv6(const struct walk *walk)
{
	const struct ipv6hdr *ip = walk->at;

	if ((const void *)(ip + 1) > walk->end || ip->version_class >> 4 != 6)
		return prefilter_redirected;
	if (walk->features & prefilter_excludes_ipv6 &&
	    (is_excluded_ipv6(&ip->saddr) || is_excluded_ipv6(&ip->daddr)))
		return prefilter_excluded;
	if (!(walk->features & prefilter_denies_ports))
		return prefilter_redirected;
	if (has_ports(ip->nexthdr)) {
		const struct ports *ports = (const void *)(ip + 1);

		if ((const void *)(ports + 1) > walk->end)
			return prefilter_redirected;
		return judge_ports(ports);
	}
	return judge_behind_extensions(walk->ctx, walk->offset + sizeof(*ip), ip->nexthdr);
}

/* A function of its own, with a stack of its own: inlined, the compiler lays map keys over spilled
 * pointers, which the verifier forgives only with CAP_PERFMON. */
static __noinline enum prefilter_fate judge(struct xdp_md *ctx, __u32 features)
{
	const struct ethhdr *ethernet = (const void *)(long)ctx->data;
	struct walk walk = {
		.ctx = ctx,
		.at = ethernet + 1,
		.end = (const void *)(long)ctx->data_end,
		.offset = sizeof(*ethernet),
		.features = features,
	};
	__be16 type;

	if (walk.at > walk.end)
		return prefilter_redirected;
	type = ethernet->h_proto;
	for (int i = 0; i < prefilter_tags_max && is_tag(type); i++) {
		const struct vlan_hdr *tag = walk.at;

		if ((const void *)(tag + 1) > walk.end)
			return prefilter_redirected;
		type = tag->h_vlan_encapsulated_proto;
		walk.at = tag + 1;
		walk.offset += sizeof(*tag);
	}
	if (type == bpf_htons(ETH_P_IP))
		return judge_ipv4(&walk);
	if (type == bpf_htons(ETH_P_IPV6))
		return judge_ipv6(&walk);
	return prefilter_redirected;
}

/* Counts up, so that a smaller N takes effect at once and not after the rest of the larger one. */
static __always_inline int is_sampled_out(__u32 sample)
{
	const __u32 first = 0;
	__u64 *frames;

	if (sample <= 1)
		return 0;
	frames = bpf_map_lookup_elem(&since_kept, &first);
	if (!frames)
		return 0;
	*frames += 1;
	if (*frames < sample)
		return 1;
	*frames = 0;
	return 0;
}

static __always_inline int filter(struct xdp_md *ctx)
{
	const __u32 lists = prefilter_excludes_ipv4 | prefilter_excludes_ipv6 |
			    prefilter_denies_ports;
	const __u32 first = 0;
	const struct prefilter_config *configured = bpf_map_lookup_elem(&config, &first);
	enum prefilter_fate fate = prefilter_redirected;
	__u32 features;
	__u64 octets;

	if (!configured)
		return XDP_DROP; /* cannot be: the map always has its one value */
	features = configured->features;
	if (!(features & prefilter_open))
		return XDP_DROP;
	/* data_end ends the first piece of a frame of several; this is the whole. */
	octets = bpf_xdp_get_buff_len(ctx);
	count(prefilter_seen, octets);

	if (features & lists)
		fate = judge(ctx, features);
	if (fate == prefilter_redirected && is_sampled_out(configured->sample))
		fate = prefilter_sampled_out;
	if (fate == prefilter_redirected && any_shunted() && is_shunted(ctx, octets))
		fate = prefilter_shunted;
	if (fate == prefilter_redirected &&
	    bpf_redirect_map(&sockets, ctx->rx_queue_index, XDP_DROP) != XDP_REDIRECT)
		fate = prefilter_no_socket;
	count(fate, octets);
	return fate == prefilter_redirected ? XDP_REDIRECT : XDP_DROP;
}

/* One body, two doors: drivers refuse a program that does not declare itself ready for frames of
 * several pieces where the MTU makes such frames possible. */
SEC("xdp")
int prefilter(struct xdp_md *ctx)
{
	return filter(ctx);
}

SEC("xdp.frags")
int prefilter_frags(struct xdp_md *ctx)
{
	return filter(ctx);
}

char LICENSE[] SEC("license") = "GPL";
