#include "dpdk/pcap_file.h"

#include <pcap/pcap.h>

#include <array>
#include <memory>

namespace tapmeter::dpdk {

namespace {

using OpenFile = std::unique_ptr<pcap_t, decltype(&pcap_close)>;

Result<OpenFile> open_file(const std::string& file) {
    std::array<char, PCAP_ERRBUF_SIZE> why{};
    OpenFile opened(pcap_open_offline(file.c_str(), why.data()), &pcap_close);
    if (!opened) {
        return failed(Error::Kind::no_such_device,
                      "dpdk net_pcap: rx_pcap=" + file + ": " + why.data() +
                          "; give a capture file in pcap or pcapng format that this user may read");
    }
    return opened;
}

}  // namespace

Result<std::uint64_t> count_packets(const std::string& file) {
    auto opened = open_file(file);
    if (!opened) {
        return tl::unexpected(opened.error());
    }
    std::uint64_t packets = 0;
    pcap_pkthdr* header = nullptr;
    const u_char* octets = nullptr;
    while (pcap_next_ex(opened->get(), &header, &octets) == 1) {
        ++packets;
    }
    return packets;
}

Result<bool> check_pcap_file(const std::string& file) {
    auto opened = open_file(file);
    if (!opened) {
        return tl::unexpected(opened.error());
    }
    return true;
}

}  // namespace tapmeter::dpdk
