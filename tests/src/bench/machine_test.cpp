#include "src/bench/machine.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace tapmeter::bench {
namespace {

namespace fs = std::filesystem;

// Files as the kernel shows them, under a folder that goes with the test.
class Root {
public:
    Root()
        : path_(fs::temp_directory_path() / ("tapmeter_machine_" + std::to_string(::getpid()))) {}
    ~Root() { fs::remove_all(path_); }
    Root(const Root&) = delete;
    Root& operator=(const Root&) = delete;

    void write(const std::string& file, const std::string& text) const {
        fs::create_directories((path_ / file).parent_path());
        std::ofstream(path_ / file) << text;
    }
    const fs::path& path() const { return path_; }

private:
    fs::path path_;
};

TEST(Machine, says_what_the_kernel_says) {
    const Root root;
    root.write("proc/cpuinfo",
               "processor\t: 0\nmodel name\t: A CPU 3.1\nflags\t\t: fpu sse2 hypervisor aes\n");
    root.write("proc/meminfo",
               "MemTotal: 1 kB\nHugePages_Total:      12\nHugePages_Free:        5\n");
    root.write("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
    const std::string cpus = "sys/devices/system/cpu/";
    root.write(cpus + "isolated", "2-9\n");
    root.write(cpus + "cpu0/cpufreq/scaling_governor", "performance\n");
    root.write(cpus + "cpu0/cache/index0/size", "32K\n");
    root.write(cpus + "cpu0/cache/index0/type", "Data\n");
    root.write(cpus + "cpu0/cache/index0/level", "1\n");
    root.write(cpus + "cpu0/cache/index0/shared_cpu_list", "0,4-5\n");
    root.write("sys/devices/system/node/node0/cpulist", "0\n");
    root.write("sys/devices/system/node/node1/cpulist", "1\n");

    const Machine machine = read_machine(root.path());
    EXPECT_EQ(machine.cpu, "A CPU 3.1");
    EXPECT_TRUE(machine.virtual_machine);
    EXPECT_EQ(machine.huge_pages, 12U);
    EXPECT_EQ(machine.huge_pages_free, 5U);
    EXPECT_EQ(machine.transparent_huge_pages, "madvise");
    EXPECT_EQ(machine.isolated_cores, "2-9");
    EXPECT_EQ(machine.governor, "performance");
    EXPECT_EQ(machine.numa_nodes, 2U);
    ASSERT_EQ(machine.caches.size(), 1U);
    EXPECT_EQ(machine.caches[0].octets, 32U << 10U);
    EXPECT_EQ(machine.caches[0].sharing, 3U);
}

TEST(Machine, what_nobody_says_is_unknown) {
    const Machine machine = read_machine("/nowhere/at/all");
    EXPECT_EQ(machine.cpu, "unknown");
    EXPECT_EQ(machine.governor, "unknown");
    EXPECT_EQ(machine.transparent_huge_pages, "unknown");
    EXPECT_EQ(machine.huge_pages, 0U);
    EXPECT_EQ(machine.numa_nodes, 1U);
    EXPECT_TRUE(machine.caches.empty());
    EXPECT_FALSE(machine.virtual_machine);
}

TEST(Machine, knows_this_one) {
    const Machine machine = read_machine();
    EXPECT_GE(machine.cores, 1U);
    EXPECT_GT(machine.tsc_gigahertz, 0);
    EXPECT_NE(machine.kernel.find("Linux"), std::string::npos);
    EXPECT_FALSE(machine.compiler.empty());
}

}  // namespace
}  // namespace tapmeter::bench
