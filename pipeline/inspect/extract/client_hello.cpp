#include "pipeline/inspect/extract/client_hello.h"

#include <algorithm>

#include "pipeline/inspect/extract/reader.h"

namespace tapmeter::inspect::extract {

namespace {

constexpr std::size_t random_octets = 32;
constexpr std::uint8_t name_type_host = 0;
constexpr std::size_t names_max = 8;  // RFC 6066 §3 allows one of a type

// The first host_name of the list.
Bytes read_server_name(Bytes extension) noexcept {
    Reader list{Reader{extension}.vector16_begun()};
    for (std::size_t name = 0; name < names_max && !list.empty(); ++name) {
        const std::uint8_t type = list.u8();
        const Bytes value = list.vector16_begun();
        if (type == name_type_host) {
            return value;
        }
    }
    return {};
}

Bytes whole_numbers(Bytes list) noexcept {
    return list.first(list.size() & ~std::size_t{1});
}

void read_extension(std::uint16_t type, Bytes value, bool from_server, Hello& hello) noexcept {
    Reader reader{value};
    switch (type) {
        case tls_extension::server_name:
            hello.has_server_name = true;
            hello.server_name = read_server_name(value);
            break;
        case tls_extension::supported_groups:
            hello.supported_groups = whole_numbers(reader.vector16_begun());
            break;
        case tls_extension::point_formats:
            hello.point_formats = reader.vector8();
            break;
        case tls_extension::signature_algorithms:
            hello.signature_algorithms = whole_numbers(reader.vector16_begun());
            break;
        case tls_extension::alpn:
            hello.alpn = reader.vector16_begun();
            break;
        case tls_extension::supported_versions:
            hello.supported_versions = whole_numbers(from_server ? value : reader.vector8());
            break;
        case tls_extension::quic_transport_parameters:
        case tls_extension::quic_transport_parameters_draft:
            hello.quic_transport_parameters = value;
            break;
        default:
            break;
    }
}

void read_extensions(Reader& reader, bool from_server, Hello& hello) noexcept {
    if (reader.empty()) {
        hello.is_cut = reader.failed();  // hellos without extensions end here
        return;
    }
    Reader list{reader.vector16_begun()};
    while (!list.empty()) {
        if (hello.extensions_count == extensions_max) {
            hello.too_many = true;
            return;
        }
        const std::uint16_t type = list.u16();
        const std::size_t octets = list.u16();
        if (list.failed()) {
            break;
        }
        const Bytes value = octets <= list.left() ? list.take(octets) : list.rest();
        hello.is_cut = hello.is_cut || value.size() < octets;
        hello.extensions[hello.extensions_count++] = type;
        read_extension(type, value, from_server, hello);
        if (value.size() < octets) {
            break;
        }
    }
    hello.is_cut = hello.is_cut || list.failed() || reader.failed();
}

}  // namespace

void read_client_hello(Bytes body, Hello& hello) noexcept {
    Reader reader{body};
    hello.version = reader.u16();
    reader.skip(random_octets);
    reader.vector8();  // legacy_session_id
    hello.cipher_suites = whole_numbers(reader.vector16_begun());
    hello.too_many = list_size(hello.cipher_suites) > cipher_suites_max;
    reader.vector8();  // legacy_compression_methods
    read_extensions(reader, false, hello);
}

void read_server_hello(Bytes body, Hello& hello) noexcept {
    Reader reader{body};
    hello.version = reader.u16();
    reader.skip(random_octets);
    reader.vector8();  // legacy_session_id_echo
    hello.cipher_suites = reader.take(2);
    reader.u8();  // legacy_compression_method
    read_extensions(reader, true, hello);
}

std::uint16_t version_of(const Hello& hello) noexcept {
    std::uint16_t highest = 0;
    for (std::size_t i = 0; i < list_size(hello.supported_versions); ++i) {
        const std::uint16_t version = number_at(hello.supported_versions, i);
        if (!is_grease(version)) {
            highest = std::max(highest, version);
        }
    }
    return highest != 0 ? highest : hello.version;
}

}  // namespace tapmeter::inspect::extract
