#include "src/verbs/completion.h"

#include <algorithm>
#include <utility>

namespace tapmeter::verbs {

namespace {

// One verb with the way to it: "/ctl/prefilter".
struct Place {
    std::string path;
    const VerbWord* verb;
};

std::vector<Place> places_of(const VerbWord& program) {
    std::vector<Place> places{{"", &program}};
    for (std::size_t i = 0; i < places.size(); ++i) {  // grows while it is walked
        const Place place = places[i];
        for (const VerbWord& verb : place.verb->verbs) {
            places.push_back({place.path + "/" + verb.name, &verb});
        }
    }
    return places;
}

std::string joined(const std::vector<std::string>& words, std::string_view joint) {
    std::string text;
    for (const std::string& word : words) {
        text += text.empty() ? "" : joint;
        text += word;
    }
    return text;
}

std::vector<std::string> words_of(const VerbWord& verb) {
    std::vector<std::string> words;
    for (const VerbWord& inner : verb.verbs) {
        words.push_back(inner.name);
    }
    words.insert(words.end(), verb.choices.begin(), verb.choices.end());
    for (const OptionWord& option : verb.options) {
        words.insert(words.end(), option.names.begin(), option.names.end());
    }
    return words;
}

// How bash and zsh differ in a script that is otherwise the same.
struct Dialect {
    std::string_view open;     // of a case pattern
    std::string_view offer;    // puts words forward
    std::string_view offered;  // ends that
};

std::string option_cases(const std::vector<Place>& places, const Dialect& shell) {
    std::string text;
    for (const Place& place : places) {
        for (const OptionWord& option : place.verb->options) {
            if (!option.takes_value) {
                continue;
            }
            std::vector<std::string> patterns;
            for (const std::string& name : option.names) {
                patterns.push_back("\"" + place.path + " " + name + "\"");
            }
            text += "        " + std::string(shell.open) + joined(patterns, "|") + ") ";
            if (!option.choices.empty()) {
                text += std::string(shell.offer) + joined(option.choices, " ") +
                        std::string(shell.offered) + "; ";
            }
            text += "return ;;\n";
        }
    }
    return text;
}

std::string verb_cases(const std::vector<Place>& places, const Dialect& shell) {
    std::string text;
    for (const Place& place : places) {
        text += "        " + std::string(shell.open) + "\"" + place.path + "\") " +
                std::string(shell.offer) + joined(words_of(*place.verb), " ") +
                std::string(shell.offered) + " ;;\n";
    }
    return text;
}

std::string path_pattern(const std::vector<Place>& places) {
    std::vector<std::string> paths;
    for (const Place& place : places) {
        if (!place.path.empty()) {
            paths.push_back(place.path);
        }
    }
    return joined(paths, "|");
}

std::string bash_script(const VerbWord& program) {
    const std::vector<Place> places = places_of(program);
    const Dialect bash{"", "COMPREPLY=($(compgen -W \"", "\" -- \"$word\"))"};
    const std::string name = "_" + program.name;
    return "# bash completion for " + program.name + "\n" + name +
           "() {\n"
           "    local word=\"${COMP_WORDS[COMP_CWORD]}\" path=\"\" i\n"
           "    for ((i = 1; i < COMP_CWORD; ++i)); do\n"
           "        case \"$path/${COMP_WORDS[i]}\" in\n"
           "        " +
           path_pattern(places) +
           ") path=\"$path/${COMP_WORDS[i]}\" ;;\n"
           "        esac\n"
           "    done\n"
           "    COMPREPLY=()\n"
           "    case \"$path ${COMP_WORDS[COMP_CWORD-1]}\" in\n" +
           option_cases(places, bash) +
           "    esac\n"
           "    case \"$path\" in\n" +
           verb_cases(places, bash) +
           "    esac\n"
           "}\n"
           "complete -o default -F " +
           name + " " + program.name + "\n";
}

std::string zsh_script(const VerbWord& program) {
    const std::vector<Place> places = places_of(program);
    const Dialect zsh{"(", "compadd -- ", ""};
    const std::string name = "_" + program.name;
    return "#compdef " + program.name + "\n" + name +
           "() {\n"
           "    local at=\"\" i\n"
           "    for ((i = 2; i < CURRENT; ++i)); do\n"
           "        case \"$at/${words[i]}\" in\n"
           "        (" +
           path_pattern(places) +
           ") at=\"$at/${words[i]}\" ;;\n"
           "        esac\n"
           "    done\n"
           "    case \"$at ${words[CURRENT-1]}\" in\n" +
           option_cases(places, zsh) +
           "    esac\n"
           "    case \"$at\" in\n" +
           verb_cases(places, zsh) +
           "    esac\n"
           "    _files\n"
           "}\n"
           "compdef " +
           name + " " + program.name + "\n";
}

std::string fish_text(std::string_view text) {
    std::string quoted = "'";
    for (const char c : text) {
        quoted += c == '\'' || c == '\\' ? std::string{'\\', c} : std::string(1, c);
    }
    return quoted + "'";
}

// "the words so far name this verb and none of the verbs below it"
std::string fish_condition(const Place& place) {
    std::vector<std::string> inner;
    for (const VerbWord& verb : place.verb->verbs) {
        inner.push_back(verb.name);
    }
    if (place.path.empty()) {
        return "__fish_use_subcommand";
    }
    std::string condition;
    for (std::size_t at = 1; at < place.path.size();) {
        const std::size_t end = std::min(place.path.find('/', at), place.path.size());
        condition += condition.empty() ? "" : "; and ";
        condition += "__fish_seen_subcommand_from " + place.path.substr(at, end - at);
        at = end + 1;
    }
    if (!inner.empty()) {
        condition += "; and not __fish_seen_subcommand_from " + joined(inner, " ");
    }
    return condition;
}

std::string fish_option(const OptionWord& option) {
    std::string text;
    for (const std::string& name : option.names) {
        const bool is_long = name.starts_with("--");
        text += (is_long ? " -l " : " -s ") + name.substr(is_long ? 2 : 1);
    }
    text += option.takes_value ? " -r" : "";
    text += option.choices.empty() ? "" : " -f -a " + fish_text(joined(option.choices, " "));
    return text + " -d " + fish_text(option.help);
}

std::string fish_script(const VerbWord& program) {
    std::string text = "# fish completion for " + program.name + "\n";
    for (const Place& place : places_of(program)) {
        const std::string begin =
            "complete -c " + program.name + " -n " + fish_text(fish_condition(place));
        for (const VerbWord& verb : place.verb->verbs) {
            text += begin;
            text += " -f -a " + verb.name + " -d " + fish_text(verb.help) + "\n";
        }
        if (!place.verb->choices.empty()) {
            text += begin;
            text += " -f -a " + fish_text(joined(place.verb->choices, " ")) + "\n";
        }
        for (const OptionWord& option : place.verb->options) {
            text += begin;
            text += fish_option(option) + "\n";
        }
    }
    return text;
}

}  // namespace

std::optional<std::string> completion_script(const VerbWord& program, std::string_view shell) {
    if (shell == "bash") {
        return bash_script(program);
    }
    if (shell == "zsh") {
        return zsh_script(program);
    }
    if (shell == "fish") {
        return fish_script(program);
    }
    return std::nullopt;
}

}  // namespace tapmeter::verbs
