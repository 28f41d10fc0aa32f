#include "xdp/prefilter.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/capability.h>
#include <prefilter.skel.h>  // defines functions: nowhere else in this program
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>

#include "xdp/system_error.h"

namespace tapmeter::xdp {

namespace {

constexpr std::uint32_t first = 0;

template <class Key>
Key trie_key(const Prefix& prefix) noexcept {
    Key key{};
    key.length = prefix.length;
    std::memcpy(key.address, prefix.octets.data(), sizeof(key.address));
    return key;
}

template <class Value>
std::vector<Value> difference(const std::vector<Value>& of, const std::vector<Value>& without) {
    std::vector<Value> only;
    std::ranges::set_difference(of, without, std::back_inserter(only));
    return only;
}

template <class Value>
std::vector<Value> united(const std::vector<Value>& one, const std::vector<Value>& other) {
    std::vector<Value> all;
    std::ranges::set_union(one, other, std::back_inserter(all));
    return all;
}

bpf_map_batch_opts batch_options() noexcept {
    bpf_map_batch_opts options{};
    options.sz = sizeof(options);
    return options;
}

// Writes `value` under each key.
Result<void> update_each(int map, const void* keys, std::uint32_t count, std::uint8_t value) {
    std::vector<std::uint8_t> values(count, value);
    const bpf_map_batch_opts options = batch_options();
    if (count != 0 && bpf_map_update_batch(map, keys, values.data(), &count, &options) != 0) {
        const int error = errno;
        return failed(error == ENOMEM ? Error::Kind::no_memory : Error::Kind::io,
                      "prefilter: the kernel took only " + std::to_string(count) + " of " +
                          std::to_string(values.size()) +
                          " entries of a list: " + error_text(error));
    }
    return {};
}

// Removes each key; one that is not there is no error.
template <class Key>
Result<void> remove_each(int map, const std::vector<Key>& keys) {
    std::size_t done = 0;
    while (done < keys.size()) {
        auto count = static_cast<std::uint32_t>(keys.size() - done);
        const bpf_map_batch_opts options = batch_options();
        const int answer = bpf_map_delete_batch(map, &keys[done], &count, &options);
        done += count;
        if (answer != 0 && errno != ENOENT) {
            return failed(Error::Kind::io, "prefilter: the kernel keeps " +
                                               std::to_string(keys.size() - done) +
                                               " old entries of a list: " + error_text(errno));
        }
        done += answer != 0 ? 1 : 0;
    }
    return {};
}

template <class Key>
Result<void> put(int map, const std::vector<Key>& keys, bool present) {
    if (!present) {
        return remove_each(map, keys);
    }
    return update_each(map, keys.data(), static_cast<std::uint32_t>(keys.size()), 1);
}

std::uint32_t features_of(const PrefilterRules& rules) noexcept {
    std::uint32_t features = rules.denied_ports.empty() ? 0 : prefilter_denies_ports;
    for (const Prefix& prefix : rules.excluded) {
        features |= prefix.family == Prefix::Family::ipv4 ? prefilter_excludes_ipv4
                                                          : prefilter_excludes_ipv6;
    }
    return features;
}

Error load_error(int error) {
    const std::string said = take_library_messages();
    const std::string cure =
        cure_of(error, {CAP_BPF, CAP_NET_ADMIN},
                error == ENOSYS ? "this kernel was built without BPF, or a sandbox forbids bpf(2)"
                                : "Linux 5.18 or later is needed, with CONFIG_BPF_SYSCALL and "
                                  "CONFIG_XDP_SOCKETS");
    return {error == ENOMEM ? Error::Kind::no_memory : Error::Kind::io,
            "the XDP prefilter cannot be loaded into the kernel: " + error_text(error) + "; " +
                cure + (said.empty() ? "" : " (libbpf says: " + said + ")")};
}

// Makes the maps of the shunt those of the program; 0, or an errno value below it. Without a shunt
// the program keeps its own, of one entry, and the kernel takes the code that uses them out.
int take_part(prefilter_bpf& skeleton, const Shunt* shunt) {
    if (shunt == nullptr) {
        return 0;
    }
    skeleton.rodata->shunt_cpus = shunt->cpus();
    skeleton.rodata->shunt_vlan_in_key = shunt->vlan_in_key() ? 1 : 0;
    struct Shared {
        bpf_map* map;
        int shared;
    };
    const std::array<Shared, 4> maps{{{skeleton.maps.shunted_flows, shunt->flows_map()},
                                      {skeleton.maps.shunt_counts, shunt->counts_map()},
                                      {skeleton.maps.shunt_cuts, shunt->cuts_map()},
                                      {skeleton.maps.shunt_switch, shunt->switch_map()}}};
    for (const Shared& one : maps) {
        if (const int error = bpf_map__reuse_fd(one.map, one.shared); error != 0) {
            return error;
        }
    }
    return 0;
}

}  // namespace

void Prefilter::Delete::operator()(prefilter_bpf* skeleton) const noexcept {
    prefilter_bpf::destroy(skeleton);
}

Prefilter::Prefilter(Skeleton skeleton, std::size_t cpus) noexcept
    : skeleton_(std::move(skeleton)), cpus_(cpus) {}

Result<Prefilter> Prefilter::load(const Shunt* shunt) {
    take_library_messages();
    Skeleton skeleton(prefilter_bpf::open());
    if (!skeleton) {
        return tl::unexpected<Error>(load_error(errno));
    }
    if (const int error = take_part(*skeleton, shunt); error != 0) {
        return tl::unexpected<Error>(load_error(-error));
    }
    const int error = prefilter_bpf::load(skeleton.get());
    if (error != 0) {
        return tl::unexpected<Error>(load_error(-error));
    }
    const int cpus = libbpf_num_possible_cpus();
    if (cpus <= 0) {
        return failed(Error::Kind::io,
                      "cannot read how many CPUs this machine may have from "
                      "/sys/devices/system/cpu/possible: " +
                          error_text(-cpus) + "; is /sys mounted?");
    }
    return Prefilter(std::move(skeleton), static_cast<std::size_t>(cpus));
}

Result<void> Prefilter::exclude(std::span<const Prefix> prefixes, bool excluded) {
    std::vector<prefilter_prefix4> ipv4;
    std::vector<prefilter_prefix6> ipv6;
    for (const Prefix& prefix : prefixes) {
        if (prefix.family == Prefix::Family::ipv4) {
            ipv4.push_back(trie_key<prefilter_prefix4>(prefix));
        } else {
            ipv6.push_back(trie_key<prefilter_prefix6>(prefix));
        }
    }
    return put(bpf_map__fd(skeleton_->maps.excluded_ipv4), ipv4, excluded).and_then([&] {
        return put(bpf_map__fd(skeleton_->maps.excluded_ipv6), ipv6, excluded);
    });
}

Result<void> Prefilter::deny(std::span<const std::uint16_t> ports, bool denied) {
    const std::vector<std::uint32_t> indices(ports.begin(), ports.end());
    return update_each(bpf_map__fd(skeleton_->maps.denied_ports), indices.data(),
                       static_cast<std::uint32_t>(indices.size()), denied ? 1 : 0);
}

Result<void> Prefilter::configure(const PrefilterRules& rules) {
    const prefilter_config config{
        .sample = rules.sample,
        .features = features_of(rules) | (is_open_ ? std::uint32_t{prefilter_open} : 0)};
    if (bpf_map_update_elem(bpf_map__fd(skeleton_->maps.config), &first, &config, BPF_ANY) != 0) {
        return failed(Error::Kind::io,
                      "prefilter: the kernel refuses its settings: " + error_text(errno));
    }
    return {};
}

Result<void> Prefilter::apply(const PrefilterRules& rules) {
    auto wanted = checked(rules);
    if (!wanted) {
        return tl::unexpected(wanted.error());
    }
    auto before = std::move(loaded_);
    const auto new_prefixes = difference(wanted->excluded, before.excluded);
    const auto new_ports = difference(wanted->denied_ports, before.denied_ports);
    loaded_ = {.excluded = united(wanted->excluded, before.excluded),
               .denied_ports = united(wanted->denied_ports, before.denied_ports),
               .sample = before.sample};
    auto added =
        exclude(new_prefixes, true).and_then([&] { return deny(new_ports, true); }).and_then([&] {
            return configure(*wanted);
        });
    if (!added) {
        if (exclude(new_prefixes, false) && deny(new_ports, false)) {
            loaded_ = std::move(before);
        }
        return added;
    }
    loaded_.sample = wanted->sample;
    auto removed = exclude(difference(before.excluded, wanted->excluded), false).and_then([&] {
        return deny(difference(before.denied_ports, wanted->denied_ports), false);
    });
    if (removed) {
        loaded_ = std::move(*wanted);
    }
    return removed;
}

Result<void> Prefilter::open() {
    is_open_ = true;
    return configure(loaded_);
}

Result<void> Prefilter::close() {
    is_open_ = false;
    return configure(loaded_);
}

Result<FateCounters> Prefilter::counters() const {
    FateCounters sums;
    std::vector<prefilter_count> per_cpu(cpus_);
    for (std::uint32_t fate = 0; fate < prefilter_fates; ++fate) {
        if (bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.counters), &fate, per_cpu.data()) !=
            0) {
            return failed(Error::Kind::io,
                          "prefilter: the kernel does not show its counters: " + error_text(errno));
        }
        for (const prefilter_count& count : per_cpu) {
            sums.packets[fate] += Packets{count.packets};
            sums.octets[fate] += Octets{count.octets};
        }
    }
    return sums;
}

int Prefilter::program() const noexcept {
    return bpf_program__fd(skeleton_->progs.prefilter);
}

int Prefilter::program_for_pieces() const noexcept {
    return bpf_program__fd(skeleton_->progs.prefilter_frags);
}

int Prefilter::sockets_map() const noexcept {
    return bpf_map__fd(skeleton_->maps.sockets);
}

}  // namespace tapmeter::xdp
