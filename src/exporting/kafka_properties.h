#pragma once

#include <string>
#include <vector>

#include "pipeline/base/result.h"
#include "src/config/config.h"

namespace tapmeter::exporting {

// One setting of librdkafka.
struct KafkaProperty {
    std::string key;
    std::string value;
};

// What a block of the configuration means to librdkafka, in the order in which it is set: the
// operator's own `properties` are the last, and win.
// errors  invalid_config  a password that cannot be read, a property without "="
Result<std::vector<KafkaProperty>> kafka_properties(const Config::Kafka& config);

}  // namespace tapmeter::exporting
