#include "parse.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <exception>
#include <gsl/assert>
#include <utility>
#include <vector>

#include "command_line/option_words.h"
#include "commands/commands.h"
#include "text/suggestions.h"

/// Declares all commands. CLI11's exceptions end here.
namespace cairn::cli {
namespace {

constexpr std::string_view kProgramFooter =
    "The passphrase comes from --password-file, --key-file, or else from the first of "
    "CAIRN_PASSWORD,\n"
    "CAIRN_PASSWORD_FILE, CAIRN_PASSWORD_COMMAND and CAIRN_KEY_FILE that is set, or from the "
    "terminal.\n"
    "CAIRN_REPOSITORY stands in for --repo. The catalogues lie in CAIRN_CACHE_DIR, else in\n"
    "$XDG_CACHE_HOME/cairn, else in ~/.cache/cairn; they can be deleted at any time.\n"
    "\n"
    "SIZE is a number of bytes, or one with K, M, G, T (powers of 1024; 5GB is 5 * 1000^3). TIME "
    "is\n"
    "90s, 30min, 2h, 1d or 1w; in policies 1y6mo2w3d12h, where m means months, too.\n"
    "\n"
    "Exit status:\n"
    "  0    done\n"
    "  1    failed\n"
    "  2    mistake on the command line\n"
    "  3    done, but some sources could not be read as a whole (the snapshot exists)\n"
    "  4    verify found damage\n"
    "  10   no repository there\n"
    "  11   the repository is busy\n"
    "  12   wrong passphrase or key\n"
    "  130  interrupted\n"
    "\n"
    "Example:\n"
    "  export CAIRN_REPOSITORY=/mnt/backup\n"
    "  cairn init\n"
    "  cairn backup /home\n"
    "  cairn restore latest:/home/ada --target /tmp/ada\n";

// It explains this parser, so it is not an ordinary command.
constexpr CommandSpec kHelp = {
    .name = "help",
    .summary = "Explain a command",
    .details = "",
    .examples = "  cairn help restore\n",
};

// --- Declaring ----------------------------------------------------------------------------------

struct Declared {
  const CommandSpec* spec;
  CLI::App* app;
  std::unique_ptr<Command> command;  ///< none: only a name for its subcommands
};

/// The program, not parsed yet or with one command line parsed.
struct Program {
  Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program() = default;

  Declared& find(const CLI::App& of);

