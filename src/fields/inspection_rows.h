#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "pipeline/flow/signature_hits.h"
#include "src/fields/derived.h"
#include "src/fields/field.h"

namespace tapmeter::fields {

// What inspection found: the application of a flow, and the signatures that it hit.
namespace inspection {

using flow::SignatureHits;

consteval Field row(std::string_view name, InformationElement element, Place place,
                    std::string_view eve, std::string_view help) {
    return {name, element, false, Presence::all, Group::application, place, eve, "", "", "", help};
}
consteval Field hits(std::string_view name, std::size_t offset, std::string_view eve,
                     std::string_view help) {
    return row(name, element(name), {Source::signatures, offset, 4, false, 0}, eve, help);
}

// Of any length in the registry; those of one engine all have one.
consteval InformationElement application_id_element() {
    InformationElement of_registry = element("applicationId");
    of_registry.octets = application_id_octets;
    return of_registry;
}

inline constexpr std::array rows{
    row("applicationId", application_id_element(),
        {Source::derived, offsetof(DerivedValues, application_id), application_id_octets, true,
         needs::application},
        "ndpi.proto_id",
        "20, ntop's enterprise number, nDPI's number of the protocol (RFC 6759); number 0: "
        "unknown"),
    row("applicationName", element("applicationName"), {Source::application_name, 0, 0, false, 0},
        "ndpi.proto", "nDPI's name of that protocol; variable length"),
    hits("signatureMatchTotalCount", offsetof(SignatureHits, matches),
         "tapmeter.signatures.matches",
         "how often signatures have matched in the flow by now; 0: never"),
    hits("signatureId", offsetof(SignatureHits, sids), "tapmeter.signatures.sids[0]",
         "the first signature that matched; 0: none"),
    row("signatureIds", element("basicList"), {Source::signature_ids, 0, 0, false, 0},
        "tapmeter.signatures.sids",
        "the first eight different ones in order: a basicList (RFC 6313) of signatureId"),
};

}  // namespace inspection

}  // namespace tapmeter::fields
