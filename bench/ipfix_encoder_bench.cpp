// How many Flow Records a second does the exporter core turn into IPFIX Messages, on one core? The
// records are read from memory, more of them than L2 holds, as they would come from the rings;
// messages of 1,420 octets are finished and thrown away. Argument: records in the working set.
// Beside our own encoders, libfixbuf 2.4 in the same run: the same thirty elements of the same
// records, given to it as the structure that its internal template describes.
#include <benchmark/benchmark.h>

#include <algorithm>

#include "bench/fixbuf_encoder.h"
#include "bench/thirty_fields.h"
#include "src/exporting/message.h"
#include "src/exporting/template_set.h"
#include "tests/support/flow_records.h"

namespace tapmeter::exporting {
namespace {

void encode_by(benchmark::State& state, const TemplateChoice& choice,
               const std::vector<FlowRecord>& records) {
    const TemplateSet& templates = *TemplateSet::of(choice).value();
    MessageBuilder builder(ObservationDomainId{1}, 1'420, 0);
    std::int64_t octets = 0;
    for ([[maybe_unused]] auto _ : state) {
        for (const FlowRecord& record : records) {
            const Template& made_for = templates.for_record(record);
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

// What is sent unless a template is given: 25 fields, by straight stores.
template <TimeUnit unit>
void encode(benchmark::State& state) {
    encode_by(state, {.time_unit = unit, .fields = {}},
              test_support::mixed_records(static_cast<std::size_t>(state.range(0))));
}

std::vector<std::string> thirty_fields() {
    return {bench::thirty_fields.begin(), bench::thirty_fields.end()};
}

std::vector<FlowRecord> ipv4_records(benchmark::State& state) {
    std::vector<FlowRecord> records(static_cast<std::size_t>(state.range(0)),
                                    test_support::tcp_record());
    for (std::size_t index = 0; index < records.size(); ++index) {
        records[index].flow_id = index;
    }
    return records;
}

void encode_thirty_chosen(benchmark::State& state) {
    encode_by(state, {.fields = thirty_fields()}, ipv4_records(state));
}

void encode_thirty_by_libfixbuf(benchmark::State& state) {
    const auto records = ipv4_records(state);
    bench::FixbufEncoder encoder;
    for ([[maybe_unused]] auto _ : state) {
        for (const FlowRecord& record : records) {
            encoder.add(record);
        }
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}

// The default Templates where all records have the same one, as those chosen above.
void encode_default_ipv4(benchmark::State& state) {
    encode_by(state, {.fields = {}}, ipv4_records(state));
}

// Four Collectors, batch by batch as the exporter core gives them: does it cost more that each has
// a Template of its own than that all have the same?
void encode_for_four(benchmark::State& state, bool own_templates) {
    constexpr std::size_t collectors = 4;
    constexpr std::size_t batch = 256;
    const auto records = ipv4_records(state);
    std::vector<const TemplateSet*> templates;
    std::vector<MessageBuilder> builders;
    for (std::size_t collector = 0; collector < collectors; ++collector) {
        std::vector<std::string> fields = thirty_fields();
        if (own_templates) {
            std::ranges::rotate(fields,
                                fields.begin() + static_cast<std::ptrdiff_t>(collector * 7));
        }
        templates.push_back(TemplateSet::of({.fields = std::move(fields)}).value());
        builders.emplace_back(ObservationDomainId{1}, 1'420, 0);
    }
    const auto take = [&](std::size_t collector, const FlowRecord& record) {
        const Template& made_for = templates[collector]->for_record(record);
        if (!builders[collector].add(made_for, record)) {
            benchmark::DoNotOptimize(builders[collector].finish(0).data());
            benchmark::DoNotOptimize(builders[collector].add(made_for, record));
        }
    };
    for ([[maybe_unused]] auto _ : state) {
        for (std::size_t from = 0; from < records.size(); from += batch) {
            for (std::size_t collector = 0; collector < collectors; ++collector) {
                for (std::size_t i = from; i < std::min(from + batch, records.size()); ++i) {
                    take(collector, records[i]);
                }
            }
        }
    }
    state.SetItemsProcessed(state.iterations() * state.range(0) *
                            static_cast<std::int64_t>(collectors));
}

void encode_four_templates(benchmark::State& state) {
    encode_for_four(state, true);
}
void encode_one_template_four_times(benchmark::State& state) {
    encode_for_four(state, false);
}

BENCHMARK(encode_four_templates)->Arg(1 << 12)->Arg(1 << 16);
BENCHMARK(encode_one_template_four_times)->Arg(1 << 12)->Arg(1 << 16);
BENCHMARK(encode_default_ipv4)->Arg(1 << 8)->Arg(1 << 12)->Arg(1 << 16);
BENCHMARK(encode_thirty_chosen)->Arg(1 << 8)->Arg(1 << 12)->Arg(1 << 16);
BENCHMARK(encode_thirty_by_libfixbuf)->Arg(1 << 8)->Arg(1 << 12)->Arg(1 << 16);
BENCHMARK(encode<TimeUnit::milliseconds>)->Arg(1 << 8)->Arg(1 << 12)->Arg(1 << 18);
BENCHMARK(encode<TimeUnit::nanoseconds>)->Arg(1 << 12);

}  // namespace
}  // namespace tapmeter::exporting

BENCHMARK_MAIN();