  GlobalArguments global;
  std::vector<std::string> help_topic;
  std::vector<Declared> commands;
  CLI::App app;
};

/// On this command and all below it, after their own options, which help shows first.
void add_global_everywhere(CLI::App& app, GlobalArguments& global) {
  add_global(app, global);
  for (CLI::App* const command : app.get_subcommands([](CLI::App*) { return true; })) {
    add_global_everywhere(*command, global);
  }
}

/// Details and examples as they stand below the options.
std::string help_footer(const CommandSpec& spec) {
  const bool several = std::count(spec.examples.begin(), spec.examples.end(), '\n') > 1;
  return fmt::format("{}{}{}:\n{}", spec.details, spec.details.empty() ? "" : "\n",
                     several ? "Examples" : "Example", spec.examples);
}

CLI::App& add_command(CLI::App& program, const CommandSpec& spec) {
  CLI::App* parent = &program;
  std::string_view name = spec.name;
  for (std::size_t blank = name.find(' '); blank != std::string_view::npos;
       blank = name.find(' ')) {
    parent = parent->get_subcommand(std::string(name.substr(0, blank)));
    name.remove_prefix(blank + 1);
  }
  CLI::App& command = *parent->add_subcommand(std::string(name), std::string(spec.summary));
  command.footer(help_footer(spec));
  command.group("Commands");
  return command;
}

Program::Program() {
  app.name("cairn");
  app.description("Content-addressed, deduplicating, encrypted snapshots");
  app.get_formatter()->column_width(34);
  app.get_formatter()->label("SUBCOMMAND", "COMMAND");
  app.require_subcommand(1);
  app.footer(std::string(kProgramFooter));
  app.set_version_flag("--version", "", "Print the version");
  for (const CommandSpec* const spec : kCommands) {
    CLI::App& command = add_command(app, *spec);
    commands.push_back({spec, &command, spec->make == nullptr ? nullptr : spec->make()});
    if (commands.back().command) {
      commands.back().command->declare(command);
    } else {
      command.require_subcommand(1);
    }
  }
  add_words(add_command(app, kHelp), "COMMAND", help_topic, "What to explain");
  add_global_everywhere(app, global);
}

Declared& Program::find(const CLI::App& of) {
  const auto found = std::ranges::find(commands, &of, &Declared::app);
  Expects(found != commands.end());
  return *found;
}

// --- Help and mistakes --------------------------------------------------------------------------

/// The innermost command on the command line.
const CLI::App& reached(const CLI::App& app) {
  const CLI::App* at = &app;
  while (!at->get_subcommands().empty()) {
    at = at->get_subcommands().front();
  }
  return *at;
}

/// Its name: "cairn key add".
std::string reached_name(const CLI::App& app) {
  std::string name = "cairn";
  const CLI::App* at = &app;
  while (!at->get_subcommands().empty()) {
    at = at->get_subcommands().front();
    name += " " + at->get_name();
  }
  return name;
}

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

UsageError no_command(const CLI::App& at, const std::string& above, const std::string& word) {
  std::vector<std::string> names;
  for (const CLI::App* const command : commands_of(at)) {
    names.push_back(command->get_name());
  }
  std::string hint = did_you_mean(near_words(word, names));
  if (const std::string_view here = command_of_others(word);
      at.get_parent() == nullptr && !here.empty()) {
    hint = fmt::format("here that is {}", here);
  }
  return UsageError{
      fmt::format("there is no command \"{}\"", above.empty() ? word : above + " " + word),
      fmt::format("{}{}see cairn{}{} --help", hint, hint.empty() ? "" : "; ",
                  above.empty() ? "" : " ", above)};
}

ParsedArguments help_on(const std::vector<std::string>& topic) {
  if (topic.size() == 1 && (topic[0] == "exit-codes" || topic[0] == "environment")) {
    return HelpText{std::string(kProgramFooter)};
  }
  // A parsed application would explain the command that it found, so use one that has parsed
  // nothing.
  const Program untouched;
  const CLI::App* at = &untouched.app;
  std::string above;
  for (auto word = topic.begin(); word != topic.end(); ++word) {
    const std::vector<const CLI::App*> found = at->get_subcommands(
        [&word](const CLI::App* command) { return command->get_name() == *word; });
    if (found.empty()) {
      return no_command(*at, fmt::format("{}", fmt::join(topic.begin(), word, " ")), *word);
    }
    above += (above.empty() ? "" : " ") + at->get_name();
    at = found.front();
  }
  return HelpText{at->help(above)};
}

/// Words that no command or option took, in the order in which they were typed.
UsageError not_expected(const CLI::App& app, const std::vector<std::string>& words) {
  std::vector<std::string> names;
  for (const CLI::Option* const option : reached(app).get_options()) {
    for (const std::string& name : option->get_lnames()) {
      names.push_back("--" + name);
    }
  }
  std::string hint;
  for (const std::string& word : words) {
    const std::string name = word.substr(0, word.find('='));
    if (hint.empty() && name.starts_with('-')) {
      const std::string_view here = option_of_others(name);
      hint = here.empty() ? did_you_mean(near_words(name, names))
                          : fmt::format("here that is {}", here);
    }
  }
  return UsageError{
      fmt::format("the following argument{} not expected: {}",
                  words.size() == 1 ? " was" : "s were", fmt::join(words, " ")),
      fmt::format("{}{}see {} --help", hint, hint.empty() ? "" : "; ", reached_name(app))};
}

/// An unknown command below the one that was reached; nullopt if there is none.
std::optional<UsageError> unknown_command(const CLI::App& app) {
  const CLI::App& at = reached(app);
  if (commands_of(at).empty()) {
    return std::nullopt;
  }
  for (const std::string& word : app.remaining(true)) {
    if (!word.starts_with('-')) {
      const std::string name = reached_name(app);
      return no_command(at, name == "cairn" ? "" : name.substr(name.find(' ') + 1),
                        without_shields(word));
    }
  }
  return std::nullopt;
}

ParsedArguments mistake(const CLI::App& app, const CLI::Error& error) {
  if (auto unknown = unknown_command(app)) {
    return *unknown;
  }
  std::vector<std::string> words;
  for (const std::string& word : app.remaining(true)) {
    words.push_back(without_shields(word));
  }
  const auto is_option = [](const std::string& word) { return word.starts_with('-'); };
  if (!words.empty() && (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr ||
                         std::ranges::any_of(words, is_option))) {
    return not_expected(app, words);
  }
  std::string text = without_shields(error.what());
  // A word in capitals is a placeholder: "SNAP is required".
  const auto is_capital = [&text](std::size_t i) { return text[i] >= 'A' && text[i] <= 'Z'; };
  if (text.size() > 1 && is_capital(0) && !is_capital(1)) {
    text[0] = static_cast<char>(text[0] - 'A' + 'a');
  }
  return UsageError{std::move(text), fmt::format("see {} --help", reached_name(app))};
}

// --- From words to values -----------------------------------------------------------------------

/// Checks the command that was reached, after those above it.
std::optional<UsageError> check_all(Program& program, const CLI::App& at) {
  const auto below = at.get_subcommands();
  const CommandLine line{.global = program.global,
                         .below = below.empty() ? std::string_view() : below.front()->get_name()};
  if (Command* const command = program.find(at).command.get()) {
    if (auto error = command->check(line)) {
      return error;
    }
  }
  return below.empty() ? std::nullopt : check_all(program, *below.front());
}

ParsedArguments parse(std::span<const std::string> args) {
  Program program;
  CLI::App& app = program.app;
  std::vector<std::string> words;
  bool only_values = false;
  for (const std::string& arg : args) {
    if (!only_values && arg == "--") {
      only_values = true;
    } else {
      words.push_back(only_values ? hide(arg) : shield(arg));
    }
  }
  std::ranges::reverse(words);  // CLI11 takes them from the end
  try {
    app.parse(std::move(words));
  } catch (const CLI::CallForVersion&) {
    return Invocation{program.global, &kVersionCommand, kVersionCommand.make()};
  } catch (const CLI::CallForHelp&) {
    if (auto unknown = unknown_command(app)) {
      return *unknown;
    }
    return HelpText{app.help()};
  } catch (const CLI::Error& error) {
    return mistake(app, error);
  }
  if (app.get_subcommands().front()->get_name() == kHelp.name) {
    return help_on(program.help_topic);
  }
  if (!program.global.password_file.empty() && !program.global.key_file.empty()) {
    return UsageError{"give only one of --password-file and --key-file", {}};
  }
  if (auto error = check_all(program, *app.get_subcommands().front())) {
    return UsageError{std::move(error->message), fmt::format("see {} --help", reached_name(app))};
  }
  Declared& declared = program.find(reached(app));
  return Invocation{std::move(program.global), declared.spec, std::move(declared.command)};
}

}  // namespace

ParsedArguments parse_arguments(std::span<const std::string> args) {
  try {
    return parse(args);
  } catch (const std::exception& error) {
    return UsageError{fmt::format("the command line cannot be read: {}", error.what()),
                      "see cairn --help"};
  }
}

}  // namespace cairn::cli
