// Stands for kafka_output.cpp where the program is built without Kafka.
#include <fmt/format.h>

#include "src/exporting/kafka_output.h"

namespace tapmeter::exporting {

namespace {

tl::unexpected<Error> absent(const Config::Kafka& config) {
    return failed(Error::Kind::invalid_config,
                  fmt::format("export.kafka '{}': this program was built without Kafka; build it "
                              "with librdkafka and -Dkafka=enabled, or take the block out of the "
                              "configuration",
                              config.name));
}

}  // namespace

Result<std::unique_ptr<Output>> open_kafka(const Config::Kafka& config,
                                           const Interfaces& /*interfaces*/, LogLine /*log*/,
                                           const inspect::ApplicationNames* /*names*/) {
    return absent(config);
}

Result<void> check_kafka(const Config::Kafka& config, const Interfaces& /*interfaces*/) {
    return absent(config);
}

}  // namespace tapmeter::exporting
