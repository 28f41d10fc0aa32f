#pragma once

#include <string>

#include "pipeline/base/published.h"
#include "src/exporting/alert_event.h"
#include "src/exporting/eve.h"
#include "src/exporting/interfaces.h"
#include "src/exporting/output.h"
#include "src/verbs/table.h"

namespace tapmeter::verbs {

// Every flow record on standard output: aligned text, EVE JSON lines, or CSV with the EVE names.
// For reading files: it waits for a slow reader, and so do the rings and the file behind it.
class FlowLines final : public exporting::Output {
public:
    // names  what applications are called; outlives the output
    FlowLines(OutputFormat format, const exporting::Interfaces& interfaces,
              const inspect::ApplicationNames* names = nullptr);

    std::string_view name() const noexcept override { return "stdout"; }
    void take(const RecordBatch& batch) override;
    // As EVE lines; the other formats are tables of flow records and have no row for them.
    void take_alerts(std::span<const inspect::Alert> alerts,
                     const exporting::AlertEvents& words) override;
    void tick(std::chrono::steady_clock::time_point) override;
    void flush(std::chrono::steady_clock::time_point) override;
    exporting::OutputCounters counters() const override;

private:
    struct Totals {
        exporting::RecordTotals taken;
        exporting::RecordTotals failed;  // standard output refused them: its reader has gone
    };

    void append(const flow::FlowRecord& record, const RecordRing::Parts& beside);
    std::string application_of(const flow::FlowRecord& record) const;
    void write_out();

    OutputFormat format_;
    exporting::Interfaces interfaces_;
    exporting::JsonLines json_;
    const inspect::ApplicationNames* names_;
    std::string lines_;
    exporting::RecordTotals waiting_{};  // in `lines_`
    Totals totals_{};
    Published<Totals> published_;
};

}  // namespace tapmeter::verbs
