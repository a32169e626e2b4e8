#include "option_words.h"

#include "command_help.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

namespace cairn::cli {
namespace {

constexpr char kShield = '\x01';

}  // namespace

std::string hide(const std::string& word) { return kShield + word; }

std::string shield(const std::string& word) {
  const bool taken_apart =
      !word.empty() && std::string_view("[{+%\x01").find(word[0]) != std::string::npos;
  return taken_apart ? hide(word) : word;
}

std::string unshield(std::string word) {
  if (!word.empty() && word[0] == kShield) {
    word.erase(0, 1);
  }
  return word;
}

std::string without_shields(std::string text) {
  text.erase(std::remove(text.begin(), text.end(), kShield), text.end());
  return text;
}

CLI::App& add_command(CLI::App& parent, std::string_view full_name) {
  const CommandHelp& help = command_help(full_name);
  const std::string name(full_name.substr(full_name.rfind(' ') + 1));
  CLI::App& command = *parent.add_subcommand(name, std::string(help.summary));
  command.footer(help_footer(help));
  command.group("Commands");
  return command;
}

CLI::Option* add_text(CLI::App& app, const char* names, std::string& value, const char* placeholder,
                      const char* description) {
  const auto take = [&value](const CLI::results_t& words) {
    value = unshield(words.back());
    return true;
  };
  return app.add_option(names, take, description)
      ->type_name(placeholder)
      ->type_size(1)
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

CLI::Option* add_list(CLI::App& app, const char* names, std::vector<std::string>& values,
                      const char* placeholder, const char* description) {
  const auto take = [&values](const CLI::results_t& words) {
    values.clear();
    std::transform(words.begin(), words.end(), std::back_inserter(values), unshield);
    return true;
  };
  return app.add_option(names, take, description)
      ->type_name(placeholder)
      ->type_size(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

}  // namespace cairn::cli
