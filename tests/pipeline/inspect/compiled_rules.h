#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "pipeline/inspect/rules/rule_files.h"
#include "pipeline/inspect/signature_set.h"

namespace tapmeter::inspect {

inline Bytes octets_of(std::string_view text) {
    return std::as_bytes(std::span{text});
}

// Rules of which each must be one that is understood.
inline std::unique_ptr<const SignatureSet> compile(const std::string& text,
                                                   std::uint32_t generation = 1) {
    rules::RuleSet rules;
    const auto variables = rules::with_defaults({});
    rules::parse_rules(text, "test.rules", variables, rules);
    for (const rules::LeftOut& left_out : rules.left_out) {
        ADD_FAILURE() << text_of(left_out);
    }
    rules::settle(rules);
    auto set = SignatureSet::build(std::move(rules), {.generation = generation});
    EXPECT_TRUE(set) << (set ? "" : set.error().message);
    return set ? std::move(*set) : nullptr;
}

}  // namespace tapmeter::inspect
