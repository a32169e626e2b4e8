#include "cairn/repo/path_filter.h"

#include <string>
#include <string_view>
#include <vector>

#include "catch2.h"
#include "ops/choice/path_pattern.h"
#include "outcome.h"

using namespace cairn;
using cairn::repo::PathFilter;
using cairn::repo::PathSelection;
using cairn::test::message_of;
using cairn::test::outcome;

namespace {

using Decision = PathFilter::Decision;

PathFilter filter_of(const std::vector<std::string>& patterns) {
  PathFilter filter;
  for (const std::string& pattern : patterns) {
    REQUIRE(outcome(filter.add_exclude(pattern)) == "ok");
  }
  return filter;
}

bool excludes(const std::string& pattern, std::string_view path, bool is_folder = false) {
  return filter_of({pattern}).decide(path, is_folder) == Decision::excluded;
}

std::string refusal(std::string_view pattern) {
  PathFilter filter;
  const auto status = filter.add_exclude(pattern);
  CHECK(outcome(status) == "invalid_argument");
  CHECK(filter.empty());
  return message_of(status);
}

}  // namespace

TEST_CASE("A pattern without a slash matches a name in any folder", "[path_filter]") {
  for (const std::string_view path : {"core", "a/core", "a/b/core", "/core", "/home/me/core"}) {
    CHECK(excludes("core", path));
    CHECK(excludes("c?re", path));
    CHECK(excludes("*re", path));
    CHECK(excludes("c*", path));
    CHECK(excludes("**", path));
    CHECK(excludes("c**e", path));
  }
  CHECK_FALSE(excludes("core", "core/a"));
  CHECK_FALSE(excludes("core", "score"));
  CHECK_FALSE(excludes("core", "cores"));
  CHECK_FALSE(excludes("a*c*e", "abcd"));
  CHECK(excludes("a*c*e", "abcdcde"));
}

TEST_CASE("A slash at the beginning or inside anchors a pattern to the base", "[path_filter]") {
  CHECK(excludes("/core", "core"));
  CHECK_FALSE(excludes("/core", "a/core"));
  CHECK(excludes("a/core", "a/core"));
  CHECK(excludes("/a/core", "/a/core"));
  CHECK_FALSE(excludes("a/core", "b/a/core"));
  CHECK(excludes("/home/*/.cache", "/home/me/.cache", true));
  CHECK_FALSE(excludes("/home/*/.cache", "/home/me/you/.cache", true));
  CHECK_FALSE(excludes("/home/*/.cache", "/srv/home/me/.cache", true));
  CHECK_FALSE(excludes("a/?/b", "a/x/y/b"));
}

TEST_CASE("A slash at the end means folders only", "[path_filter]") {
  CHECK(excludes("node_modules/", "a/b/node_modules", true));
  CHECK_FALSE(excludes("node_modules/", "a/b/node_modules", false));
  CHECK(excludes("/a/b/", "a/b", true));
  CHECK_FALSE(excludes("/a/b/", "a/b"));
}

TEST_CASE("Two stars match any number of folders in three places", "[path_filter]") {
  SECTION("at the beginning: in all folders") {
    CHECK(excludes("**/foo", "foo"));
    CHECK(excludes("**/foo", "a/b/foo"));
    CHECK(excludes("**/foo/bar", "foo/bar"));
    CHECK(excludes("**/foo/bar", "a/foo/bar"));
    CHECK_FALSE(excludes("**/foo/bar", "foo/a/bar"));
  }
  SECTION("at the end: everything inside, not the folder") {
    CHECK(excludes("abc/**", "abc/d"));
    CHECK(excludes("abc/**", "abc/d/e/f"));
    CHECK_FALSE(excludes("abc/**", "abc", true));
    CHECK_FALSE(excludes("abc/**", "x/abc/d"));
    CHECK(excludes("/**", "a/b"));
  }
  SECTION("in the middle: also none") {
    CHECK(excludes("a/**/b", "a/b"));
    CHECK(excludes("a/**/b", "a/x/b"));
    CHECK(excludes("a/**/b", "a/x/y/b"));
    CHECK(excludes("a/***/b", "a/x/y/b"));
    CHECK_FALSE(excludes("a/**/b", "ab"));
    CHECK_FALSE(excludes("a/**/b", "a/x/yb"));
    CHECK(excludes("a/**/b/**/c", "a/1/b/2/b/3/c"));
    CHECK_FALSE(excludes("a/**/b/**/c", "a/1/b/2/b/3/d"));
  }
  SECTION("elsewhere they are like one star") {
    CHECK(excludes("a/b**", "a/bcd"));
    CHECK_FALSE(excludes("a/b**", "a/bc/d"));
    CHECK_FALSE(excludes("a**/b", "a/x/b"));
    CHECK(excludes("a**/b", "axx/b"));
    CHECK_FALSE(excludes("foo**/bar", "foobar"));
    CHECK_FALSE(excludes("foo**/bar", "foo/x/bar"));
  }
}

