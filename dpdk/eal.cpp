#include "dpdk/eal.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <mutex>
#include <string_view>
#include <system_error>

#include "dpdk/device_text.h"
#include "dpdk/eal_log.h"
#include "pipeline/base/expects.h"

namespace tapmeter::dpdk {

namespace {

// DPDK's environment is one a process, so this is too.
std::atomic<bool> running{false};
std::atomic<bool> was_started{false};
std::atomic<int> open_ports{0};

// DPDK has a lock of its own for its table of threads. Ours costs nothing at start and stop of a
// worker, and the thread sanitizer sees it, so it needs no list of exceptions.
std::mutex registering;

bool register_thread() noexcept {
    const std::lock_guard guard(registering);
    return running && rte_lcore_id() == LCORE_ID_ANY && rte_thread_register() == 0;
}

// rte_eal_init() pins its caller to the lcore's CPU, and threads started later would inherit that.
// This gives the caller's own CPUs back.
class KeepAffinity {
public:
    KeepAffinity() noexcept : known_(sched_getaffinity(0, sizeof(cpus_), &cpus_) == 0) {}
    KeepAffinity(const KeepAffinity&) = delete;
    KeepAffinity& operator=(const KeepAffinity&) = delete;
    ~KeepAffinity() {
        if (known_) {
            sched_setaffinity(0, sizeof(cpus_), &cpus_);
        }
    }

private:
    cpu_set_t cpus_{};
    bool known_;
};

std::vector<std::string> eal_words(const EalOptions& options, const MemoryPlan& plan) {
    const int cpu = sched_getcpu();
    std::vector<std::string> words{
        "tapmeter",
        "--no-telemetry",
        "--no-shconf",
        "--file-prefix",
        "tapmeter." + std::to_string(getpid()),
        "--lcores",
        "0@" + std::to_string(cpu < 0 ? 0 : cpu),
        "-m",
        std::to_string(options.memory_octets >> 20U),
    };
    // In memory: no files in hugetlbfs, so nothing stays behind when the process is killed. DPDK
    // 22.11 refuses it together with --no-huge.
    words.emplace_back(plan.hugepages ? "--in-memory" : "--no-huge");
    // What a peer process maps in one piece: net_memif with zero-copy=yes, where the sender writes
    // frames into our own buffers.
    words.emplace_back("--single-file-segments");
    if (options.pci_allow.empty()) {
        words.emplace_back("--no-pci");
    }
    for (const std::string& address : options.pci_allow) {
        words.emplace_back("-a");
        words.push_back(address);
    }
    return words;
}

Result<EalOptions> checked(const EalOptions& options) {
    if (options.pci_allow.size() > pci_devices_max) {
        return failed(Error::Kind::invalid_config,
                      "dpdk: " + std::to_string(options.pci_allow.size()) +
                          " PCI devices: at most " + std::to_string(pci_devices_max));
    }
    EalOptions result = options;
    for (std::string& address : result.pci_allow) {
        auto device = parse_device(address);
        if (!device) {
            return tl::unexpected(device.error());
        }
        if (!device->is_pci) {
            return failed(Error::Kind::invalid_config,
                          "dpdk: \"" + address +
                              "\" is no PCI address; it looks like 0000:17:00.0, see `tapmeter "
                              "devices`");
        }
        address = device->text();
    }
    return result;
}

tl::unexpected<Error> start_failed(int error, const MemoryPlan& plan, std::uint64_t mark) {
    const auto kind = error == ENOMEM ? Error::Kind::no_memory : Error::Kind::io;
    return failed(kind, "dpdk: the environment does not start with " + plan.reason + ": " +
                            rte_strerror(error) + quoted_log_since(mark));
}

}  // namespace

Result<std::unique_ptr<Eal>> start_eal(const EalOptions& options) {
    const auto sound = checked(options);
    if (!sound) {
        return tl::unexpected(sound.error());
    }
    // DPDK would say so too (EALREADY), but on standard error.
    if (was_started) {
        return failed(Error::Kind::invalid_config,
                      "dpdk: was already started in this process, and DPDK cannot be started "
                      "twice; restart tapmeter");
    }
    auto plan = plan_memory(options.hugepages, options.memory_octets, read_hugepages());
    if (!plan) {
        return tl::unexpected(plan.error());
    }
    if (!catch_dpdk_log()) {
        return failed(Error::Kind::no_memory, "dpdk: no memory for its log");
    }
    std::vector<std::string> words = eal_words(*sound, *plan);
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (std::string& word : words) {
        arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);

    const std::uint64_t mark = log_mark();
    const KeepAffinity keep_affinity;
    rte_errno = 0;
    const bool started = rte_eal_init(static_cast<int>(words.size()), arguments.data()) >= 0;
    const int error = rte_errno;
    // DPDK makes a folder for files that we told it not to write, and leaves it behind.
    std::error_code not_there;
    std::filesystem::remove(rte_eal_get_runtime_dir(), not_there);
    if (!started) {
        return start_failed(error, *plan, mark);
    }
    running = true;
    was_started = true;
    return std::make_unique<Eal>(std::move(*plan));
}

Eal::~Eal() {
    stop();
}

void Eal::stop() noexcept {
    if (stopped_) {
        return;
    }
    expects(open_ports == 0);
    stopped_ = true;
    running = false;
    rte_eal_cleanup();
}

std::string Eal::warnings() {
    return log_since(0);
}

bool eal_is_running() noexcept {
    return running;
}

PortLease::PortLease() noexcept {
    ++open_ports;
}

PortLease::~PortLease() {
    --open_ports;
}

ThreadRegistration::ThreadRegistration() noexcept : registered_(register_thread()) {}

ThreadRegistration::~ThreadRegistration() {
    if (registered_) {
        const std::lock_guard guard(registering);
        rte_thread_unregister();
    }
}

}  // namespace tapmeter::dpdk
