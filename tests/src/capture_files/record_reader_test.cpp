#include "src/capture_files/record_reader.h"

#include <gtest/gtest.h>

#include "tests/src/capture_files/capture_builder.h"
#include "tests/src/capture_files/seen.h"

namespace tapmeter::capture_files {
namespace {

using testing::File;
using testing::frame_of;
using testing::MemorySource;
using testing::PcapBuilder;
using testing::PcapngBuilder;
using testing::read_all;

File pcap_of(unsigned packets) {
    PcapBuilder builder;
    for (unsigned i = 0; i < packets; ++i) {
        builder.packet(i, i, frame_of(i * 7 % 1'600, i));
    }
    return builder.file();
}

File pcapng_of(unsigned packets) {
    PcapngBuilder builder(FileOrder::swapped);
    builder.section().interface(1);
    for (unsigned i = 0; i < packets; ++i) {
        builder.whole(0, i, frame_of(i * 7 % 1'600, i)).foreign(5, i % 50);
    }
    return builder.file();
}

TEST(RecordReader, gives_the_same_packets_however_small_the_pieces) {
    for (const File& file : {pcap_of(200), pcapng_of(200)}) {
        const auto whole = read_all(file, file.size());
        ASSERT_EQ(whole.packets.size(), 200U);
        for (const std::size_t step : {1U, 7U, 64U, 4'096U}) {
            const auto pieces = read_all(file, step);
            EXPECT_EQ(pieces.last, Turn::end) << step;
            EXPECT_EQ(pieces.packets, whole.packets) << step;
        }
    }
}

TEST(RecordReader, counts_the_octets_of_file_and_wire) {
    const File file =
        PcapBuilder().packet(0, 0, frame_of(60)).record({0, 0, 8, 900}, frame_of(8)).file();
    MemorySource source(file, file.size());
    RecordReader reader;
    reader.start(source, *recognise(file), 3);
    Burst burst;
    ASSERT_EQ(reader.read(burst), Turn::packets);
    EXPECT_EQ(reader.wire_octets(), 960U);
    EXPECT_EQ(reader.octets_read(), file.size());
    EXPECT_EQ(burst.packets[1].observation_point, 3);
    burst.count = 0;
    EXPECT_EQ(reader.read(burst), Turn::end);
    EXPECT_EQ(reader.wire_octets(), 0U);
}

TEST(RecordReader, damage_is_told_after_the_packets_before_it) {
    const File file = PcapBuilder()
                          .packet(0, 0, frame_of(60))
                          .record({0, 0, 0xffffffff, 60}, frame_of(60))
                          .file();
    MemorySource source(file, file.size());
    RecordReader reader;
    reader.start(source, *recognise(file), 0);
    Burst burst;
    EXPECT_EQ(reader.read(burst), Turn::packets);
    EXPECT_EQ(burst.count, 1U);
    burst.count = 0;
    EXPECT_EQ(reader.read(burst), Turn::damaged);
    EXPECT_EQ(reader.damage().offset, 24U + 16U + 60U);
}

TEST(RecordReader, starts_afresh_with_every_source) {
    RecordReader reader;
    Burst burst;
    const File first = PcapngBuilder().section().interface(1).raw_block({9, 64, 64}, {}).file();
    MemorySource cut(first, first.size());
    reader.start(cut, *recognise(first), 0);
    EXPECT_EQ(reader.read(burst), Turn::damaged);

    const File second = pcapng_of(1);
    MemorySource good(second, second.size());
    reader.start(good, *recognise(second), 0);
    EXPECT_EQ(reader.read(burst), Turn::packets);
    burst.count = 0;
    EXPECT_EQ(reader.read(burst), Turn::end);
    EXPECT_EQ(reader.damage().kind, Damage::Kind::none);
}

// A source whose disk or pipe breaks.
class BrokenSource final : public OctetSource {
public:
    BrokenSource(Bytes octets, int error) : octets_(octets), error_(error) {}
    Bytes ahead() const noexcept override { return octets_; }
    void consume(std::size_t octets) noexcept override { octets_ = octets_.subspan(octets); }
    Fill fill() noexcept override { return Fill::failed; }
    void close() noexcept override {}
    bool views_stay_valid() const noexcept override { return true; }
    std::uint64_t octets_total() const noexcept override { return 0; }
    int failure() const noexcept override { return error_; }

private:
    Bytes octets_;
    int error_;
};

TEST(RecordReader, a_failed_read_is_damage_with_its_cause) {
    const File file = pcap_of(1);
    for (const int error : {EIO, EFAULT}) {
        BrokenSource source(file, error);
        RecordReader reader;
        reader.start(source, *recognise(file), 0);
        Burst burst;
        EXPECT_EQ(reader.read(burst), Turn::packets);
        burst.count = 0;
        EXPECT_EQ(reader.read(burst), Turn::damaged);
        EXPECT_EQ(describe(reader.damage()),
                  error == EIO ? "offset 40: cannot be read on: Input/output error"
                               : "offset 40: the file became shorter while it was read, or its "
                                 "disk fails");
    }
}

}  // namespace
}  // namespace tapmeter::capture_files