TEST_CASE("Sets of bytes", "[path_filter]") {
  CHECK(excludes("[abc]", "b"));
  CHECK_FALSE(excludes("[abc]", "d"));
  CHECK_FALSE(excludes("[abc]", "ab"));
  CHECK(excludes("v[0-9].[!0-9]", "v1.x"));
  CHECK_FALSE(excludes("v[0-9].[^0-9]", "v1.2"));
  CHECK(excludes("[]x]", "]"));
  CHECK(excludes("[]x]", "x"));
  CHECK(excludes("[!]x]", "a"));
  CHECK_FALSE(excludes("[!]x]", "]"));
  CHECK(excludes("[a-]", "-"));
  CHECK(excludes("[-a]", "-"));
  CHECK(excludes("[a-c-e]", "-"));
  CHECK_FALSE(excludes("[a-c-e]", "d"));
  CHECK(excludes("[\\]]", "]"));
  CHECK(excludes("[\\a-\\c]", "b"));
  CHECK_FALSE(excludes("[c-a]", "b"));
  CHECK(excludes("[[:digit:][:upper:]_]", "7"));
  CHECK(excludes("[[:digit:][:upper:]_]", "Q"));
  CHECK(excludes("[[:digit:][:upper:]_]", "_"));
  CHECK_FALSE(excludes("[[:digit:][:upper:]_]", "q"));
  CHECK(excludes("[[:]", "["));
  CHECK(excludes("[[:]", ":"));
  CHECK(excludes("[[:alpha]", "["));
  CHECK_FALSE(excludes("a/[!b]c", "a/bc"));
  CHECK_FALSE(excludes("a[!b]c/d", "a/c/d"));
}

TEST_CASE("Every class holds the bytes that ASCII says", "[path_filter]") {
  struct Class {
    std::string name;
    std::string in;
    std::string out;
  };
  const std::vector<Class> classes = {
      {"alnum", "09azAZ", "_ \x7f\xe4"},
      {"alpha", "azAZ", "09_"},
      {"blank", " \t", "\n_"},
      {"cntrl", "\x01\x1f\x7f", " a"},
      {"digit", "09", "a/"},
      {"graph", "!~a", " \x7f"},
      {"lower", "az", "AZ`{"},
      {"print", " !~", "\x1f\x7f"},
      {"punct", "!/:@[`{~_-", "09azAZ "},
      {"space", " \t\n\v\f\r", "a_"},
      {"upper", "AZ", "az@["},
      {"xdigit", "09afAF", "gG"},
  };
  for (const Class& one : classes) {
    const PathFilter filter = filter_of({"[[:" + one.name + ":]]"});
    for (const char byte : one.in) {
      CAPTURE(one.name, static_cast<int>(byte));
      CHECK((filter.decide(std::string(1, byte), false) == Decision::excluded) == (byte != '/'));
    }
    for (const char byte : one.out) {
      CAPTURE(one.name, static_cast<int>(byte));
      CHECK(filter.decide(std::string(1, byte), false) == Decision::unmentioned);
    }
  }
}

