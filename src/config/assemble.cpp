#include "src/config/assemble.h"

#include <algorithm>
#include <limits>
#include <map>
#include <span>
#include <utility>

#include "src/config/check.h"

namespace tapmeter::config {

namespace {

const ConfigOrigin& origin_of(const Block& block, const Key& key) {
    const Given* given = block.find(key);
    return given == nullptr ? block.origin : given->origin;
}

const Key& known_key(std::string_view table, std::string_view name) {
    return *find_key(table, name);
}

void require_addresses(const Settings& settings, ErrorList& errors) {
    for (const Group group : block_groups) {
        const Key& key = address_key(group);
        for (const Block& block : settings.list(group)) {
            if (block.find(key) == nullptr && !block.refused.contains(&key)) {
                errors.add(block.origin, head_table(group).header() + " has no " +
                                             std::string(key.name) + "; it must be " + rule(key));
            }
        }
    }
}

// The same device opened twice, or two outputs into one file, is never what was meant.
void refuse_repeated_addresses(const Settings& settings, ErrorList& errors) {
    for (const Group group : block_groups) {
        if (group == Group::clickhouse || group == Group::kafka || group == Group::services) {
            continue;  // several tables of one server, several topics of one cluster; names
        }
        const Key& key = address_key(group);
        std::map<std::string, const Block*> seen;
        for (const Block& block : settings.list(group)) {
            const std::string address = block.text_of(key);
            const auto [first, fresh] = seen.try_emplace(address, &block);
            if (!fresh && !address.empty()) {
                errors.add(origin_of(block, key), std::string(key.name) + " " + shortened(address) +
                                                      " appears twice; first at " +
                                                      origin_of(*first->second, key).to_text());
            }
        }
    }
}

void refuse_repeated_names(const Settings& settings, ErrorList& errors) {
    std::map<std::string, ConfigOrigin> outputs;
    std::map<std::string, ConfigOrigin> captures;
    std::map<std::string, ConfigOrigin> services;
    for (const Group group : block_groups) {
        const std::vector<std::string> names = block_names(settings, group);
        auto& seen = group == Group::captures   ? captures
                     : group == Group::services ? services
                                                : outputs;
        for (std::size_t i = 0; i < names.size(); ++i) {
            const ConfigOrigin& origin = origin_of(settings.list(group)[i], name_key(group));
            const auto [first, fresh] = seen.try_emplace(names[i], origin);
            if (!fresh) {
                errors.add(origin, "name " + shortened(names[i]) + " appears twice; first at " +
                                       first->second.to_text());
            }
        }
    }
}

void limit_blocks(const Settings& settings, ErrorList& errors) {
    const std::vector<Block>& captures = settings.list(Group::captures);
    if (captures.size() > captures_max) {
        errors.add(captures[captures_max].origin,
                   "more than " + std::to_string(captures_max) + " [[capture]] blocks");
    }
    const std::vector<Block>& services = settings.list(Group::services);
    if (services.size() > kpi_services_max) {
        errors.add(services[kpi_services_max].origin,
                   "more than " + std::to_string(kpi_services_max) + " [[kpi.service]] blocks");
    }
    std::vector<const Block*> outputs;
    for (const Group group : block_groups) {
        for (const Block& block : settings.list(group)) {
            if (holds_outputs(group)) {
                outputs.push_back(&block);
            }
        }
    }
    if (outputs.size() > outputs_max) {
        errors.add(outputs[outputs_max]->origin,
                   "more than " + std::to_string(outputs_max) + " outputs");
    }
}

void check_workers(const Settings& settings, const Config& config, ErrorList& errors) {
    const Config::Workers& workers = config.workers;
    if (workers.count == 0 || workers.cores.empty() || workers.count == workers.cores.size()) {
        return;
    }
    errors.add(origin_of(settings.single, known_key("workers", "cores")),
               "cores names " + std::to_string(workers.cores.size()) + " cores, but count is " +
                   std::to_string(workers.count) + ": every worker needs one of its own");
}

// A state that is entered below the one before it would never be seen.
void check_levels(const Settings& settings, const Config& config, ErrorList& errors) {
    struct Pair {
        std::string_view warm;
        std::uint32_t warm_percent;
        std::string_view hot;
        std::uint32_t hot_percent;
    };
    const Config::Overload& overload = config.overload;
    for (const Pair& pair :
         {Pair{"table_warm", overload.table_warm, "table_hot", overload.table_hot},
          Pair{"ring_warm", overload.ring_warm, "ring_hot", overload.ring_hot},
          Pair{"backlog_warm", overload.backlog_warm, "backlog_hot", overload.backlog_hot}}) {
        if (pair.warm_percent > pair.hot_percent) {
            errors.add(origin_of(settings.single, known_key("overload", pair.hot)),
                       std::string(pair.hot) + " = " + std::to_string(pair.hot_percent) +
                           " is below " + std::string(pair.warm) + " = " +
                           std::to_string(pair.warm_percent) + ": hot comes after warm");
        }
    }
}

void check_captures(const Settings& settings, const Config& config, ErrorList& errors) {
    for (std::size_t i = 0; i < config.captures.size(); ++i) {
        const Config::Capture& capture = config.captures[i];
        if (capture.zero_copy == Config::Switch::on &&
            capture.xdp_mode == Config::XdpMode::generic) {
            errors.add(
                origin_of(settings.list(Group::captures)[i], known_key("capture", "zero_copy")),
                "zero_copy = \"on\" cannot be had with xdp_mode = \"generic\"; set xdp_mode "
                "= \"native\"");
        }
        if (!capture.filter.empty() && !capture.filter_raw.empty()) {
            errors.add(
                origin_of(settings.list(Group::captures)[i], known_key("capture", "filter_raw")),
                "filter and filter_raw are both set; say one of them, with \"and\" between");
        }
    }
}

// A number has one name, and a name that belongs to no number would never be told.
void check_names_for_collectors(const Settings& settings, const Config& config, ErrorList& errors) {
    for (std::size_t i = 0; i < config.captures.size(); ++i) {
        const Config::Capture& one = config.captures[i];
        const auto refuse = [&](std::string_view key, const std::string& why) {
            errors.add(origin_of(settings.list(Group::captures)[i], known_key("capture", key)),
                       why);
        };
        if (!one.vrf_name.empty() && one.vrf_id == 0) {
            refuse("vrf_name", "vrf_name belongs to a vrf_id, and there is none; set it too");
        }
        for (const Config::Capture& before : std::span{config.captures}.first(i)) {
            if (one.vrf_id != 0 && one.vrf_id == before.vrf_id && one.vrf_name != before.vrf_name) {
                refuse("vrf_id", "vrf_id " + std::to_string(one.vrf_id) +
                                     " has another vrf_name in a capture before this one; a VRF "
                                     "has one name");
            }
            if (one.observation_domain_id == before.observation_domain_id &&
                !one.observation_domain_name.empty() && !before.observation_domain_name.empty() &&
                one.observation_domain_name != before.observation_domain_name) {
                refuse("observation_domain_name",
                       "domain " + std::to_string(one.observation_domain_id.value_or(0)) +
                           " has another name in a capture before this one; a domain has one name");
            }
        }
    }
    for (std::size_t i = 0; i < config.ipfix.size(); ++i) {
        const Config::Ipfix& one = config.ipfix[i];
        if (!one.observation_domain_name.empty() && !one.observation_domain_id) {
            errors.add(origin_of(settings.list(Group::ipfix)[i],
                                 known_key("export.ipfix", "observation_domain_name")),
                       "observation_domain_name belongs to an observation_domain_id of this "
                       "collector, and there is none; set it too, or name the domains of the "
                       "captures");
        }
    }
}

// Collectors of one group share alike, and more than one of them is needed to share at all.
void check_groups(const Settings& settings, const Config& config, ErrorList& errors) {
    for (std::size_t i = 0; i < config.ipfix.size(); ++i) {
        const Config::Ipfix& one = config.ipfix[i];
        const auto of_group = [&one](const Config::Ipfix& other) {
            return other.group == one.group;
        };
        const Block& block = settings.list(Group::ipfix)[i];
        const auto first = std::ranges::find_if(config.ipfix, of_group);
        if (one.group.empty()) {
            continue;
        }
        if (first->sharing != one.sharing) {
            errors.add(origin_of(block, known_key("export.ipfix", "sharing")),
                       "sharing differs from that of the first collector of group " +
                           shortened(one.group) + ": all of a group share alike");
        }
        if (std::ranges::count_if(config.ipfix, of_group) == 1) {
            errors.add(origin_of(block, known_key("export.ipfix", "group")),
                       "group " + shortened(one.group) +
                           " has no other collector: name it in a second [[export.ipfix]] too, or "
                           "leave it out");
        }
    }
}

template <class Output>
void name_outputs(const std::vector<std::string>& names, std::vector<Output>& outputs) {
    for (std::size_t i = 0; i < names.size(); ++i) {
        outputs[i].name = names[i];
    }
}

void fill_in(const Settings& settings, Config& config, ErrorList& errors) {
    const std::vector<std::string> captures = block_names(settings, Group::captures);
    for (std::size_t i = 0; i < captures.size(); ++i) {
        const std::uint64_t id = std::uint64_t{config.instance.observation_domain_id} + i;
        auto& own = config.captures[i].observation_domain_id;
        if (!own && id > std::numeric_limits<std::uint32_t>::max()) {
            errors.add(settings.list(Group::captures)[i].origin,
                       "the observation_domain_id of [instance] plus " + std::to_string(i) +
                           " is beyond 4294967295; give this capture one of its own");
        }
        own = own.value_or(static_cast<std::uint32_t>(id));
        config.captures[i].name = captures[i];
    }
    name_outputs(block_names(settings, Group::services), config.services);
    name_outputs(block_names(settings, Group::ipfix), config.ipfix);
    for (Config::Ipfix& one : config.ipfix) {
        if (one.observation_domain_id && one.observation_domain_name.empty()) {
            one.observation_domain_name = config.instance.name;
        }
    }
    name_outputs(block_names(settings, Group::json), config.json);
    name_outputs(block_names(settings, Group::clickhouse), config.clickhouse);
    name_outputs(block_names(settings, Group::kafka), config.kafka);
}

void take_values(const Block& block, std::size_t index, Config& config) {
    for (const auto& [key, given] : block.given) {
        key->access.set(config, index, given.value);
    }
}

Setting setting_of(const Key& key, const Block& block, const std::string& head) {
    const Table& table = table_of(key);
    const std::size_t inner =
        table.group == Group::single ? table.path.size() : head_table(table.group).path.size();
    Setting setting{
        .path = head + std::string(table.path.substr(inner)) + "." + std::string(key.name),
        .table = table.header(),
        .key = std::string(key.name),
        .value = {},
        .origin = {},
        .items = {},
        .live = key.traits.live};
    if (const Given* given = block.find(key); given != nullptr) {
        setting.origin = given->origin;
        setting.items = given->items;
    }
    return setting;
}

void list_block(const Settings& settings, const Config& config, Group group,
                std::vector<Setting>& list) {
    const std::vector<std::string> names = block_names(settings, group);
    for (std::size_t i = 0; i < names.size(); ++i) {
        const std::string head = std::string(head_table(group).path) + "." + names[i];
        for (const Key& key : all_keys()) {
            if (table_of(key).group == group) {
                list.push_back(setting_of(key, settings.list(group)[i], head));
                list.back().value = toml_text(key, key.access.get(config, i));
            }
        }
    }
}

}  // namespace

Config assemble(const Settings& settings, bool complete, ErrorList& errors) {
    Config config;
    config.captures.resize(settings.list(Group::captures).size());
    config.services.resize(settings.list(Group::services).size());
    config.ipfix.resize(settings.list(Group::ipfix).size());
    config.json.resize(settings.list(Group::json).size());
    config.clickhouse.resize(settings.list(Group::clickhouse).size());
    config.kafka.resize(settings.list(Group::kafka).size());
    take_values(settings.single, 0, config);
    for (const Group group : block_groups) {
        for (std::size_t i = 0; i < settings.list(group).size(); ++i) {
            take_values(settings.list(group)[i], i, config);
        }
    }
    fill_in(settings, config, errors);

    if (complete) {
        require_addresses(settings, errors);
    }
    refuse_repeated_addresses(settings, errors);
    refuse_repeated_names(settings, errors);
    limit_blocks(settings, errors);
    check_workers(settings, config, errors);
    check_levels(settings, config, errors);
    check_captures(settings, config, errors);
    check_names_for_collectors(settings, config, errors);
    check_groups(settings, config, errors);
    return config;
}

std::vector<Setting> list_settings(const Settings& settings, const Config& config) {
    std::vector<Setting> list;
    Group last = Group::single;
    for (const Key& key : all_keys()) {
        const Table& table = table_of(key);
        if (table.group == Group::single) {
            list.push_back(setting_of(key, settings.single, std::string(table.path)));
            list.back().value = toml_text(key, key.access.get(config, 0));
        } else if (table.group != last) {
            list_block(settings, config, table.group, list);
        }
        last = table.group;
    }
    return list;
}

}  // namespace tapmeter::config
