#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/inspect/application_names.h"
#include "pipeline/record_ring.h"
#include "src/exporting/interfaces.h"
#include "src/fields/plan.h"
#include "src/fields/selection.h"

namespace tapmeter::exporting {

// One column of the table of flow records in ClickHouse.
struct ClickHouseColumn {
    std::string_view name;
    std::string_view type;  // of current servers
    std::string_view help;
};

// All of them, in the order in which a row has them: those of src/fields/table.h, each name once,
// those that come of no field behind them, and texts at the end.
const std::vector<ClickHouseColumn>& clickhouse_columns();

// Whether what RowBinary writes for a column of type `ours` is what a server reads for one of type
// `theirs`, with the same meaning: DateTime64(9) and Int64 are the same nanoseconds, IPv6 and
// FixedString(16) the same address. DateTime64(3) and Nullable(UInt8) are not.
bool is_readable_as(std::string_view ours, std::string_view theirs);

// Flow Records as rows of ClickHouse's format RowBinary: values one behind the other,
// little-endian, texts with their length in LEB128 before them. Which octets of a record go where
// is compiled once, for each kind of flow, of the field table. Exporter core.
class ClickHouseRows {
public:
    // names  what applications are called; outlives the rows. Null: `app` is empty
    explicit ClickHouseRows(const Interfaces& interfaces,
                            const inspect::ApplicationNames* names = nullptr);

    // Room that write() needs: the longest row and a little more.
    std::size_t row_octets_max() const noexcept { return row_octets_max_; }

    // Writes one row; returns its length.
    // insert_id  tells the rows of one block from those of all others
    std::size_t write(std::byte* to, const flow::FlowRecord& record,
                      const RecordRing::Parts& beside, std::uint64_t insert_id) const noexcept;

private:
    // Octets in one piece in their source and in the row.
    struct Copy {
        std::uint8_t base = 0;    // index into the bases that write() makes
        std::uint8_t octets = 0;  // to 16
        std::uint16_t offset = 0;
        bool exact = false;  // sixteen octets from there would be beyond the source's end
    };
    struct Point {
        std::vector<std::byte> name;  // with its length
        std::uint32_t observation_domain_id = 0;
    };
    using Plan = std::vector<Copy>;

    Plan plan_for(const fields::FlowKind& kind);

    std::array<Plan, fields::flow_kinds> plans_;
    unsigned need_ = 0;  // of the derived values, for all kinds
    std::vector<Point> points_;
    const inspect::ApplicationNames* names_;
    std::size_t row_octets_max_ = 0;
};

}  // namespace tapmeter::exporting