TEST_CASE("A backslash takes the next byte as it is", "[path_filter]") {
  CHECK(excludes("\\*", "*"));
  CHECK_FALSE(excludes("\\*", "a"));
  CHECK(excludes("\\!important", "!important"));
  CHECK(excludes("\\#one", "#one"));
  CHECK(excludes("a\\b", "ab"));
  CHECK(excludes("a\\\\b", "a\\b"));
  CHECK(excludes("a\\/b", "a/b"));
  CHECK(excludes("a/**\\/b", "a/x/y/b"));
  CHECK_FALSE(excludes("a/**\\/b", "a/b"));
}

TEST_CASE("Names are bytes", "[path_filter]") {
  CHECK(excludes("?", "\xff"));
  CHECK(excludes("??", "\xc3\xa4"));
  CHECK(excludes("[\xe0-\xff]", "\xf0"));
  CHECK(excludes("*\xff", "a\n\xff"));
}

TEST_CASE("The last pattern that matches decides", "[path_filter]") {
  PathFilter filter = filter_of({"*.o", "!keep.o"});
  CHECK(filter.decide("a.o", false) == Decision::excluded);
  CHECK(filter.decide("keep.o", false) == Decision::included);
  CHECK(filter.decide("a.c", false) == Decision::unmentioned);
  REQUIRE(filter.add_exclude("/keep.o"));
  CHECK(filter.decide("keep.o", false) == Decision::excluded);
  CHECK(filter.decide("a/keep.o", false) == Decision::included);
  REQUIRE(filter.add_include("k*"));
  CHECK(filter.decide("keep.o", false) == Decision::included);
  REQUIRE(filter.add_include("!odd"));
  REQUIRE(filter.add_exclude("\\!odd"));
  CHECK(filter.decide("!odd", false) == Decision::excluded);
  CHECK(filter.decide("", true) == Decision::unmentioned);
  CHECK(filter.decide("/", true) == Decision::unmentioned);
}

TEST_CASE("Files of patterns have comments and lines", "[path_filter]") {
  PathFilter filter;
  REQUIRE(
      filter.add_file_lines("\xef\xbb\xbf*.tmp\r\n"
                            "# a comment\n"
                            "\n"
                            "   \n"
                            "spaces   \n"
                            "kept\\  \n"
                            "\\#number\n"
                            "!no.tmp\n"
                            "last"));
  CHECK(filter.decide("a.tmp", false) == Decision::excluded);
  CHECK(filter.decide("no.tmp", false) == Decision::included);
  CHECK(filter.decide("spaces", false) == Decision::excluded);
  CHECK(filter.decide("kept ", false) == Decision::excluded);
  CHECK(filter.decide("kept", false) == Decision::unmentioned);
  CHECK(filter.decide("#number", false) == Decision::excluded);
  CHECK(filter.decide("# a comment", false) == Decision::unmentioned);
  CHECK(filter.decide("   ", false) == Decision::unmentioned);
  CHECK(filter.decide("last", false) == Decision::excluded);

  SECTION("a broken line is named and nothing is taken over") {
    const auto status = filter.add_file_lines("fine\n[broken\nfine too\n");
    CHECK(outcome(status) == "invalid_argument");
    CHECK(message_of(status).starts_with("line 2: "));
    CHECK(filter.decide("fine", false) == Decision::unmentioned);
  }
  SECTION("a pattern that is no line of a file is taken as it stands") {
    REQUIRE(filter.add_exclude("#x "));
    CHECK(filter.decide("#x ", false) == Decision::excluded);
  }
}

TEST_CASE("A broken pattern is refused, because it could match nothing", "[path_filter]") {
  CHECK(refusal("[abc") == "the pattern \"[abc\" has a [ that is not closed");
  CHECK(refusal("a[").ends_with("has a [ that is not closed"));
  CHECK(refusal("[]").ends_with("has a [ that is not closed"));
  CHECK(refusal("[a-").ends_with("has a [ that is not closed"));
  CHECK(refusal("[a\\").ends_with("has a [ that is not closed"));
  CHECK(refusal("[a-\\").ends_with("has a [ that is not closed"));
  CHECK(refusal("[[:digit:").ends_with("has a [ that is not closed"));
  CHECK(refusal("[[:digits:]]").ends_with("has an unknown class [:digits:]"));
  CHECK(refusal("[[::]]").ends_with("has an unknown class [::]"));
  CHECK(refusal("a\\").ends_with("ends with a \\ that has nothing to stand before"));
  CHECK(refusal("").ends_with("names nothing"));
  CHECK(refusal("/").ends_with("names nothing"));
  CHECK(refusal("!").ends_with("names nothing"));
}

