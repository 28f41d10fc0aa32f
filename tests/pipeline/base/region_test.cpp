#include "pipeline/base/region.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

namespace tapmeter {
namespace {

using Pages = Region::Pages;
using Wanted = Region::Wanted;
using ::testing::HasSubstr;

constexpr std::size_t two_megabytes = std::size_t{2} << 20U;
constexpr std::size_t no_machine_has = std::size_t{1} << 62U;

std::uint64_t number_in(const std::string& file, const std::string& name) {
    std::ifstream lines(file);
    for (std::string word; lines >> word;) {
        if (word == name) {
            std::uint64_t number = 0;
            lines >> number;
            return number;
        }
    }
    return 0;
}

std::uint64_t huge_pages_left() {
    return number_in("/proc/meminfo", "HugePages_Free:") -
           number_in("/proc/meminfo", "HugePages_Rsvd:");
}

Region reserved(const Region::Request& request) {
    auto region = Region::reserve(request);
    EXPECT_TRUE(region.has_value()) << region.error().message;
    return std::move(*region);
}

bool is_mapped(const std::byte* address) {
    std::array<unsigned char, two_megabytes / 4'096> resident{};
    void* const begin = std::bit_cast<void*>(address);
    return ::mincore(begin, two_megabytes, resident.data()) == 0;
}

long page_faults() {
    rusage usage{};
    ::getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_minflt;
}

TEST(Region, is_as_large_as_whole_huge_pages_and_stands_on_a_page) {
    for (const Wanted pages : {Wanted::small, Wanted::automatic}) {
        EXPECT_EQ(reserved({.octets = 1, .pages = pages}).octets().size(), two_megabytes);
        EXPECT_EQ(reserved({.octets = two_megabytes, .pages = pages}).octets().size(),
                  two_megabytes);
        const Region region = reserved({.octets = two_megabytes + 1, .pages = pages});
        EXPECT_EQ(region.octets().size(), 2 * two_megabytes);
        EXPECT_EQ(std::bit_cast<std::uintptr_t>(region.octets().data()) % 4'096, 0U);
    }
}

TEST(Region, is_zeroed_and_can_be_written_to_its_last_octet) {
    const Region region = reserved({.octets = two_megabytes, .pages = Wanted::small});
    EXPECT_TRUE(std::ranges::all_of(region.octets(), [](auto o) { return o == std::byte{0}; }));
    std::ranges::fill(region.octets(), std::byte{0xa5});
    EXPECT_EQ(region.octets().back(), std::byte{0xa5});
}

TEST(Region, says_which_pages_it_stands_on) {
    EXPECT_EQ(reserved({.octets = 1, .pages = Wanted::small}).pages(), Pages::small);
    EXPECT_EQ(name_of(Pages::huge), "2 MB pages");
    EXPECT_EQ(name_of(Pages::transparent), "transparent huge pages");
    EXPECT_EQ(name_of(Pages::small), "4 KB pages");
}

// One page more than are left: the next larger kind must serve, whatever this machine reserves.
TEST(Region, falls_back_where_huge_pages_do_not_suffice) {
    std::uint64_t made_on_demand = 0;
    std::ifstream("/proc/sys/vm/nr_overcommit_hugepages") >> made_on_demand;
    if (made_on_demand != 0) {
        GTEST_SKIP() << "this machine makes huge pages on demand: nothing to fall back from";
    }
    const std::size_t octets = (huge_pages_left() + 1) * two_megabytes;
    const bool transparent = std::filesystem::exists("/sys/kernel/mm/transparent_hugepage");
    const Region region = reserved({.octets = octets, .pages = Wanted::automatic});
    EXPECT_EQ(region.pages(), transparent ? Pages::transparent : Pages::small);
    region.octets().front() = std::byte{1};
    region.octets().back() = std::byte{2};
}

TEST(Region, uses_huge_pages_where_they_are_reserved) {
    if (huge_pages_left() == 0) {
        GTEST_SKIP() << "no huge pages reserved here: echo 8 > /proc/sys/vm/nr_hugepages";
    }
    const Region region = reserved({.octets = 1, .pages = Wanted::automatic, .populate = true});
    EXPECT_EQ(region.pages(), Pages::huge);
    region.octets().back() = std::byte{2};
}

TEST(Region, huge_pages_that_must_be_are_an_error_with_the_cure) {
    const auto region = Region::reserve({.octets = no_machine_has, .pages = Wanted::huge});
    ASSERT_FALSE(region.has_value());
    EXPECT_EQ(region.error().kind, Error::Kind::no_memory);
    EXPECT_THAT(region.error().message, HasSubstr("2199023255552 huge pages of 2 MB"));
    EXPECT_THAT(region.error().message,
                HasSubstr("echo 2199023255552 > /proc/sys/vm/nr_hugepages"));
    EXPECT_THAT(region.error().message, HasSubstr("memory.hugepages = \"auto\""));
}

TEST(Region, more_memory_than_an_address_space_has_is_an_error) {
    for (const Wanted pages : {Wanted::small, Wanted::automatic}) {
        const auto region = Region::reserve({.octets = no_machine_has, .pages = pages});
        ASSERT_FALSE(region.has_value());
        EXPECT_EQ(region.error().kind, Error::Kind::no_memory);
        EXPECT_THAT(region.error().message, HasSubstr("4398046511104 MiB for the flow table"));
        EXPECT_THAT(region.error().message, HasSubstr("lower flow.flows_max"));
    }
    EXPECT_FALSE(Region::reserve({.octets = 0, .pages = Wanted::small}).has_value());
}

TEST(Region, moves_without_giving_the_memory_back_twice) {
    const std::byte* first_begin = nullptr;
    const std::byte* second_begin = nullptr;
    {
        Region first = reserved({.octets = 1, .pages = Wanted::small});
        first_begin = first.octets().data();
        first.octets().front() = std::byte{7};
        Region second = reserved({.octets = 1, .pages = Wanted::small});
        second_begin = second.octets().data();
        second = std::move(first);
        EXPECT_EQ(second.octets().data(), first_begin);
        const Region third(std::move(second));
        EXPECT_EQ(third.octets().front(), std::byte{7});
        EXPECT_TRUE(is_mapped(first_begin));
    }
    EXPECT_FALSE(is_mapped(first_begin));
    EXPECT_FALSE(is_mapped(second_begin));
}

TEST(Region, what_is_kept_is_found_again_by_the_next_and_zeroed_for_a_stranger) {
    const KeptMemory kept;
    EXPECT_FALSE(Region::is_left(kept, 1));
    const Region::Request request{
        .octets = 3 * two_megabytes, .pages = Wanted::small, .kept = &kept};
    {
        const Region first = reserved(request);
        EXPECT_EQ(std::bit_cast<std::uintptr_t>(first.octets().data()) % two_megabytes, 0U);
        first.octets().front() = std::byte{1};
        first.octets().back() = std::byte{2};
    }
    EXPECT_TRUE(Region::is_left(kept, 3 * two_megabytes));
    EXPECT_FALSE(Region::is_left(kept, 4 * two_megabytes));
    Region::Request next = request;
    next.adopt = true;
    {
        const Region second = reserved(next);
        EXPECT_EQ(second.octets().front(), std::byte{1});
        EXPECT_EQ(second.octets().back(), std::byte{2});
    }
    next.octets = 4 * two_megabytes;
    const auto of_another_size = Region::reserve(next);
    ASSERT_FALSE(of_another_size.has_value());
    EXPECT_EQ(of_another_size.error().kind, Error::Kind::invalid_config);

    const Region fresh = reserved(request);
    EXPECT_TRUE(std::ranges::all_of(fresh.octets(), [](auto o) { return o == std::byte{0}; }));
}

TEST(Region, populated_memory_costs_no_page_fault_later) {
#if defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "every touch of fresh memory faults in the thread sanitizer's shadow of it";
#endif
    {
        const Region probe = reserved({.octets = 1, .pages = Wanted::small});
        if (::madvise(probe.octets().data(), two_megabytes, MADV_POPULATE_WRITE) != 0) {
            GTEST_SKIP() << "this kernel has no MADV_POPULATE_WRITE (before 5.14)";
        }
    }
    constexpr long pages = two_megabytes / 4'096;
    const auto faults_of_touching = [](bool populate) {
        const Region region = reserved({.octets = 1, .pages = Wanted::small, .populate = populate});
        const long before = page_faults();
        for (std::size_t at = 0; at < region.octets().size(); at += 4'096) {
            region.octets()[at] = std::byte{1};
        }
        return page_faults() - before;
    };
    EXPECT_GE(faults_of_touching(false), pages);
    EXPECT_LT(faults_of_touching(true), pages / 10);
}

}  // namespace
}  // namespace tapmeter
