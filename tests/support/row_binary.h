#pragma once

#include <arpa/inet.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/exporting/clickhouse_rows.h"

namespace tapmeter::test_support {

// A reader of ClickHouse's RowBinary that knows the types of our columns, and nothing of how rows
// are written: values as texts by column.
class RowBinary {
public:
    explicit RowBinary(std::span<const std::byte> octets) : rest_(octets) {}

    bool at_end() const { return rest_.empty(); }

    std::map<std::string, std::string> row() {
        std::map<std::string, std::string> values;
        for (const exporting::ClickHouseColumn& column : exporting::clickhouse_columns()) {
            values[std::string(column.name)] = value(column.type);
        }
        return values;
    }

private:
    std::span<const std::byte> take(std::size_t octets) {
        if (rest_.size() < octets) {
            std::abort();  // rows are not what they say
        }
        const auto taken = rest_.first(octets);
        rest_ = rest_.subspan(octets);
        return taken;
    }
    template <class Number>
    std::string number() {
        Number number{};
        std::memcpy(&number, take(sizeof number).data(), sizeof number);
        return std::to_string(number);
    }
    std::string text() {
        std::size_t length = 0;
        for (unsigned shift = 0;; shift += 7) {
            const auto octet = std::to_integer<std::size_t>(take(1).front());
            length |= (octet & 0x7F) << shift;
            if (octet < 0x80) {
                break;
            }
        }
        const auto octets = take(length);
        return {reinterpret_cast<const char*>(octets.data()), octets.size()};
    }
    std::string value(std::string_view type) {
        if (type == "IPv6") {
            std::array<char, INET6_ADDRSTRLEN> words{};
            return ::inet_ntop(AF_INET6, take(16).data(), words.data(), words.size());
        }
        return type == "UInt8"             ? number<std::uint8_t>()
               : type == "UInt16"          ? number<std::uint16_t>()
               : type == "UInt32"          ? number<std::uint32_t>()
               : type == "UInt64"          ? number<std::uint64_t>()
               : type == "DateTime64(9)"   ? number<std::int64_t>()
               : type.ends_with("String)") ? text()
               : type == "String"          ? text()
                                           : (std::abort(), "");
    }

    std::span<const std::byte> rest_;
};

}  // namespace tapmeter::test_support