TEST_CASE("Patterns are bounded in length and number", "[path_filter]") {
  PathFilter filter;
  CHECK(outcome(filter.add_exclude(std::string(repo::kPatternBytesMax, 'a'))) == "ok");
  CHECK(outcome(filter.add_exclude(std::string(repo::kPatternBytesMax + 1, 'a'))) ==
        "limit_exceeded");

  std::string lines;
  for (std::size_t i = 0; i < repo::kPatternsMax; ++i) {
    lines += "a\n";
  }
  CHECK(outcome(filter.add_file_lines(lines)) == "limit_exceeded");
  PathFilter full;
  REQUIRE(full.add_file_lines(lines));
  CHECK(outcome(full.add_exclude("a")) == "limit_exceeded");
}

TEST_CASE("Many stars do not make matching slow", "[path_filter]") {
  // Exponential matching would not end before the test times out.
  std::string stars;
  std::string folders;
  std::string path;
  for (int i = 0; i < 400; ++i) {
    stars += "*a";
    folders += "**/a/";
    path += "a/";
  }
  CHECK_FALSE(excludes(stars + "b", std::string(4000, 'a')));
  CHECK_FALSE(excludes(folders + "b", path + path + "c"));
  CHECK(excludes(folders + "c", path + path + "c"));
}

TEST_CASE("Filters can be copied", "[path_filter]") {
  const PathFilter original = filter_of({"a[bc]"});
  PathFilter copy = original;
  REQUIRE(copy.add_exclude("x"));
  CHECK(copy.decide("ab", false) == Decision::excluded);
  CHECK(copy.decide("x", false) == Decision::excluded);
  CHECK(original.decide("x", false) == Decision::unmentioned);
}

TEST_CASE("Letters of either case, where that is asked for", "[path_filter]") {
  const auto matches = [](std::string_view pattern, std::string_view path) {
    return repo::ops::PathPattern::compile(pattern, repo::ops::LetterCase::ignored)
        ->matches(path, false);
  };
  CHECK(matches("ReadMe*", "docs/README.TXT"));
  CHECK(matches("Docs/[r-t]*", "dOCS/Readme"));
  CHECK(matches("[[:upper:]]", "a"));
  CHECK_FALSE(matches("[!a]", "A"));
  CHECK_FALSE(matches("\xc3\xa4", "\xc3\x84"));
}

TEST_CASE("A selection takes what matches, what lies below and the folders above",
          "[path_filter]") {
  using Choice = PathSelection::Decision;
  PathSelection selection;
  CHECK(selection.decide("home", true) == Choice::outside);
  CHECK(selection.decide("", true) == Choice::outside);

  SECTION("anchored: only the folders on the way") {
    REQUIRE(selection.add("/home/*/docs"));
    CHECK(selection.decide("", true) == Choice::above);
    CHECK(selection.decide("home", true) == Choice::above);
    CHECK(selection.decide("/home/me", true) == Choice::above);
    CHECK(selection.decide("home/me/docs", true) == Choice::selected);
    CHECK(selection.decide("home/me/docs", false) == Choice::selected);
    CHECK(selection.decide("home/me/music", true) == Choice::outside);
    CHECK(selection.decide("home", false) == Choice::outside);
    CHECK(selection.decide("etc", true) == Choice::outside);
  }
  SECTION("by name: every folder may hold it") {
    REQUIRE(selection.add("*.txt"));
    CHECK(selection.decide("a", true) == Choice::above);
    CHECK(selection.decide("a/b", false) == Choice::outside);
    CHECK(selection.decide("a/b.txt", false) == Choice::selected);
  }
  SECTION("two stars: every folder from there on") {
    REQUIRE(selection.add("a/**/x/"));
    CHECK(selection.decide("a", true) == Choice::above);
    CHECK(selection.decide("a/b/c", true) == Choice::above);
    CHECK(selection.decide("b", true) == Choice::outside);
    CHECK(selection.decide("a/b/x", true) == Choice::selected);
    CHECK(selection.decide("a/b/x", false) == Choice::outside);
  }
  SECTION("any of several") {
    REQUIRE(selection.add("/a/b"));
    REQUIRE(selection.add("/c"));
    PathSelection copy = selection;
    CHECK(copy.decide("a", true) == Choice::above);
    CHECK(copy.decide("c", false) == Choice::selected);
  }
  SECTION("broken patterns and negative ones are refused") {
    CHECK(outcome(selection.add("[")) == "invalid_argument");
    CHECK(outcome(selection.add("!a")) == "invalid_argument");
    CHECK(selection.empty());
  }
}

