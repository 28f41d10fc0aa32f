#include "src/exporting/spool_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <random>

namespace tapmeter::exporting {
namespace {

namespace fs = std::filesystem;

class SpoolFileTest : public testing::Test {
protected:
    SpoolFileTest() {
        std::string name = (fs::temp_directory_path() / "tapmeter_spool_XXXXXX").string();
        folder_ = ::mkdtemp(name.data());
        path_ = (folder_ / "a.spool").string();
    }
    ~SpoolFileTest() override { fs::remove_all(folder_); }

    static SpoolFrame frame(std::uint32_t index) {
        return {.kind = SpoolFrame::Kind::message,
                .octets = 100 + index,
                .domain = ObservationDomainId{index % 2},
                .sequence = index * 10,
                .sequence_step = 10,
                .template_sets = 0,
                .contents = {index + 1, index + 2, index + 3}};
    }
    static std::vector<std::byte> message(std::uint32_t index) {
        return std::vector<std::byte>(100 + index, static_cast<std::byte>(index));
    }
    static std::vector<SpoolFile::Announced> announcements() {
        SpoolFrame frame;
        frame.kind = SpoolFrame::Kind::announcement;
        frame.octets = 40;
        return {{frame, std::vector<std::byte>(40, std::byte{7})}};
    }
    void fill(std::uint32_t count) const {
        auto file = SpoolFile::create(path_, 99, announcements()).value();
        for (std::uint32_t index = 0; index < count; ++index) {
            ASSERT_TRUE(file.append(frame(index), message(index)));
        }
    }
    std::string content() const {
        std::ifstream file(path_, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    void put(const std::string& octets) const {
        std::ofstream(path_, std::ios::binary | std::ios::trunc) << octets;
    }
    // How many messages are read, and whether each is what was written.
    static std::uint32_t read_all(const SpoolFile& file) {
        std::uint32_t count = 0;
        std::vector<std::byte> octets;
        for (std::uint64_t at = file.confirmed(); at < file.octets(); ++count) {
            SpoolFrame got;
            at = file.read(at, got, octets);
            EXPECT_NE(at, 0U);
            const SpoolFrame wanted = frame(count);
            EXPECT_EQ(octets, message(count));
            EXPECT_EQ(got.sequence, wanted.sequence);
            EXPECT_EQ(got.domain, wanted.domain);
            EXPECT_EQ(got.contents.packets, wanted.contents.packets);
        }
        return count;
    }

    fs::path folder_;
    std::string path_;
};

// RFC 3720 appendix B.4.
TEST(Crc32c, is_that_of_the_rfc) {
    EXPECT_EQ(crc32c(std::vector<std::byte>(32, std::byte{0})), 0x8A91'36AAU);
    EXPECT_EQ(crc32c(std::vector<std::byte>(32, std::byte{0xFF})), 0x62A8'AB43U);
    const std::string_view check = "123456789";
    EXPECT_EQ(crc32c(std::as_bytes(std::span{check})), 0xE306'9283U);
    EXPECT_EQ(crc32c(std::as_bytes(std::span{check}.last(4)),
                     crc32c(std::as_bytes(std::span{check}.first(5)))),
              0xE306'9283U);
}

// Blocks of rows are longer than messages may be, and say other things of themselves.
TEST_F(SpoolFileTest, gives_back_a_block_with_all_that_is_said_of_it) {
    const std::vector<std::byte> octets(spool_frame_octets_max, std::byte{5});
    const SpoolFrame wanted{.kind = SpoolFrame::Kind::block,
                            .octets = static_cast<std::uint32_t>(octets.size()),
                            .id = 0xFEDC'BA98'7654'3210,
                            .ended = ObservedAt{Nanoseconds{-17}},
                            .contents = {1, 2, 3, 4'000'000'000}};
    {
        auto file = SpoolFile::create(path_, 99, announcements()).value();
        ASSERT_TRUE(file.append(wanted, octets));
    }
    SpoolFile::Found found;
    const auto file = SpoolFile::open(path_, found).value();
    EXPECT_EQ(found.cut_octets, 0U);
    EXPECT_EQ(file.waiting().alerts, 4'000'000'000U);
    SpoolFrame got;
    std::vector<std::byte> read;
    EXPECT_EQ(file.read(file.confirmed(), got, read), file.octets());
    EXPECT_EQ(read, octets);
    EXPECT_EQ(got.kind, SpoolFrame::Kind::block);
    EXPECT_EQ(got.id, wanted.id);
    EXPECT_EQ(got.ended, wanted.ended);
    EXPECT_EQ(got.contents.octets, 3U);
}

TEST_F(SpoolFileTest, what_was_written_is_read_again) {
    fill(20);
    struct stat status {};
    ASSERT_EQ(::stat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
    SpoolFile::Found found;
    auto file = SpoolFile::open(path_, found).value();
    EXPECT_EQ(found.cut_octets, 0U);
    EXPECT_EQ(file.run(), 99U);
    ASSERT_EQ(file.announcements().size(), 1U);
    EXPECT_EQ(file.announcements()[0].octets.size(), 40U);
    EXPECT_EQ(file.waiting().records, 210U);
    EXPECT_EQ(read_all(file), 20U);

    SpoolFrame first;
    std::vector<std::byte> octets;
    const std::uint64_t second = file.read(file.confirmed(), first, octets);
    file.confirm(second, first.contents);
    auto again = SpoolFile::open(path_, found).value();
    EXPECT_EQ(again.confirmed(), second);
    EXPECT_EQ(again.waiting().records, 209U);
}

// Wherever a file was cut, what is whole before that is there, and the file can be gone on with.
TEST_F(SpoolFileTest, a_file_cut_at_any_octet_gives_what_is_before_it) {
    fill(6);
    const std::string whole = content();
    for (std::size_t cut = 0; cut < whole.size(); ++cut) {
        put(whole.substr(0, cut));
        SpoolFile::Found found;
        auto file = SpoolFile::open(path_, found);
        if (!file) {
            EXPECT_LT(cut, 40U);
            EXPECT_NE(file.error().message.find(path_ + ":0:"), std::string::npos)
                << file.error().message;
            continue;
        }
        EXPECT_EQ(file->octets() + found.cut_octets, cut);
        EXPECT_EQ(found.cut_octets == 0 ? 0 : found.damaged_at,
                  found.cut_octets == 0 ? 0 : file->octets());
        std::uint64_t records = 0;
        const std::uint32_t messages = read_all(*file);
        for (std::uint32_t index = 0; index < messages; ++index) {
            records += frame(index).contents.records;
        }
        EXPECT_EQ(file->waiting().records, records) << cut;
        EXPECT_TRUE(file->append(frame(messages), message(messages)));
        EXPECT_EQ(fs::file_size(path_), file->octets());
    }
}

// 2,000 damaged files: one bit, one octet, or several.
TEST_F(SpoolFileTest, damage_is_found_and_never_read_as_a_message) {
    fill(6);
    const std::string whole = content();
    std::mt19937_64 random{20'251'122};
    for (int round = 0; round < 2'000; ++round) {
        std::string damaged = whole;
        for (std::uint64_t times = 1 + random() % 3; times > 0; --times) {
            damaged[random() % damaged.size()] ^= static_cast<char>(1 + random() % 255);
        }
        put(damaged);
        SpoolFile::Found found;
        auto file = SpoolFile::open(path_, found);
        if (!file) {
            continue;
        }
        std::vector<std::byte> octets;
        RecordTotals sum;
        for (std::uint64_t at = file->confirmed(); at < file->octets();) {
            SpoolFrame got;
            at = file->read(at, got, octets);
            ASSERT_NE(at, 0U) << "open() has looked at all of it";
            const auto index = static_cast<std::uint32_t>(octets.size() - 100);
            ASSERT_LT(index, 6U);
            EXPECT_EQ(octets, message(index));
            sum.records += got.contents.records;
        }
        EXPECT_EQ(file->waiting().records, sum.records);
    }
}

TEST_F(SpoolFileTest, a_damaged_note_of_what_has_arrived_sends_all_again) {
    fill(3);
    {
        SpoolFile::Found found;
        auto file = SpoolFile::open(path_, found).value();
        file.confirm(file.octets(), file.waiting());
    }
    std::string octets = content();
    octets[24] ^= 1;
    put(octets);
    SpoolFile::Found found;
    EXPECT_EQ(read_all(SpoolFile::open(path_, found).value()), 3U);
}

TEST_F(SpoolFileTest, only_a_file_of_ours_is_taken) {
    SpoolFile::Found found;
    EXPECT_FALSE(SpoolFile::open(path_, found).has_value()) << "none";
    fs::create_directory(path_);
    EXPECT_FALSE(SpoolFile::open(path_, found).has_value()) << "a folder";
    fs::remove(path_);
    fill(1);
    EXPECT_FALSE(SpoolFile::create(path_, 1, {}).has_value()) << "there is one";
    const std::string link = (folder_ / "link.spool").string();
    fs::create_symlink(path_, link);
    EXPECT_FALSE(SpoolFile::open(link, found).has_value());
    if (::geteuid() == 0) {
        ASSERT_EQ(::chown(path_.c_str(), 12'345, 12'345), 0);
        EXPECT_FALSE(SpoolFile::open(path_, found).has_value()) << "somebody else's";
    }
}

TEST_F(SpoolFileTest, a_disk_that_is_full_leaves_the_file_as_it_was) {
    auto file = SpoolFile::create(path_, 99, {}).value();
    ASSERT_TRUE(file.append(frame(0), message(0)));
    struct rlimit before {};
    ::getrlimit(RLIMIT_FSIZE, &before);
    struct rlimit low = before;
    low.rlim_cur = file.octets() + 60;
    ::signal(SIGXFSZ, SIG_IGN);
    ::setrlimit(RLIMIT_FSIZE, &low);
    EXPECT_FALSE(file.append(frame(1), message(1)));
    ::setrlimit(RLIMIT_FSIZE, &before);
    EXPECT_EQ(fs::file_size(path_), file.octets());
    EXPECT_TRUE(file.append(frame(1), message(1)));
    EXPECT_EQ(read_all(file), 2U);
}

}  // namespace
}  // namespace tapmeter::exporting
