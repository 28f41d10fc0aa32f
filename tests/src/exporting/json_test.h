#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "src/exporting/account.h"
#include "src/exporting/json_output.h"

namespace tapmeter::exporting {

// Two Observation Points, one with a name that every format must escape.
inline const Interfaces json_points{{"eth1", ObservationDomainId{1}},
                                    {"pcap:\"\\\x01\xff\n.pcap", ObservationDomainId{2}}};

// A folder of its own for each test of the JSON output, gone afterwards.
class JsonTest : public testing::Test {
protected:
    JsonTest() {
        std::string name =
            (std::filesystem::temp_directory_path() / "tapmeter_json_XXXXXX").string();
        folder_ = ::mkdtemp(name.data());
    }
    ~JsonTest() override { std::filesystem::remove_all(folder_); }

    Config::Json config(Config::Json::Format format = Config::Json::Format::eve) const {
        Config::Json json;
        json.name = "test";
        json.path = path();
        json.format = format;
        return json;
    }
    std::string path() const { return (folder_ / "eve.json").string(); }
    static std::string content(const std::filesystem::path& file) {
        std::ifstream stream(file, std::ios::binary);
        return {std::istreambuf_iterator<char>(stream), {}};
    }
    std::size_t lines() const {
        const std::string text = content(path());
        return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    }

    std::filesystem::path folder_;
};

inline void expect_balanced(const OutputCounters& counters) {
    RecordTotals sum = counters.encoding;
    sum += counters.queued;
    sum += counters.sent;
    sum += counters.dropped[0];
    sum += counters.dropped[1];
    EXPECT_EQ(counters.taken.records, sum.records);
    EXPECT_EQ(counters.taken.packets, sum.packets);
    EXPECT_EQ(counters.taken.octets, sum.octets);
}

}  // namespace tapmeter::exporting