TEST_CASE("what a name alone decides need not be looked at") {
  PathFilter filter;
  REQUIRE(outcome(filter.add_exclude("*.o")) == "ok");
  REQUIRE(outcome(filter.add_exclude("build/")) == "ok");
  REQUIRE(outcome(filter.add_include("keep.o")) == "ok");
  CHECK(filter.decide_by_name("/a/x.o") == PathFilter::Decision::excluded);
  CHECK(filter.decide_by_name("/a/keep.o") == PathFilter::Decision::included);
  CHECK(filter.decide_by_name("/a/x") == PathFilter::Decision::unmentioned);
  CHECK(filter.decide_by_name("/a/build") == std::nullopt);
}

TEST_CASE("patterns that are read as paths count from where their author stood") {
  PathFilter filter;
  filter.read_as_paths({.working_folder = "/work/[x]", .home_folder = "/home/ada"});
  for (const char* const pattern :
       {"cache/tmp", "./here", "../beside", "~/mine", "/top/x", "folder/"}) {
    REQUIRE(outcome(filter.add_exclude(pattern)) == "ok");
  }
  const auto excluded = [&](std::string_view path) {
    return filter.decide(path, true) == PathFilter::Decision::excluded;
  };
  CHECK(excluded("/any/where/cache/tmp"));
  CHECK(excluded("/cache/tmp"));
  CHECK(excluded("/work/[x]/here"));
  CHECK_FALSE(excluded("/work/x/here"));
  CHECK(excluded("/work/beside"));
  CHECK(excluded("/home/ada/mine"));
  CHECK(excluded("/top/x"));
  CHECK_FALSE(excluded("/a/top/x"));
  CHECK(excluded("/a/folder"));
  PathFilter lost;
  lost.read_as_paths({});
  CHECK(outcome(lost.add_exclude("./x")) == "invalid_argument");
  CHECK(outcome(lost.add_file_lines("~/x\n")) == "invalid_argument");
  CHECK(outcome(lost.add_exclude("a/x")) == "ok");
}

TEST_CASE("patterns that can do nothing to what is backed up are told") {
  PathFilter filter;
  for (const char* const pattern : {"/proc", "/home/ada/tmp", "/home/ada", "*.o", "/home/**"}) {
    REQUIRE(outcome(filter.add_exclude(pattern)) == "ok");
  }
  REQUIRE(outcome(filter.add_include("/home/ada/keep/**")) == "ok");
  REQUIRE(outcome(filter.add_file_lines("/sys\n")) == "ok");
  const auto sentences = filter.idle_patterns({"/home/ada"});
  REQUIRE(sentences.size() == 3);
  CHECK(sentences[0].find("/proc matches nothing") != std::string::npos);
  CHECK(sentences[1].find("/home/ada matches nothing") != std::string::npos);
  CHECK(sentences[2].find("/home/ada/keep is left out") != std::string::npos);
  CHECK(filter.idle_patterns({"/"}).size() == 1);
}
