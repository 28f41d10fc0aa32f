#pragma once

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "src/appliance/appliance.h"
#include "src/exporting/ipfix_output.h"
#include "src/exporting/json_output.h"
#include "src/generator/conversation.h"
#include "tests/src/capture_files/temporary_file.h"

namespace tapmeter::testing {

// A capture file of so many made-up conversations, a millisecond a packet.
struct Recording {
    capture_files::testing::File file;
    std::uint64_t packets = 0;
    std::uint64_t octets = 0;  // layer 2
};
inline Recording recording(std::uint64_t conversations) {
    Recording recording;
    capture_files::testing::PcapBuilder builder;
    for (std::uint64_t number = 0; number < conversations; ++number) {
        generator::Conversation conversation(number);
        while (!conversation.finished()) {
            std::array<std::byte, generator::frame_octets_max> octets{};
            const std::size_t size = conversation.next(octets);
            const auto millisecond = static_cast<std::uint32_t>(recording.packets);
            builder.packet(1'000 + millisecond / 1'000, millisecond % 1'000 * 1'000,
                           {octets.begin(), octets.begin() + static_cast<std::ptrdiff_t>(size)});
            ++recording.packets;
            recording.octets += size;
        }
    }
    recording.file = builder.file();
    return recording;
}

// The whole program but its verbs, in this process; records go to a file of JSON lines.
class ApplianceBench {
public:
    explicit ApplianceBench(std::vector<std::string> sources, std::uint32_t workers = 1) {
        for (const std::string& source : sources) {
            Config::Capture capture;
            capture.name = "p" + std::to_string(config.captures.size());
            capture.source = source;
            config.captures.push_back(capture);
        }
        config.workers.count = workers;
        config.flow.flows_max = 4'096;
    }

    Result<void> build() {
        auto captures = open_captures(config, workers_wanted(config), clock_);
        if (!captures) {
            return tl::unexpected<Error>(std::move(captures.error()));
        }
        Config::Json json;
        json.name = "lines";
        json.path = lines_.path().string();
        auto output = exporting::open_json(json, interfaces_of(config));
        if (!output) {
            return tl::unexpected<Error>(std::move(output.error()));
        }
        Appliance::Parts parts;
        parts.config = config;
        parts.captures = std::move(*captures);
        parts.outputs.push_back(std::move(*output));
        for (const Config::Ipfix& ipfix : config.ipfix) {
            auto collector = exporting::open_ipfix(ipfix, interfaces_of(config));
            if (!collector) {
                return tl::unexpected<Error>(std::move(collector.error()));
            }
            parts.outputs.push_back(std::move(*collector));
        }
        parts.clock = &clock_;
        parts.config_json = R"({"read":"first"})";
        parts.read_config_again = read_config_again;
        auto built = Appliance::build(std::move(parts));
        if (!built) {
            return tl::unexpected<Error>(std::move(built.error()));
        }
        appliance = std::move(*built);
        return {};
    }

    // Waits until so many packets were metered; a minute at most.
    void wait_for_packets(std::uint64_t packets) const {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
        while (metered() < packets && std::chrono::steady_clock::now() < deadline) {
            appliance->wait_for(std::chrono::milliseconds(5));
        }
    }
    std::uint64_t metered() const {
        std::uint64_t packets = 0;
        for (const auto& worker : appliance->snapshot().workers) {
            packets += worker.books.metered.packets;
        }
        return packets;
    }

    // The JSON lines that were written, parsed.
    std::vector<nlohmann::json> lines() const {
        std::vector<nlohmann::json> parsed;
        std::ifstream stream(lines_.path());
        for (std::string line; std::getline(stream, line);) {
            parsed.push_back(nlohmann::json::parse(line));
        }
        return parsed;
    }

    Config config;
    std::function<Result<Appliance::NewConfig>()> read_config_again;

private:
    LiveClock clock_;
    capture_files::testing::TemporaryFile lines_{{}};

public:
    std::unique_ptr<Appliance> appliance;
};

// Both directions of all lines together.
inline std::uint64_t packets_of(const std::vector<nlohmann::json>& lines) {
    std::uint64_t packets = 0;
    for (const auto& line : lines) {
        packets += line["flow"]["pkts_toserver"].get<std::uint64_t>() +
                   line["flow"]["pkts_toclient"].get<std::uint64_t>();
    }
    return packets;
}

// The first law that does not hold; empty when all do.
inline std::string broken_law(const metrics::Snapshot& snapshot) {
    for (const metrics::Law& law : metrics::laws(snapshot)) {
        if (law.imbalance != 0) {
            return law.name + ": " + law.equation;
        }
    }
    return "";
}

}  // namespace tapmeter::testing
