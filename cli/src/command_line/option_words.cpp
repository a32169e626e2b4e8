#include "command_line/option_words.h"

#include <algorithm>
#include <iterator>
#include <string_view>

namespace cairn::cli {
namespace {

constexpr char kShield = '\x01';
constexpr char kBehindDashes = '\x02';

bool is_mark(char c) { return c == kShield || c == kBehindDashes; }

}  // namespace

std::string hide(const std::string& word) { return kBehindDashes + word; }

bool stood_behind_dashes(const std::string& word) {
  return !word.empty() && word[0] == kBehindDashes;
}

std::string shield(const std::string& word) {
  const bool taken_apart =
      !word.empty() && std::string_view("[{+%\x01\x02").find(word[0]) != std::string::npos;
  return taken_apart ? kShield + word : word;
}

std::string unshield(std::string word) {
  if (!word.empty() && is_mark(word[0])) {
    word.erase(0, 1);
  }
  return word;
}

std::string without_shields(std::string text) {
  text.erase(std::remove_if(text.begin(), text.end(), is_mark), text.end());
  return text;
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

CLI::Option* add_repeated(CLI::App& app, const char* names, std::vector<std::string>& values,
                          const char* placeholder, const char* description) {
  return add_list(app, names, values, placeholder, description)->allow_extra_args(false);
}

CLI::Option* add_words(CLI::App& app, const char* name, std::vector<std::string>& values,
                       const char* description) {
  return add_list(app, name, values, "", description)->expected(1, -1)->allow_extra_args();
}

}  // namespace cairn::cli
