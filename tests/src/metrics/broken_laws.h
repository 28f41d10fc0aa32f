#pragma once

#include <set>
#include <string>

#include "src/metrics/snapshot.h"

namespace tapmeter::metrics {

// The names of the laws that do not hold.
inline std::set<std::string> broken(const Snapshot& snapshot) {
    std::set<std::string> names;
    for (const Law& law : laws(snapshot)) {
        if (law.imbalance != 0) {
            names.insert(law.name);
        }
    }
    return names;
}

}  // namespace tapmeter::metrics
