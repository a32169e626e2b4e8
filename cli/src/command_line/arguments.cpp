#include "command_line/arguments.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "command_line/backup_arguments.h"
#include "command_line/command_help.h"
#include "command_line/copy_arguments.h"
#include "command_line/filter_arguments.h"
#include "command_line/forget_arguments.h"
#include "command_line/key_arguments.h"
#include "command_line/looking_arguments.h"
#include "command_line/mark_arguments.h"
#include "command_line/option_words.h"
#include "command_line/prune_arguments.h"
#include "command_line/repair_arguments.h"
#include "command_line/restore_arguments.h"
#include "command_line/settings_arguments.h"
#include "command_line/snapshots_arguments.h"
#include "command_line/verify_arguments.h"
#include "text/suggestions.h"

/// Declares the options of all commands. CLI11's exceptions end here.
namespace cairn::cli {
namespace {

void add_global(CLI::App& app, GlobalArguments& global) {
  constexpr const char* kGroup = "Options of every command";
  add_text(app, "-r,--repo", global.repository, "REPO", "Folder of the repository")->group(kGroup);
  add_text(app, "--password-file", global.password_file, "FILE",
           "Passphrase from a file, - for standard input")
      ->group(kGroup);
  add_text(app, "--key-file", global.key_file, "FILE", "Key file of 32 bytes")->group(kGroup);
  app.add_flag("--json", global.json, "JSON on standard output: one object, or lines")
      ->group(kGroup);
  app.add_flag("-q,--quiet", global.quiet, "Only results that were asked for, and errors")
      ->group(kGroup);
  app.add_flag("-v,--verbose", global.verbose, "Say on standard error what is done")->group(kGroup);
  app.add_flag("--no-progress", global.no_progress, "No progress line")->group(kGroup);
  app.add_flag("--no-cache", global.no_cache,
               "Keep no catalogue: make one for this run from the whole index")
      ->group(kGroup);
  app.set_help_flag("-h,--help", "Explain this command")->group(kGroup);
}

struct TypedStats {
  StatsArguments checked;
  TypedFilter filter;
};

/// The words of all commands, as typed.
struct TypedArguments {
  GlobalArguments global;
  TypedSettings settings;
  TypedBackup backup;
  TypedSnapshots snapshots;
  TypedLs ls;
  TypedFind find;
  TypedDiff diff;
  TypedDump dump;
  TypedRestore restore;
  TypedCopy copy;
  TypedMarks marks;
  TypedForget forget;
  TypedPrune prune;
  TypedRepair repair;
  TypedStats stats;
  TypedVerify verify;
  TypedKey key;
  std::vector<std::string> help_topic;
};

/// On this command and all below it, after their own options, which help shows first.
void add_global_everywhere(CLI::App& app, GlobalArguments& global) {
  add_global(app, global);
  for (CLI::App* const command : app.get_subcommands([](CLI::App*) { return true; })) {
    add_global_everywhere(*command, global);
  }
}

void add_stats(CLI::App& app, TypedStats& stats) {
  CLI::App& command = add_command(app, "stats");
  add_list(command, "--would-free", stats.checked.would_free, "SNAP|PATH",
           "What it would give back to forget these snapshots, and to exclude these paths");
  add_filter(command, stats.filter);
}

CheckedArguments stats_values(TypedStats& stats) {
  if (auto error = take_filter(stats.filter, stats.checked.filter)) {
    return *error;
  }
  if (stats.checked.would_free.empty() && !stats.checked.filter.is_empty()) {
    return usage_error("the sums are those of all snapshots: only --would-free takes some");
  }
  return std::move(stats.checked);
}

void declare(CLI::App& app, TypedArguments& typed) {
  app.name("cairn");
  app.description("Content-addressed, deduplicating, encrypted snapshots");
  app.get_formatter()->column_width(34);
  app.get_formatter()->label("SUBCOMMAND", "COMMAND");
  app.require_subcommand(1);
  app.footer(std::string(program_footer()));
  app.set_version_flag("--version", "", "Print the version");
  add_init(app, typed.settings);
  add_backup(app, typed.backup);
  add_snapshots(app, typed.snapshots);
  add_tag(app, typed.marks);
  add_ls(app, typed.ls);
  add_find(app, typed.find);
  add_diff(app, typed.diff);
  add_dump(app, typed.dump);
  add_restore(app, typed.restore);
  add_copy(app, typed.copy);
  add_verify(app, typed.verify);
  add_forget(app, typed.forget);
  add_prune(app, typed.prune);
  add_repair(app, typed.repair);
  add_rewrite(app, typed.repair);
  add_stats(app, typed.stats);
  add_config(app, typed.settings);
  add_key(app, typed.key);
  add_command(app, "version");
  add_list(add_command(app, "help"), "COMMAND", typed.help_topic, "", "What to explain")
      ->expected(1, -1)
      ->allow_extra_args();
  add_global_everywhere(app, typed.global);
}

// --- From words to values -----------------------------------------------------------------------

CheckedArguments values_of(const CLI::App& command, TypedArguments& typed) {
  const std::string& name = command.get_name();
  if (name == "backup") {
    return backup_values(typed.backup);
  }
  if (name == "ls") {
    return ls_values(typed.ls, typed.global.json);
  }
  if (name == "find") {
    return find_values(typed.find);
  }
  if (name == "diff") {
    return diff_values(typed.diff);
  }
  if (name == "dump") {
    return dump_values(typed.dump);
  }
  if (name == "restore") {
    return restore_values(typed.restore);
  }
  if (name == "copy") {
    return copy_values(typed.copy);
  }
  if (name == "tag") {
    return tag_values(typed.marks, command.get_subcommands().front()->get_name());
  }
  if (name == "forget") {
    return forget_values(typed.forget);
  }
  if (name == "prune") {
    return prune_values(typed.prune);
  }
  if (name == "verify") {
    return verify_values(typed.verify);
  }
  if (name == "key") {
    return key_values(typed.key, command.get_subcommands().front()->get_name());
  }
  if (name == "init") {
    return init_values(typed.settings);
  }
  if (name == "config") {
    return config_values(typed.settings);
  }
  if (name == "snapshots") {
    return snapshots_values(typed.snapshots, command);
  }
  if (name == "repair") {
    return repair_values(typed.repair, command.get_subcommands().front()->get_name());
  }
  if (name == "rewrite") {
    return rewrite_values(typed.repair);
  }
  if (name == "stats") {
    return stats_values(typed.stats);
  }
  return VersionArguments{};
}

// --- Help and mistakes --------------------------------------------------------------------------

/// The command that was reached.
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
    return HelpText{std::string(program_footer())};
  }
  // An application that has not parsed anything: one that has explains the command it found.
  TypedArguments untouched;
  CLI::App app;
  declare(app, untouched);
  const CLI::App* at = &app;
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

/// Words that nothing has taken, in the order in which they were typed.
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

/// A command that is none, below the one that was reached; nullopt if all are some.
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

ParsedArguments parse(std::span<const std::string> args) {
  TypedArguments typed;
  CLI::App app;
  declare(app, typed);
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
    return Invocation{typed.global, VersionArguments{}};
  } catch (const CLI::CallForHelp&) {
    if (auto unknown = unknown_command(app)) {
      return *unknown;
    }
    return HelpText{app.help()};
  } catch (const CLI::Error& error) {
    return mistake(app, error);
  }
  const CLI::App& command = *app.get_subcommands().front();
  if (command.get_name() == "help") {
    return help_on(typed.help_topic);
  }
  if (!typed.global.password_file.empty() && !typed.global.key_file.empty()) {
    return UsageError{"give only one of --password-file and --key-file", {}};
  }
  CheckedArguments values = values_of(command, typed);
  if (auto* const error = std::get_if<UsageError>(&values)) {
    return UsageError{std::move(error->message), fmt::format("see {} --help", reached_name(app))};
  }
  return Invocation{std::move(typed.global), std::get<CommandArguments>(std::move(values))};
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
