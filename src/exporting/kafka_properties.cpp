#include "src/exporting/kafka_properties.h"

#include <fmt/format.h>

#include <utility>

#include "src/exporting/secret_file.h"

namespace tapmeter::exporting {

Result<std::vector<KafkaProperty>> kafka_properties(const Config::Kafka& config) {
    std::vector<KafkaProperty> all{
        {"bootstrap.servers", config.brokers},
        {"client.id", "tapmeter"},
        {"enable.idempotence", "true"},
        {"message.timeout.ms", "0"},  // as long as our own queue has room
        {"compression.codec", "lz4"},
        {"log.queue", "true"},
        {"security.protocol", config.user.empty() ? (config.tls ? "ssl" : "plaintext")
                                                  : (config.tls ? "sasl_ssl" : "sasl_plaintext")},
    };
    if (!config.tls_ca.empty()) {
        all.push_back({"ssl.ca.location", config.tls_ca});
    }
    if (!config.user.empty()) {
        all.push_back({"sasl.mechanism", "PLAIN"});
        all.push_back({"sasl.username", config.user});
    }
    if (!config.password_file.empty()) {
        auto password = read_secret(config.password_file);
        if (!password) {
            return tl::unexpected<Error>(std::move(password.error()));
        }
        all.push_back({"sasl.password", std::move(*password)});
    }
    for (const std::string& one : config.properties) {
        const std::size_t equals = one.find('=');
        if (equals == std::string::npos) {
            return failed(Error::Kind::invalid_config,
                          fmt::format("properties holds \"{}\": must be \"KEY=VALUE\"", one));
        }
        all.push_back({one.substr(0, equals), one.substr(equals + 1)});
    }
    return all;
}

}  // namespace tapmeter::exporting
