#include "pipeline/inspect/signature_hyperscan.h"

#include <hs/hs.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <utility>

namespace tapmeter::inspect {

namespace {

struct FreeDatabase {
    void operator()(hs_database_t* database) const noexcept { hs_free_database(database); }
};
using DatabaseOwner = std::unique_ptr<hs_database_t, FreeDatabase>;

struct FreeError {
    void operator()(hs_compile_error_t* error) const noexcept { hs_free_compile_error(error); }
};
using ErrorOwner = std::unique_ptr<hs_compile_error_t, FreeError>;

Result<std::string> serialised(const DatabaseOwner& database) {
    char* octets = nullptr;
    std::size_t size = 0;
    if (hs_serialize_database(database.get(), &octets, &size) != HS_SUCCESS) {
        return failed(Error::Kind::no_memory, "Hyperscan cannot serialise a database: no memory");
    }
    std::string copy(octets, size);
    std::free(octets);  // NOLINT(*-no-malloc): the library's contract
    return copy;
}

unsigned flags_of(const rules::Regex& regex) {
    return HS_FLAG_SINGLEMATCH | HS_FLAG_ALLOWEMPTY | HS_FLAG_PREFILTER |
           (regex.caseless ? HS_FLAG_CASELESS : 0U) | (regex.multiline ? HS_FLAG_MULTILINE : 0U) |
           (regex.dot_all ? HS_FLAG_DOTALL : 0U);
}

// A pattern as Hyperscan shall see it. A relative one may begin anywhere: its own anchor means the
// last match.
std::string pattern_of(const rules::Regex& regex) {
    std::string pattern = regex.extended ? "(?x)" + regex.pattern : regex.pattern;
    if (regex.relative && pattern.starts_with('^')) {
        pattern.erase(0, 1);
    }
    return pattern;
}

// "^" inside a relative pattern, or \A and \G: the prefilter would look in the wrong place.
bool can_announce(const rules::Regex& regex) {
    const std::string pattern = pattern_of(regex);
    const auto has = [&pattern](std::string_view text) {
        return pattern.find(text) != std::string::npos;
    };
    return !regex.relative || (!has("(^") && !has("|^") && !has("\\A") && !has("\\G"));
}

}  // namespace

Result<std::string> compile_literals(const SlotPlan& plan) {
    if (plan.literals.empty()) {
        return std::string{};
    }
    std::vector<const char*> texts;
    std::vector<std::size_t> sizes;
    std::vector<unsigned> flags;
    std::vector<unsigned> ids;
    for (const SlotPlan::Literal& literal : plan.literals) {
        texts.push_back(literal.octets.data());
        sizes.push_back(literal.octets.size());
        flags.push_back(HS_FLAG_SINGLEMATCH | (literal.nocase ? HS_FLAG_CASELESS : 0U));
        ids.push_back(static_cast<unsigned>(ids.size()));
    }
    hs_database_t* made = nullptr;
    hs_compile_error_t* error = nullptr;
    const hs_error_t code = hs_compile_lit_multi(texts.data(), flags.data(), ids.data(),
                                                 sizes.data(), static_cast<unsigned>(ids.size()),
                                                 HS_MODE_BLOCK, nullptr, &made, &error);
    const DatabaseOwner database{made};
    const ErrorOwner why{error};
    if (code != HS_SUCCESS) {
        return failed(Error::Kind::invalid_config,
                      std::string("Hyperscan cannot compile the contents of the rules: ") +
                          (why ? why->message : "unknown") + "; load fewer rules");
    }
    return serialised(database);
}

Result<CompiledExpressions> compile_expressions(const SlotPlan& plan) {
    CompiledExpressions out;
    std::vector<std::uint32_t> left;
    for (std::uint32_t i = 0; i < plan.expressions.size(); ++i) {
        (can_announce(plan.expressions[i].regex) ? left : out.refused).push_back(i);
    }
    // Each round leaves out one that cannot be taken.
    while (!left.empty()) {
        std::vector<std::string> patterns;
        std::vector<const char*> texts;
        std::vector<unsigned> flags;
        std::vector<unsigned> ids;
        for (const std::uint32_t i : left) {
            patterns.push_back(pattern_of(plan.expressions[i].regex));
            flags.push_back(flags_of(plan.expressions[i].regex));
            ids.push_back(i);
        }
        std::ranges::transform(patterns, std::back_inserter(texts), &std::string::c_str);
        hs_database_t* made = nullptr;
        hs_compile_error_t* error = nullptr;
        const hs_error_t code = hs_compile_multi(texts.data(), flags.data(), ids.data(),
                                                 static_cast<unsigned>(ids.size()), HS_MODE_BLOCK,
                                                 nullptr, &made, &error);
        const DatabaseOwner database{made};
        const ErrorOwner why{error};
        if (code == HS_SUCCESS) {
            auto octets = serialised(database);
            if (!octets) {
                return tl::unexpected<Error>(octets.error());
            }
            out.octets = std::move(*octets);
            return out;
        }
        if (!why || why->expression < 0) {
            return failed(Error::Kind::invalid_config,
                          std::string("Hyperscan cannot compile the expressions of the rules: ") +
                              (why ? why->message : "no memory") + "; load fewer rules");
        }
        const auto at = static_cast<std::size_t>(why->expression);
        out.refused.push_back(left.at(at));
        left.erase(left.begin() + static_cast<std::ptrdiff_t>(at));
    }
    return out;
}

std::string compiler_identity() {
    hs_platform_info platform{};
    hs_populate_platform(&platform);
    return std::string(hs_version()) + " tune " + std::to_string(platform.tune) + " cpu " +
           std::to_string(platform.cpu_features);
}

}  // namespace tapmeter::inspect
