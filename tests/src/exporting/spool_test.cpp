#include "src/exporting/spool.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

namespace tapmeter::exporting {
namespace {

namespace fs = std::filesystem;

class SpoolTest : public testing::Test {
protected:
    SpoolTest() {
        std::string name = (fs::temp_directory_path() / "tapmeter_spool_XXXXXX").string();
        folder_ = ::mkdtemp(name.data());
    }
    ~SpoolTest() override { fs::remove_all(folder_); }

    std::unique_ptr<Spool> open(std::uint64_t octets_max = std::uint64_t{64} << 20U) {
        auto spool = Spool::open({"ipfix/main", "main", folder_.string(), octets_max,
                                  [this](std::string line) { said_.push_back(std::move(line)); }});
        EXPECT_TRUE(spool.has_value()) << spool.error().message;
        return std::move(*spool);
    }
    static SpoolFrame frame(std::uint32_t number, std::uint32_t octets = 1'000) {
        return {.kind = SpoolFrame::Kind::message,
                .octets = octets,
                .domain = ObservationDomainId{1},
                .sequence = number,
                .sequence_step = 1,
                .template_sets = 0,
                .contents = {1, 10, 100}};
    }
    static Spool::Appended append(Spool& spool, std::uint32_t number) {
        return spool.append(frame(number), std::vector<std::byte>(1'000, std::byte{9}));
    }
    // Numbers of the messages from now on, all of them written.
    static std::vector<std::uint32_t> written(Spool& spool, std::size_t most = 1'000'000) {
        std::vector<std::uint32_t> numbers;
        while (numbers.size() < most && spool.next() != nullptr) {
            numbers.push_back(spool.next()->frame.sequence);
            spool.written();
        }
        return numbers;
    }
    std::size_t files() const {
        std::size_t count = 0;
        for (const auto& entry : fs::directory_iterator(folder_)) {
            count += entry.path().extension() == ".spool" ? 1U : 0U;
        }
        return count;
    }
    static std::vector<std::uint32_t> from_to(std::uint32_t first, std::uint32_t end) {
        std::vector<std::uint32_t> numbers;
        for (; first < end; ++first) {
            numbers.push_back(first);
        }
        return numbers;
    }

    fs::path folder_;
    std::vector<std::string> said_;
};

TEST_F(SpoolTest, gives_back_in_order_and_again_until_it_has_arrived) {
    auto spool = open();
    EXPECT_TRUE(spool->empty());
    for (std::uint32_t number = 0; number < 2'000; ++number) {
        ASSERT_EQ(append(*spool, number), Spool::Appended::done);
    }
    EXPECT_EQ(spool->waiting().records, 2'000U);
    EXPECT_EQ(written(*spool, 700), from_to(0, 700));
    EXPECT_EQ(spool->confirm(300).contents.packets, 3'000U);
    spool->rewind();
    EXPECT_EQ(written(*spool), from_to(300, 2'000));
    EXPECT_EQ(spool->next(), nullptr);
    EXPECT_FALSE(spool->empty()) << "nothing of it has arrived";
    EXPECT_EQ(spool->confirm(1'700).messages, 1'700U);
    EXPECT_TRUE(spool->empty());
    EXPECT_EQ(files(), 0U);
    EXPECT_EQ(spool->octets(), 0U);
}

TEST_F(SpoolTest, the_next_run_finds_what_has_not_arrived) {
    {
        auto spool = open();
        for (std::uint32_t number = 0; number < 3'000; ++number) {
            append(*spool, number);
        }
        written(*spool, 1'500);
        spool->confirm(1'234);
    }
    auto spool = open();
    EXPECT_EQ(spool->waiting().records, 1'766U);
    append(*spool, 7);
    auto numbers = written(*spool);
    ASSERT_EQ(numbers.size(), 1'767U);
    EXPECT_EQ(numbers.back(), 7U);
    numbers.pop_back();
    EXPECT_EQ(numbers, from_to(1'234, 3'000));
    EXPECT_TRUE(said_.empty()) << said_.front();
}

TEST_F(SpoolTest, a_full_spool_lets_the_oldest_go_and_says_so) {
    constexpr std::uint64_t octets_max = std::uint64_t{8} << 20U;
    auto spool = open(octets_max);
    constexpr std::uint32_t count = 20'000;
    for (std::uint32_t number = 0; number < count; ++number) {
        ASSERT_EQ(append(*spool, number), Spool::Appended::done);
        ASSERT_LE(spool->octets(), octets_max);
    }
    const Spool::Lost lost = spool->take_lost();
    EXPECT_GT(lost.full.records, 0U);
    EXPECT_EQ(lost.full.records + spool->waiting().records, count);
    const auto numbers = written(*spool);
    EXPECT_EQ(numbers, from_to(count - static_cast<std::uint32_t>(numbers.size()), count));
    ASSERT_FALSE(said_.empty());
    EXPECT_NE(said_.front().find("spool_full"), std::string::npos);
    EXPECT_NE(said_.front().find("spool_size"), std::string::npos);
}

// What is on its way is not dropped under the session's feet.
TEST_F(SpoolTest, a_full_spool_keeps_what_is_on_its_way) {
    auto spool = open(std::uint64_t{8} << 20U);
    for (std::uint32_t number = 0; number < 7'000; ++number) {
        append(*spool, number);
    }
    EXPECT_EQ(written(*spool, 10), from_to(0, 10));
    std::uint32_t number = 7'000;
    for (; number < 20'000; ++number) {
        ASSERT_EQ(append(*spool, number), Spool::Appended::done);
    }
    EXPECT_EQ(spool->confirm(10).messages, 10U);
    const auto rest = written(*spool);
    EXPECT_EQ(rest.front(), 10U) << "the rest of the file that was being sent";
    EXPECT_EQ(rest.back(), 19'999U);
    EXPECT_EQ(spool->take_lost().full.records + rest.size() + 10, 20'000U);
    Spool::Appended last = Spool::Appended::done;
    for (int more = 0; more < 9'000 && last == Spool::Appended::done; ++more) {
        last = append(*spool, number++);
        written(*spool);
    }
    EXPECT_EQ(last, Spool::Appended::full) << "all of it is on its way";
}

TEST_F(SpoolTest, two_programs_do_not_share_a_folder) {
    auto spool = open();
    const auto other = Spool::open({"ipfix/main", "main", folder_.string(), 1U << 23U, {}});
    ASSERT_FALSE(other.has_value());
    EXPECT_NE(other.error().message.find("main.lock is in use"), std::string::npos);
    EXPECT_TRUE(Spool::open({"ipfix/b", "b", folder_.string(), 1U << 23U, {}}).has_value());
}

TEST_F(SpoolTest, files_that_cannot_be_read_are_said_with_their_offset) {
    {
        auto spool = open();
        for (std::uint32_t number = 0; number < 10; ++number) {
            append(*spool, number);
        }
    }
    const fs::path path = fs::directory_iterator(folder_)->path().extension() == ".spool"
                              ? fs::directory_iterator(folder_)->path()
                              : std::next(fs::directory_iterator(folder_))->path();
    fs::resize_file(path, 40 + 5 * 1'056 + 17);
    std::ofstream(folder_ / "main-0000000000000000-00000000.spool") << "something else";
    std::ofstream(folder_ / "main-of-another-name.spool") << "not ours";
    auto spool = open();
    EXPECT_EQ(spool->take_lost().places, 2U);
    ASSERT_EQ(said_.size(), 2U);
    EXPECT_NE(said_[0].find("00000000.spool:0: no spool file"), std::string::npos) << said_[0];
    EXPECT_NE(said_[1].find(":5320: cut or damaged; the 17 octets"), std::string::npos) << said_[1];
    EXPECT_EQ(written(*spool), from_to(0, 5));
}

// Damage that comes while the program runs.
TEST_F(SpoolTest, what_the_disk_gives_back_broken_is_counted) {
    auto spool = open();
    constexpr std::uint32_t count = 6'000;
    for (std::uint32_t number = 0; number < count; ++number) {
        append(*spool, number);
    }
    ASSERT_GE(files(), 2U);
    std::set<fs::path> paths;
    for (const auto& entry : fs::directory_iterator(folder_)) {
        if (entry.path().extension() == ".spool") {
            paths.insert(entry.path());
        }
    }
    {
        std::fstream file(*paths.begin(), std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(40 + 3 * 1'056 + 500);
        file.put('!');
    }
    const auto numbers = written(*spool);
    EXPECT_EQ(numbers[2], 2U);
    EXPECT_GT(numbers[3], 3U);
    EXPECT_EQ(numbers.back(), count - 1);
    const Spool::Lost lost = spool->take_lost();
    EXPECT_EQ(lost.places, 1U);
    EXPECT_EQ(lost.damaged.records + numbers.size(), count);
    EXPECT_EQ(spool->waiting().records, numbers.size());
    EXPECT_EQ(spool->confirm(numbers.size()).messages, numbers.size());
    EXPECT_TRUE(spool->empty());
}

}  // namespace
}  // namespace tapmeter::exporting
