#include "text/suggestions.h"

#include "parsed_words.h"

namespace cairn::cli {
namespace {

using Catch::Contains;

std::string hint_of(const std::vector<std::string>& args) { return refused(args).hint; }

TEST_CASE("the distance of two words counts slips of the finger") {
  CHECK(typing_distance("", "") == 0);
  CHECK(typing_distance("backup", "backup") == 0);
  CHECK(typing_distance("bakcup", "backup") == 1);
  CHECK(typing_distance("backp", "backup") == 1);
  CHECK(typing_distance("baackup", "backup") == 1);
  CHECK(typing_distance("bagkup", "backup") == 1);
  CHECK(typing_distance("", "abc") == 3);
  CHECK(typing_distance("abc", "") == 3);
  CHECK(typing_distance("ab", "ba") == 1);
}

TEST_CASE("a mistyped command is answered with the ones that are near") {
  CHECK_THAT(hint_of({"snapshot"}), Contains("did you mean snapshots?"));
  CHECK_THAT(hint_of({"bakcup", "/a"}), Contains("did you mean backup?"));
  CHECK_THAT(hint_of({"resotre"}), Contains("did you mean restore?"));
  CHECK_THAT(hint_of({"key", "lst"}), Contains("did you mean list?"));
  CHECK_THAT(hint_of({"help", "bakup"}), Contains("did you mean backup?"));
  CHECK(refused({"key", "lst"}).message == "there is no command \"key lst\"");
  CHECK(refused({"tag", "set", "--help"}).message == "there is no command \"tag set\"");
  CHECK(refused({"tag", "set", "x", "-s", "latest"}).message == "there is no command \"tag set\"");
  CHECK(hint_of({"qwertyuiop"}) == "see cairn --help");
  CHECK(hint_of({std::string(100'000, 'x')}) == "see cairn --help");
}

TEST_CASE("the commands of other programs are known") {
  for (const auto& [word, here] :
       std::vector<std::pair<std::string, std::string>>{{"check", "cairn verify"},
                                                        {"list", "cairn snapshots"},
                                                        {"create", "cairn backup"},
                                                        {"extract", "cairn restore"},
                                                        {"unlock", "no locks"},
                                                        {"mount", "cannot be mounted"}}) {
    CHECK_THAT(hint_of({word}), Contains(here));
  }
}

TEST_CASE("a mistyped option is answered with the ones that are near") {
  CHECK_THAT(hint_of({"backup", "/a", "--exlude", "x"}), Contains("did you mean --exclude"));
  CHECK_THAT(hint_of({"backup", "/a", "--tga=x"}), Contains("did you mean --tag"));
  CHECK_THAT(hint_of({"snapshots", "--jsn"}), Contains("did you mean --json?"));
  CHECK_THAT(hint_of({"--versionn"}), Contains("did you mean --version?"));
  CHECK_THAT(hint_of({"-V"}), Contains("here that is --version"));
  CHECK_THAT(hint_of({"verify", "--read-data"}), Contains("--check-integrity"));
  CHECK_THAT(hint_of({"backup", "/a", "--exlude", "x"}), Contains("see cairn backup --help"));
}

TEST_CASE("words that were not expected are listed as they were typed") {
  CHECK(refused({"version", "one", "two", "--three"}).message ==
        "the following arguments were not expected: one two --three");
  CHECK(refused({"version", "[x]"}).message == "the following argument was not expected: [x]");
}

}  // namespace
}  // namespace cairn::cli
