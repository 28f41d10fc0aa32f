#include "src/exporting/ipfix_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "src/exporting/ipfix_output.h"
#include "tests/support/flow_records.h"

namespace tapmeter::exporting {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using std::chrono::steady_clock;

class IpfixFileTest : public testing::Test {
protected:
    IpfixFileTest() {
        std::string name = (fs::temp_directory_path() / "tapmeter_read_XXXXXX").string();
        folder_ = ::mkdtemp(name.data());
    }
    ~IpfixFileTest() override { fs::remove_all(folder_); }

    // The one file that an export of so many records leaves.
    fs::path written(std::size_t records, bool compress) {
        Config::Ipfix config;
        config.name = "flows";
        config.transport = Config::Transport::file;
        config.path = (folder_ / (compress ? "packed" : "plain")).string();
        config.compress = compress;
        {
            auto output = open_ipfix(config, {{"eth1", ObservationDomainId{1}}}).value();
            output->take(test_support::mixed_records(records));
            output->flush(steady_clock::now() + seconds{10});
        }
        return fs::directory_iterator(config.path)->path();
    }
    static std::string content(const fs::path& path) {
        std::ifstream file(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    fs::path put(const std::string& octets) {
        std::ofstream(folder_ / "cut", std::ios::binary | std::ios::trunc) << octets;
        return folder_ / "cut";
    }
    struct Read {
        std::size_t records = 0;
        std::string failure;
    };
    static Read read(const fs::path& path) {
        auto file = IpfixFile::open(path.string()).value();
        std::vector<flow::FlowRecord> records;
        while (file->next(records)) {
        }
        return {records.size(), file->status() ? "" : file->status().error().message};
    }

    fs::path folder_;
};

TEST_F(IpfixFileTest, reads_what_was_written_packed_or_not) {
    for (const bool compress : {false, true}) {
        const fs::path path = written(3'000, compress);
        EXPECT_EQ(path.extension(), compress ? ".zst" : ".ipfix");
        EXPECT_TRUE(IpfixFile::is_one(path.string()));
        const Read got = read(path);
        EXPECT_EQ(got.records, 3'000U);
        EXPECT_EQ(got.failure, "");
    }
}

TEST_F(IpfixFileTest, a_file_that_is_cut_or_damaged_is_said_with_its_offset) {
    const std::string whole = content(written(500, false));
    const Read cut = read(put(whole.substr(0, whole.size() - 1)));
    EXPECT_GT(cut.records, 400U);
    EXPECT_NE(cut.failure.find("cut in the middle of a message"), std::string::npos) << cut.failure;
    EXPECT_NE(cut.failure.find("/cut:"), std::string::npos) << cut.failure;
    const Read longer = read(put(whole + "something else, and not short"));
    EXPECT_EQ(longer.records, 500U);
    EXPECT_NE(longer.failure.find("/cut:" + std::to_string(whole.size()) + ": no IPFIX message"),
              std::string::npos)
        << longer.failure;

    const std::string packed = content(written(500, true));
    for (const std::size_t left : {packed.size() - 1, packed.size() / 2, std::size_t{10}}) {
        const Read part = read(put(packed.substr(0, left)));
        EXPECT_NE(part.failure.find("cut"), std::string::npos) << left << part.failure;
    }
    std::string broken = packed;
    broken[packed.size() / 2] ^= '\x5A';
    EXPECT_NE(read(put(broken)).failure, "");
}

TEST_F(IpfixFileTest, other_files_are_not_taken_for_one) {
    EXPECT_FALSE(IpfixFile::is_one((folder_ / "none").string()));
    EXPECT_FALSE(IpfixFile::is_one(folder_.string()));
    EXPECT_FALSE(IpfixFile::is_one(put("").string()));
    EXPECT_FALSE(IpfixFile::is_one(put("\xd4\xc3\xb2\xa1 a capture").string()));
    EXPECT_FALSE(IpfixFile::is_one(put("\x0a\x0d\x0d\x0a another").string()));
    EXPECT_FALSE(IpfixFile::is_one(put("\x28\xb5\x2f\xfd no zstd").string()));
    EXPECT_FALSE(IpfixFile::open((folder_ / "none").string()).has_value());
}

}  // namespace
}  // namespace tapmeter::exporting
