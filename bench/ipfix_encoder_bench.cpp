// How many Flow Records a second does the exporter core turn into IPFIX Messages, on one core? The
// records are read from memory, more of them than L2 holds, as they would come from the rings;
// messages of 1,420 octets are finished and thrown away. Argument: records in the working set.
#include <benchmark/benchmark.h>

#include "src/exporting/message.h"
#include "tests/support/flow_records.h"

namespace tapmeter::exporting {
namespace {

template <TimeUnit unit>
void encode(benchmark::State& state) {
    const auto records = test_support::mixed_records(static_cast<std::size_t>(state.range(0)));
    const Templates& templates = biflow_templates(unit, false);
    MessageBuilder builder(ObservationDomainId{1}, 1'420, 0);
    std::int64_t octets = 0;
    for ([[maybe_unused]] auto _ : state) {
        for (const FlowRecord& record : records) {
            const Template& made_for = templates[kind_of(record)];
            if (!builder.add(made_for, record)) {
                const Bytes message = builder.finish(0);
                octets += static_cast<std::int64_t>(message.size());
                benchmark::DoNotOptimize(message.data());
                benchmark::DoNotOptimize(builder.add(made_for, record));
            }
        }
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
    state.SetBytesProcessed(octets);
}

BENCHMARK(encode<TimeUnit::milliseconds>)->Arg(1 << 8)->Arg(1 << 12)->Arg(1 << 18);
BENCHMARK(encode<TimeUnit::nanoseconds>)->Arg(1 << 12);

}  // namespace
}  // namespace tapmeter::exporting

BENCHMARK_MAIN();
