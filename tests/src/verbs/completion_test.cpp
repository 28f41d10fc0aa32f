#include "src/verbs/completion.h"

#include <gtest/gtest.h>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>

namespace tapmeter::verbs {
namespace {

VerbWord example() {
    const OptionWord output{{"-o", "--output"}, {"text", "json"}, true, "how"};
    const OptionWord quiet{{"-q"}, {}, false, "it's quiet"};
    const VerbWord show{"show", "print", {output}, {}, {}};
    const VerbWord filter{"filter", "what is left out", {}, {}, {show}};
    const VerbWord run{"run", "go", {output, quiet}, {"fast", "slow"}, {}};
    return {"prog", "a program", {}, {}, {run, filter}};
}

// What bash offers behind these words; nothing when there is no bash.
std::string offered_by_bash(const std::string& words) {
    const std::string script = "bash -c '" + completion_script(example(), "bash").value() +
                               "COMP_WORDS=(" + words +
                               "); COMP_CWORD=$((${#COMP_WORDS[@]}-1)); _prog; "
                               "echo -n \"${COMPREPLY[*]}\"'";
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(script.c_str(), "r"), ::pclose);
    std::array<char, 256> line{};
    return pipe && std::fgets(line.data(), line.size(), pipe.get()) != nullptr ? line.data() : "";
}

TEST(Completion, in_bash_follows_the_words) {
    if (std::system("bash -c true") != 0) {
        GTEST_SKIP() << "needs bash";
    }
    EXPECT_EQ(offered_by_bash("prog \"\""), "run filter");
    EXPECT_EQ(offered_by_bash("prog ru"), "run");
    EXPECT_EQ(offered_by_bash("prog filter \"\""), "show");
    EXPECT_EQ(offered_by_bash("prog filter show -"), "-o --output");
    EXPECT_EQ(offered_by_bash("prog run --output \"\""), "text json");
    EXPECT_EQ(offered_by_bash("prog run -q f"), "fast");
}

TEST(Completion, in_fish_and_zsh_names_verbs_and_options) {
    const std::string fish = completion_script(example(), "fish").value();
    EXPECT_NE(fish.find("complete -c prog -n '__fish_use_subcommand' -f -a run -d 'go'\n"),
              std::string::npos);
    EXPECT_NE(fish.find("__fish_seen_subcommand_from filter; and __fish_seen_subcommand_from show' "
                        "-s o -l output -r -f -a 'text json' -d 'how'\n"),
              std::string::npos);
    EXPECT_NE(fish.find("-d 'it\\'s quiet'"), std::string::npos);
    const std::string zsh = completion_script(example(), "zsh").value();
    EXPECT_NE(zsh.find("(\"/run -o\"|\"/run --output\") compadd -- text json; return ;;"),
              std::string::npos)
        << zsh;
    EXPECT_EQ(completion_script(example(), "csh"), std::nullopt);
}

}  // namespace
}  // namespace tapmeter::verbs
