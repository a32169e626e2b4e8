// Callers may write anything behind the program's name: it is answered with an exit status that has
// a meaning, whatever it was.

#include <algorithm>
#include <set>
#include <string_view>

#include "cli_fixture.h"
#include "output/exit_code.h"
#include "seeded_data.h"

namespace cairn::cli {
namespace {

/// Every command by the names that the program's help lists, with its options.
struct TriedCommand {
  Args words;
  std::vector<std::string> options;
};

// They run other programs.
const std::set<std::string, std::less<>> kNotTried{"--stdin-command", "--password-command",
                                                   "--new-password-command"};

std::vector<std::string> options_in(const std::string& help) {
  std::set<std::string> options;
  for (std::size_t at = help.find("--"); at != std::string::npos; at = help.find("--", at)) {
    const std::size_t end =
        std::min(help.find_first_not_of("abcdefghijklmnopqrstuvwxyz-0123456789", at), help.size());
    const std::string option = help.substr(at, end - at);
    if (option.size() > 3 && !kNotTried.contains(option)) {
      options.insert(option);
    }
    at = end;
  }
  return {options.begin(), options.end()};
}

std::vector<TriedCommand> all_commands(CliFixture& cli) {
  std::vector<TriedCommand> commands;
  for (const Args& words : std::vector<Args>{{"init"},
                                             {"backup"},
                                             {"restore"},
                                             {"snapshots"},
                                             {"ls"},
                                             {"find"},
                                             {"diff"},
                                             {"dump"},
                                             {"verify"},
                                             {"forget"},
                                             {"prune"},
                                             {"copy"},
                                             {"rewrite"},
                                             {"stats"},
                                             {"config"},
                                             {"tag", "add"},
                                             {"tag", "remove"},
                                             {"pin"},
                                             {"unpin"},
                                             {"key", "list"},
                                             {"key", "add"},
                                             {"key", "remove"},
                                             {"key", "passwd"},
                                             {"repair", "index"},
                                             {"repair", "packs"},
                                             {"repair", "snapshots"},
                                             {"version"},
                                             {"nonsense"}}) {
    Args help = words;
    help.emplace_back("--help");
    const Outcome outcome = cli.run(help);
    commands.push_back({words, options_in(outcome.out)});
  }
  return commands;
}

/// Nothing here leads out of the working folder.
std::vector<std::string> hostile_values() {
  std::vector<std::string> values{
      "",
      " ",
      "-",
      "--",
      "0",
      "-1",
      "1",
      "00000000000000000000000000000001",
      "18446744073709551615",
      "18446744073709551616",
      "-9223372036854775809",
      "99999999999999999999999999",
      "1e999",
      "nan",
      "inf",
      "-inf",
      "0x7fffffffffffffff",
      "9E",
      "16E",
      "1.7976931348623157e308E",
      "8EiB",
      "100%",
      "1e400%",
      "99999999999999999999y",
      "2147483648m",
      "9223372036854775807d",
      "1y99999999999d",
      "9999-12-31",
      "0000-00-00",
      "2026-02-30",
      "9999-12-31T23:59:60.99999999999999999999+23:59",
      "@99999999999999999999",
      "latest",
      "latest~1",
      "latest~99999999999",
      "latest~18446744073709551617",
      "latest~-1",
      "latest:",
      "latest:source:more",
      ":",
      "~",
      "source",
      "source/file",
      "a=b",
      "tag,",
      ",,,",
      "[",
      "[!",
      "[z-a]",
      "[[:none:]]",
      "\\",
      "**/**/**",
      "!",
      std::string("nul\0byte", 8),
      "\x01\x02\x1b[31m\x7f",
      "\xff\xfe\x80",
      "\n",
      "{\"json\":",
      "daily=99999999999999999999,weekly=-1",
      "daily",
      "h99999999999999999999",
      std::string(40'000, 'x'),
      std::string(1 << 20, '['),
  };
  std::string nested;
  for (int i = 0; i < 10'000; ++i) {
    nested += "**/";
  }
  values.push_back(nested + "x");
  values.push_back(nested);
  std::string stars;
  for (int i = 0; i < 2000; ++i) {
    stars += "*a";
  }
  values.push_back(stars);
  std::string folders;
  for (int i = 0; i < 32'767; ++i) {
    folders += "c/";
  }
  values.push_back(folders);
  return values;
}

bool has_meaning(int status) {
  static const std::set<int> kKnown{0, 1, 2, 3, 4, 10, 11, 12, 130};
  return kKnown.contains(status);
}

}  // namespace

TEST_CASE("hostile arguments: each option with each kind of nonsense") {
  CliFixture cli;
  std::filesystem::create_directory(cli.folder / "source");
  write_file(cli.folder / "source/file", "content");
  cli.environment["CAIRN_REPOSITORY"] = cli.folder / "repo";
  cli.environment["CAIRN_PASSWORD"] = "words";
  cli.must({"init"});
  cli.must({"backup", "source"});
  cli.input = std::string("x\0y\n\nsource\n", 12);
  const std::vector<TriedCommand> commands = all_commands(cli);
  const std::vector<std::string> values = hostile_values();
  test::SeededNumbers numbers(20'260'101);
  const auto any_of = [&numbers](const auto& list) -> const auto& {
    return list[numbers.between(0, list.size() - 1)];
  };
  unsigned went_well = 0;
  for (unsigned round = 0; round < 400; ++round) {
    const TriedCommand& command = any_of(commands);
    Args args = command.words;
    for (std::size_t i = numbers.between(0, 3); i > 0; --i) {
      if (!command.options.empty() && numbers.between(0, 3) > 0) {
        args.push_back(any_of(command.options));
      }
      args.push_back(any_of(values));
    }
    if (numbers.between(0, 1) == 0) {
      args.emplace_back("latest");
    }
    const Outcome outcome = cli.run(args);
    std::string shown;
    for (const std::string& arg : args) {
      shown += arg.substr(0, 60) + " ";
    }
    CAPTURE(round, shown, outcome.status, outcome.err.substr(0, 500));
    CHECK(has_meaning(outcome.status));
    CHECK((outcome.status == 0 || outcome.status == 3 || !outcome.err.empty() ||
           !outcome.out.empty()));
    CHECK(outcome.err.find("exception") == std::string::npos);
    CHECK(outcome.err.find("std::") == std::string::npos);
    went_well += outcome.status == 0 ? 1 : 0;
  }
  CHECK(went_well > 0);
  CHECK(has_meaning(cli.run({"verify", "--check-integrity"}).status));
}

TEST_CASE("hostile arguments: any words at all") {
  CliFixture cli;
  const std::vector<std::string> values = hostile_values();
  test::SeededNumbers numbers(7);
  for (unsigned round = 0; round < 300; ++round) {
    Args args;
    for (std::size_t i = numbers.between(0, 6); i > 0; --i) {
      std::string word = values[numbers.between(0, values.size() - 1)].substr(0, 3000);
      if (numbers.between(0, 2) == 0) {
        word.insert(0, numbers.between(0, 1) == 0 ? "--" : "-");
      }
      args.push_back(std::move(word));
    }
    const Outcome outcome = cli.run(args);
    CAPTURE(round, args, outcome.status);
    CHECK(has_meaning(outcome.status));
  }
}

}  // namespace cairn::cli
