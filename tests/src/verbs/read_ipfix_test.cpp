#include "src/verbs/read_ipfix.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "src/exporting/ipfix_output.h"
#include "src/verbs/read.h"
#include "tests/src/verbs/said.h"
#include "tests/support/flow_records.h"

namespace tapmeter::verbs {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using std::chrono::steady_clock;
using ::testing::HasSubstr;
using testing::Said;
using testing::said_by;

class ReadIpfix : public ::testing::Test {
protected:
    ReadIpfix() {
        std::string name = (fs::temp_directory_path() / "tapmeter_read_XXXXXX").string();
        folder_ = ::mkdtemp(name.data());
        Config::Ipfix config;
        config.name = "flows";
        config.transport = Config::Transport::file;
        config.path = (folder_ / "made").string();
        auto output = exporting::open_ipfix(config, {{"eth1", ObservationDomainId{1}}}).value();
        output->take(test_support::mixed_records(5'000));
        output->flush(steady_clock::now() + seconds{10});
        output.reset();
        file_ = fs::directory_iterator(config.path)->path().string();
    }
    ~ReadIpfix() override { fs::remove_all(folder_); }

    static Said reading(std::vector<std::string> files, bool flows = false) {
        ReadCommand command;
        command.files = std::move(files);
        command.flows = flows;
        return said_by([&] { return read(command, {}, {}); });
    }

    fs::path folder_;
    std::string file_;
};

TEST_F(ReadIpfix, a_file_of_flow_records_is_summed_up_or_printed) {
    EXPECT_TRUE(file_.ends_with(".ipfix.zst"));
    const Said summary = reading({file_});
    EXPECT_EQ(summary.code, ExitCode::done) << summary.err;
    EXPECT_THAT(summary.out, HasSubstr("top hosts by octets"));
    EXPECT_THAT(summary.err, HasSubstr("5000 flow records in "));
    EXPECT_THAT(summary.err, HasSubstr("0 records missing"));
    const Said records = reading({file_}, true);
    EXPECT_GE(std::ranges::count(records.out, '\n'), 5'000);
    EXPECT_THAT(records.out, HasSubstr("93.184.216.34"));
}

TEST_F(ReadIpfix, a_file_that_is_cut_gives_what_is_whole_and_says_where) {
    const std::string cut = (folder_ / "cut").string();
    fs::copy_file(file_, cut);
    fs::resize_file(cut, fs::file_size(cut) - 1);
    const Said said = reading({cut});
    EXPECT_EQ(said.code, ExitCode::failed);
    EXPECT_THAT(said.err, HasSubstr(cut + ":"));
    EXPECT_THAT(said.err, HasSubstr("cut; get it whole"));
}

TEST_F(ReadIpfix, packets_and_records_are_not_mixed) {
    const std::string other = (folder_ / "other").string();
    std::ofstream(other) << "no IPFIX";
    const Said said = reading({file_, other});
    EXPECT_EQ(said.code, ExitCode::refused);
    EXPECT_THAT(said.err, HasSubstr("cannot be read together"));
}

}  // namespace
}  // namespace tapmeter::verbs
