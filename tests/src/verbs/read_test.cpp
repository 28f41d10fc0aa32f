#include "src/verbs/read.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/src/appliance/appliance_bench.h"
#include "tests/src/verbs/said.h"

namespace tapmeter::verbs {
namespace {

using capture_files::testing::TemporaryFile;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::recording;
using testing::Said;
using testing::said_by;

Said read_saying(const ReadCommand& command, const CommonOptions& common = {}) {
    return said_by([&] { return read(command, common, {}); });
}

ReadCommand reading(const TemporaryFile& file) {
    ReadCommand command;
    command.files = {file.path().string()};
    return command;
}

TEST(Read, prints_protocols_hosts_and_the_books) {
    const TemporaryFile file(recording(20).file);
    const Said said = read_saying(reading(file));
    EXPECT_EQ(said.code, ExitCode::done);
    EXPECT_THAT(said.out, HasSubstr("TCP"));
    EXPECT_THAT(said.out, HasSubstr("top hosts by octets"));
    EXPECT_TRUE(said.out.ends_with("the books balance\n")) << said.out;
    EXPECT_THAT(said.err, IsEmpty());
}

TEST(Read, quiet_leaves_the_books_out) {
    const TemporaryFile file(recording(20).file);
    const Said said = read_saying(reading(file), {.config = {}, .sets = {}, .quiet = true});
    EXPECT_EQ(said.code, ExitCode::done);
    EXPECT_THAT(said.out, HasSubstr("TCP"));
    EXPECT_EQ((said.out + said.err).find("the books balance"), std::string::npos);
}

TEST(Read, json_on_standard_output_is_records_only_and_the_books_stand_apart) {
    const auto input = recording(50);
    const TemporaryFile file(input.file);
    const Said said =
        read_saying(reading(file), {.config = {}, .sets = {}, .output = OutputFormat::json});
    std::vector<nlohmann::json> lines;
    std::istringstream stream(said.out);
    for (std::string line; std::getline(stream, line);) {
        ASSERT_TRUE(nlohmann::json::accept(line)) << line;
        lines.push_back(nlohmann::json::parse(line));
    }
    EXPECT_EQ(testing::packets_of(lines), input.packets);
    EXPECT_TRUE(said.err.ends_with("the books balance\n")) << said.err;
}

TEST(Read, top_bounds_the_hosts) {
    const TemporaryFile file(recording(50).file);
    ReadCommand command = reading(file);
    command.top = 3;
    EXPECT_THAT(read_saying(command).out, HasSubstr("\n  3 of "));
}

TEST(Read, top_0_counts_no_hosts) {
    const TemporaryFile file(recording(50).file);
    ReadCommand command = reading(file);
    command.top = 0;
    const std::string out = read_saying(command).out;
    EXPECT_THAT(out, ::testing::Not(HasSubstr("top hosts")));
    EXPECT_THAT(out, HasSubstr("protocol"));
}

TEST(Read, strict_says_no_when_a_packet_was_not_decoded) {
    capture_files::testing::PcapBuilder builder;
    builder.packet(1, 0, capture_files::testing::File(9));  // no Ethernet header is so short
    const TemporaryFile file(builder.file());
    EXPECT_EQ(read_saying(reading(file)).code, ExitCode::done);
    ReadCommand strict = reading(file);
    strict.strict = true;
    EXPECT_EQ(read_saying(strict).code, ExitCode::answer_no);
    const TemporaryFile whole(recording(5).file);
    strict.files = {whole.path().string()};
    EXPECT_EQ(read_saying(strict).code, ExitCode::done);
}

TEST(Read, a_damaged_file_gives_what_it_has_and_fails) {
    auto octets = recording(20).file;
    octets.resize(octets.size() - 5);
    const TemporaryFile file(octets);
    const Said said = read_saying(reading(file));
    EXPECT_EQ(said.code, ExitCode::failed);
    EXPECT_THAT(said.err, HasSubstr(file.path().string()));
    EXPECT_THAT(said.err, HasSubstr("offset"));
    EXPECT_THAT(said.out, HasSubstr("the books balance"));
}

TEST(Read, what_cannot_be_opened_is_refused) {
    ReadCommand command;
    command.files = {"/nonexistent/x.pcap"};
    const Said said = read_saying(command);
    EXPECT_EQ(said.code, ExitCode::refused);
    EXPECT_THAT(said.err, HasSubstr("/nonexistent/x.pcap"));
    EXPECT_THAT(said.out, IsEmpty());
}

}  // namespace
}  // namespace tapmeter::verbs
