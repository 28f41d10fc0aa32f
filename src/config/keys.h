#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "src/config/value.h"

namespace tapmeter::config {

enum class TableId : std::uint8_t {
    instance,
    capture,
    prefilter,
    service,
    workers,
    memory,
    flow,
    overload,
    shunt,
    dpi,
    analytics,
    signatures,
    write,
    history,
    kpi,
    ipfix,
    json,
    clickhouse,
    kafka,
    http,
    control,
    influxdb,
    log,
    count,
};

// Which list of blocks a table belongs to; `single` tables stand once.
enum class Group : std::uint8_t {
    single,
    captures,
    services,
    ipfix,
    json,
    clickhouse,
    kafka,
    count
};

// Those whose blocks stand in lists of their own, in the order of their tables.
inline constexpr std::array block_groups{Group::captures, Group::services,   Group::ipfix,
                                         Group::json,     Group::clickhouse, Group::kafka};

// Whose blocks are outputs: they share one limit, and their names.
constexpr bool holds_outputs(Group group) {
    return group != Group::single && group != Group::captures && group != Group::services;
}

struct Table {
    TableId id;
    std::string_view path;  // "capture.prefilter"
    Group group;
    bool heads_block;  // written [[capture]], one a block; [capture.prefilter] is part of one
    std::string_view help;

    std::string header() const;  // "[[capture]]", "[flow]"
};

enum class Type : std::uint8_t {
    flag,
    number,    // 4096, "64k", "4M"
    size,      // octets: "64KiB", "4GiB"
    duration,  // "500ms", "30s", "5m", "1h"
    choice,    // one of a few words
    cores,     // "2-9", "2,4,6-8"
    name,
    source,
    collector,
    listen,
    http_url,           // "http://HOST:PORT", "https://HOST:PORT"
    brokers,            // "HOST:PORT,HOST:PORT"
    path,               // absolute, as long as a unix socket's may be; "off"
    group,              // of users
    file,               // a file name or "-"
    texts,              // list of texts
    fields,             // list of fields of flow records
    filter,             // of flow records; empty: all
    packet_filter,      // of packets, through their tags; empty: all
    packet_filter_raw,  // of packets, as they stand; empty: all
    secret,             // a file name, or empty
    push_url,           // where counters are pushed; empty: nowhere
    ports,              // list of port numbers
    prefixes,           // list of addresses and prefixes, for a filter of flow records
};

// What a key may need beyond its type.
struct Traits {
    bool automatic = false;  // "auto" is a value: 0 or empty inside
    bool power_of_two = false;
    bool whole_seconds = false;  // a duration that is kept in seconds
    bool required = false;       // a block without it is an error
    bool live = false;           // takes effect at a reload; others need a restart
};

// What a key takes.
struct Shape {
    Type type = Type::flag;
    std::uint64_t min = 0;                    // of numbers, octets, milliseconds
    std::uint64_t max = 0;                    // also the most items of a list, or octets of a path
    std::array<std::string_view, 5> words{};  // of a choice, in the order of its enum
    Traits traits{};
};

// One row of the table that drives the parser, "did you mean", --set, the environment, `check
// --dump` and the tests of conf/tapmeter.toml and of the man page. The default is not written
// here: it is the initialiser in config.h.
struct Key : Shape {
    TableId table;
    std::string_view name;
    Access access;
    std::string_view help;
};

std::span<const Table> all_tables();
std::span<const Key> all_keys();  // in the order of the tables

const Table& table_of(TableId id);
inline const Table& table_of(const Key& key) {
    return table_of(key.table);
}

const Table* find_table(std::string_view path);                           // null: none
const Key* find_key(std::string_view table_path, std::string_view name);  // null: none

// The value that a key has when nobody sets it; nothing may be said for required keys.
Value default_value(const Key& key);

// The words after "must be": `a duration such as "30s", from 1s to 1h`.
std::string rule(const Key& key);

}  // namespace tapmeter::config
