// Real captures against what capinfos and tshark counted in them. They stand outside the tree
// (their licences differ): $TAPMETER_SHARED/pcaps/dev, or `shared` beside the source folder.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "src/capture_files/file_capture.h"
#include "src/capture_files/time_scale.h"
#include "tests/support/oracle_tables.h"

namespace tapmeter::capture_files {
namespace {

namespace fs = std::filesystem;
using testing::captures_with;
using testing::Row;
using testing::rows_of;

std::optional<fs::path> find(const fs::path& dev, const std::string& name) {
    for (const char* folder : {"pcap", "derived"}) {
        if (fs::exists(dev / folder / name)) {
            return dev / folder / name;
        }
    }
    return std::nullopt;
}

struct Totals {
    std::uint64_t packets = 0;
    std::uint64_t octets = 0;
    std::int64_t first_ns = std::numeric_limits<std::int64_t>::max();
    std::int64_t last_ns = std::numeric_limits<std::int64_t>::min();
    std::string damage;
};

Totals totals_of(const fs::path& path) {
    Totals totals;
    const auto capture = open({.paths = {path}});
    if (!capture) {
        ADD_FAILURE() << capture.error().message;
        return totals;
    }
    PacketSource& queue = (*capture)->queue(0);
    Burst burst;
    while (!queue.exhausted()) {
        queue.receive(burst);
        for (const Packet& packet : burst.view()) {
            const auto ns = packet.observed_at.time_since_epoch().count();
            ++totals.packets;
            totals.octets += packet.wire_octets;
            totals.first_ns = std::min(totals.first_ns, ns);
            totals.last_ns = std::max(totals.last_ns, ns);
        }
        queue.release();
    }
    EXPECT_EQ((*capture)->counters().received.value, totals.packets);
    EXPECT_EQ((*capture)->counters().received_octets.value, totals.octets);
    if (const auto status = (*capture)->status(); !status) {
        totals.damage = status.error().message;
    }
    return totals;
}

// "1120384357.027000": compared to as many digits as are printed. Nothing where there is no time,
// or one beyond what a signed count of nanoseconds holds.
std::optional<std::string> printable(const std::string& text) {
    const std::size_t point = text.find('.');
    const bool plain = point != std::string::npos && point <= 10 && text.find('-') == text.npos;
    return plain ? std::optional(text) : std::nullopt;
}

std::string print_like(const std::string& text, std::int64_t ns) {
    std::array<char, 32> digits{};
    std::snprintf(digits.data(), digits.size(), "%lld.%09lld",
                  static_cast<long long>(ns / 1'000'000'000),
                  static_cast<long long>(ns % 1'000'000'000));
    return std::string(digits.data()).substr(0, text.size());
}

void compare_time(const std::string& name, const std::string& expected, std::int64_t ns) {
    if (const auto text = printable(expected)) {
        EXPECT_EQ(print_like(*text, ns), *text) << name;
    }
}

// Their records have more captured octets than octets on the wire: we count the captured ones.
bool claims_less_than_was_captured(const std::string& name) {
    return name == "tcpdump__atm-heapoverflow.pcap" ||
           name == "tcpdump__slip-sliplink_print-oobr.pcap";
}

TEST(Oracle, packets_octets_and_times_are_those_that_capinfos_counted) {
    const auto dev = captures_with("oracle/capinfos.tsv");
    if (!dev) {
        GTEST_SKIP() << "no captures: set TAPMETER_SHARED to the folder that has pcaps/dev";
    }
    int compared = 0;
    for (Row& row : rows_of(*dev / "oracle/capinfos.tsv")) {
        const auto path = find(*dev, row["pcap"]);
        if (!path || row["packets"].empty()) {
            continue;  // capinfos could not read it
        }
        const Totals totals = totals_of(*path);
        EXPECT_EQ(std::to_string(totals.packets), row["packets"]) << row["pcap"];
        EXPECT_EQ(totals.damage, "") << row["pcap"];
        if (!claims_less_than_was_captured(row["pcap"])) {
            EXPECT_EQ(std::to_string(totals.octets), row["data_bytes"]) << row["pcap"];
        }
        if (totals.first_ns != 0) {  // capinfos leaves packets of time 0 out
            compare_time(row["pcap"], row["first_ts"], totals.first_ns);
            compare_time(row["pcap"], row["last_ts"], totals.last_ns);
        }
        ++compared;
    }
    EXPECT_GT(compared, 100);
    std::printf("%d captures compared with capinfos\n", compared);
}

TEST(Oracle, damaged_captures_give_the_packets_that_tshark_gives_and_an_error) {
    const auto dev = captures_with("oracle/capinfos.tsv");
    if (!dev) {
        GTEST_SKIP() << "no captures: set TAPMETER_SHARED to the folder that has pcaps/dev";
    }
    int damaged_captures = 0;
    for (Row& row : rows_of(*dev / "oracle/pcaps.tsv")) {
        const auto path = find(*dev, row["pcap"]);
        if (!path) {
            continue;
        }
        const Totals totals = totals_of(*path);
        const bool damaged = row["tshark_rc"] != "0";
        EXPECT_EQ(!totals.damage.empty(), damaged)
            << row["pcap"] << ": " << totals.damage << "; tshark: " << row["tshark_note"];
        if (damaged) {  // of whole ones capinfos has told; tshark also counts custom blocks
            EXPECT_EQ(std::to_string(totals.packets), row["packets"]) << row["pcap"];
            EXPECT_EQ(std::to_string(totals.octets), row["bytes"]) << row["pcap"];
        }
        damaged_captures += damaged ? 1 : 0;
    }
    EXPECT_GT(damaged_captures, 0);
    std::printf("%d damaged captures compared with tshark\n", damaged_captures);
}

}  // namespace
}  // namespace tapmeter::capture_files
