#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "pipeline/base/expects.h"
#include "pipeline/inspect/extract/certificate.h"
#include "pipeline/inspect/extract/client_hello.h"
#include "pipeline/inspect/extract/dns.h"
#include "pipeline/inspect/extract/fingerprint.h"
#include "pipeline/inspect/extract/http_head.h"

// Any octets are a certificate, a name in DER, a hello, a DNS name and an HTTP head: what is
// written never passes its room.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tapmeter;
    using namespace tapmeter::inspect::extract;
    const auto octets = std::as_bytes(std::span{data, size});
    const std::vector<std::byte> input{octets.begin(), octets.end()};

    const Certificate certificate = read_certificate(input);
    std::array<std::byte, 64> text{};
    expects(write_name(certificate.subject, text) <= text.size());
    expects(write_name(input, text) <= text.size());
    expects(write_octets(certificate.serial, true, text) <= text.size());

    for (const bool from_server : {false, true}) {
        Hello hello;
        from_server ? read_server_hello(input, hello) : read_client_hello(input, hello);
        std::array<char, ja3_octets_max> ja3{};
        const std::size_t ja3_octets = write_ja3(hello, ja3);
        expects(hello.too_many || ja3_octets < ja3_octets_max);
        const auto ja4 = ja4_of(hello, 't');
        expects(ja4[10] == '_' && ja4[23] == '_' && ja4[35] != 0);
    }

    std::array<std::byte, dns_name_octets_max> name{};
    std::size_t end = 0;
    expects(write_dns_name(input, 0, name, end) <= name.size() && end <= input.size());
    is_dns(input);

    if (const auto head = read_http_head(input)) {
        std::vector<std::byte> target(head->target.size());
        expects(write_normalised_target(head->target, target) <= target.size());
        expects(write_fields(*head, text) <= text.size());
        expects(write_normalised_host(head->host, text) <= text.size());
    }
    return 0;
}
