#include "src/verbs/ctl_arguments.h"

#include <CLI/CLI.hpp>
#include <string>

namespace tapmeter::verbs {

namespace {

using Action = CtlCommand::Action;

// Adds actions to the verb.
struct Maker {
    Draft& draft;
    const std::function<void(CLI::App&)>& add_common;

    CLI::App& add(CLI::App& parent, const std::string& name_and_help, Action action) const;
};

CLI::App& Maker::add(CLI::App& parent, const std::string& name_and_help, Action action) const {
    const std::size_t bar = name_and_help.find('|');
    CLI::App& verb =
        *parent.add_subcommand(name_and_help.substr(0, bar), name_and_help.substr(bar + 1));
    Draft& into = draft;
    verb.final_callback([&into, action] { into.ctl.action = action; });
    verb.add_option("--socket", draft.socket, "control socket of the instance")->type_name("PATH");
    verb.add_option_function<std::string>(
            "--url", [&into](const std::string& url) { into.ctl.url = url; },
            "HTTP address of the instance, instead of the socket")
        ->type_name("URL")
        ->excludes("--socket");
    add_common(verb);
    verb.footer("Example:\n  tapmeter ctl " +
                (parent.get_name() == "ctl" ? "" : parent.get_name() + " ") + verb.get_name());
    return verb;
}

void add_prefilter(CLI::App& ctl, const Maker& maker) {
    Draft& draft = maker.draft;
    CLI::App& verb = *ctl.add_subcommand("prefilter", "what the XDP program leaves out");
    verb.set_help_flag("-h,--help", "this help");
    verb.require_subcommand(1);
    verb.footer("Example:\n  tapmeter ctl prefilter add 10.1.0.0/16");
    maker.add(verb, "show|print the prefilter", Action::prefilter_show);
    const auto add_prefixes = [&draft](CLI::App& action) {
        action.add_option("PREFIX", draft.ctl.prefixes, "such as 10.1.0.0/16 or 2001:db8::/32")
            ->type_name("")
            ->required();
        action.footer("Example:\n  tapmeter ctl prefilter " + action.get_name() + " 10.1.0.0/16");
    };
    const auto add_ports = [&draft](CLI::App& action) {
        action.add_option("PORT", draft.ctl.ports, "TCP and UDP port, 1 to 65535")
            ->type_name("")
            ->check(CLI::Range(1, 65'535))
            ->required();
        action.footer("Example:\n  tapmeter ctl prefilter " + action.get_name() + " 443");
    };
    add_prefixes(maker.add(verb, "add|leave these prefixes out", Action::prefilter_add));
    add_prefixes(maker.add(verb, "remove|take these prefixes in again", Action::prefilter_remove));
    add_ports(maker.add(verb, "deny|leave these ports out", Action::prefilter_deny));
    add_ports(maker.add(verb, "allow|take these ports in again", Action::prefilter_allow));
    CLI::App& sample = maker.add(verb, "sample|keep 1 in N packets", Action::prefilter_sample);
    sample.add_option("N", draft.ctl.sample, "1: every packet; to 1000000")
        ->type_name("")
        ->check(CLI::Range(1, 1'000'000))
        ->required();
    sample.footer("Example:\n  tapmeter ctl prefilter sample 10");
}

void add_recall(CLI::App& ctl, const Maker& maker) {
    Draft& draft = maker.draft;
    CLI::App& verb = *ctl.add_subcommand("recall", "packets out of memory, into a file");
    verb.set_help_flag("-h,--help", "this help");
    verb.require_subcommand(1);
    verb.footer("Example:\n  tapmeter ctl recall host 192.0.2.7");
    maker.add(verb, "show|print what is kept, and what was written", Action::recall_show);
    CLI::App& host = maker.add(verb, "host|all that a host sends and gets", Action::recall_host);
    host.add_option("ADDRESS", draft.ctl.recall.source, "such as 192.0.2.7 or 2001:db8::7")
        ->type_name("")
        ->required();
    host.footer("Example:\n  tapmeter ctl recall host 192.0.2.7");
    CLI::App& filter =
        maker.add(verb, "filter|all that an expression accepts", Action::recall_filter);
    filter.add_option("EXPRESSION", draft.ctl.recall.words, "as tcpdump's")
        ->type_name("")
        ->required();
    filter.footer("Example:\n  tapmeter ctl recall filter 'udp port 53 and net 192.0.2.0/24'");
    CLI::App& flow = maker.add(verb, "flow|both directions of a flow", Action::recall_flow);
    flow.add_option("PROTOCOL", draft.ctl.recall.protocol, "tcp, udp, icmp, icmpv6 or a number")
        ->type_name("")
        ->required();
    flow.add_option("SOURCE", draft.ctl.recall.source, "address of one end")
        ->type_name("")
        ->required();
    flow.add_option("SOURCE_PORT", draft.ctl.recall.source_port, "its port; 0: there are none")
        ->type_name("")
        ->required();
    flow.add_option("DESTINATION", draft.ctl.recall.destination, "address of the other end")
        ->type_name("")
        ->required();
    flow.add_option("DESTINATION_PORT", draft.ctl.recall.destination_port, "its port")
        ->type_name("")
        ->required();
    flow.footer("Example:\n  tapmeter ctl recall flow tcp 192.0.2.7 40000 198.51.100.1 443");
}

}  // namespace

void add_ctl(CLI::App& program, Draft& draft, const std::function<void(CLI::App&)>& add_common) {
    const Maker maker{draft, add_common};
    CLI::App& ctl = *program.add_subcommand("ctl", "ask or tell a running instance");
    ctl.set_help_flag("-h,--help", "this help");
    ctl.require_subcommand(1);
    ctl.footer("Example:\n  tapmeter ctl books");
    maker.add(ctl, "status|is it running, and how", Action::status);
    maker.add(ctl, "books|where every packet went", Action::books);
    maker.add(ctl, "stats|all counters", Action::stats);
    maker.add(ctl, "reload|read the configuration again", Action::reload);
    maker.add(ctl, "stop|end it in good order", Action::stop);
    add_prefilter(ctl, maker);
    add_recall(ctl, maker);
}

}  // namespace tapmeter::verbs
