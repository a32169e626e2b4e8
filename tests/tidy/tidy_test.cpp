#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "catch2.h"
#include "tidy/house_rules.h"
#include "tidy/rooms.h"

namespace cairn::tidy {
namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// Sources and lists of sources. Of a corpus the names are enough.
std::vector<SourceFile> load_tree(const fs::path& root) {
  std::vector<SourceFile> tree;
  const auto add = [&](const fs::path& path) {
    const auto name = path.lexically_relative(root).generic_string();
    const bool is_corpus = name.starts_with("fuzz/corpus/");
    const auto extension = path.extension();
    const bool is_text = extension == ".cpp" || extension == ".h" || extension == ".in" ||
                         extension == ".cmake" || path.filename() == "CMakeLists.txt";
    if (is_corpus || is_text) {
      tree.push_back({name, is_corpus ? std::string() : read(path)});
    }
  };
  for (const char* folder : {"core", "chunker", "repo", "cli", "fuzz", "bench", "tests"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      if (entry.is_regular_file()) {
        add(entry.path());
      }
    }
  }
  add(root / "CMakeLists.txt");
  for (const char* other : {"bootstrap", ".ci/run", "docs/ARCHITECTURE.md"}) {
    tree.push_back({other, read(root / other)});
  }
  std::sort(tree.begin(), tree.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
  return tree;
}

std::vector<std::string> texts(const Findings& findings) {
  std::vector<std::string> result;
  for (const auto& finding : findings) {
    result.push_back(to_string(finding));
  }
  return result;
}

TEST_CASE("the repository keeps the house rules") {
  const auto tree = load_tree(CAIRN_SOURCE_DIR);
  REQUIRE(tree.size() > 20);
  const auto findings = check_all(tree, rooms());
  for (const auto& finding : findings) {
    UNSCOPED_INFO(to_string(finding));
  }
  if (!check_picture(tree, rooms()).empty()) {  // not as a message: those are wrapped
    std::cout << "What docs/ARCHITECTURE.md has to show:\n"
              << kPictureBegin << picture_of(rooms()) << kPictureEnd;
  }
  CHECK(findings.empty());
}

TEST_CASE("layers: an include against the arrows is found") {
  struct Case {
    const char* path;
    const char* include;
  };
  for (const auto& [path, include] : {
           Case{"core/src/a.cpp", "\"cairn/chunker/chunker.h\""},
           Case{"core/src/a.cpp", "\"cairn/repo/backup.h\""},
           Case{"core/src/a.cpp", "<iostream>"},
           Case{"core/include/cairn/core/a.h", "<sodium.h>"},
           Case{"chunker/src/a.cpp", "\"cairn/repo/ids.h\""},
           Case{"repo/include/cairn/repo/a.h", "\"store/pack_writer.h\""},
           Case{"repo/src/ops/a.cpp", "<CLI/CLI.hpp>"},
           Case{"cli/src/a.cpp", "\"format/header.h\""},
           Case{"cli/src/commands/a.cpp", "\"ops/backup.h\""},
           Case{"tests/core/a.cpp", "\"../support/a.h\""},
       }) {
    CAPTURE(path, include);
    const SourceFile bad{path, "#pragma once\n  #  include " + std::string(include) + "\n"};
    const auto findings = check_layers({&bad, 1});
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].path == path);
    CHECK(findings[0].line == 2);
  }
}

TEST_CASE("layers: an include along the arrows, or in a comment, is none of our business") {
  const std::vector<SourceFile> tree = {
      {"chunker/src/a.cpp", "#include \"cairn/core/bytes.h\"\n"},
      {"core/src/a.cpp", "// #include \"cairn/repo/ids.h\"\n/*\n#include <iostream>\n*/\n"},
      {"repo/src/ops/a.cpp", "#include \"store/a.h\"\n#include \"format/a.h\"\n"},
      {"repo/src/store/env.cpp", "#include <lmdb.h>\n"},
      {"tests/repo/a.cpp", "#include \"format/a.h\"\n"},
  };
  CHECK(texts(check_layers(tree)).empty());
}

TEST_CASE("layers: a second user of lmdb and a header without guard are found") {
  const std::vector<SourceFile> tree = {
      {"repo/src/store/a.cpp", "#include <lmdb.h>\n"},
      {"repo/src/store/b.h", "\n#include <lmdb.h>\n"},
  };
  CHECK(texts(check_layers(tree)) ==
        std::vector<std::string>{"repo/src/store/b.h:1: header without #pragma once",
                                 "repo/src/store/a.cpp:1: a second file includes <lmdb.h>",
                                 "repo/src/store/b.h:2: a second file includes <lmdb.h>"});
}

TEST_CASE("sizes: a line too many is found") {
  const std::vector<SourceFile> good = {{"core/src/a.cpp", std::string(600, '\n')},
                                        {"CMakeLists.txt", std::string(200, '\n')},
                                        {"core/CMakeLists.txt", std::string(201, '\n')}};
  CHECK(texts(check_sizes(good)).empty());
  const std::vector<SourceFile> bad = {{"core/src/a.h", std::string(601, '\n')},
                                       {"CMakeLists.txt", std::string(201, '\n')}};
  CHECK(texts(check_sizes(bad)) ==
        std::vector<std::string>{"core/src/a.h:601: 601 lines, limit 600",
                                 "CMakeLists.txt:201: 201 lines, limit 200"});
}

TEST_CASE("paths: a name that says nothing is found") {
  for (const char* path : {"core/src/util.cpp", "cli/src/common_options.cpp", "tests/helpers/a.cpp",
                           "repo/src/store/pack_manager.h"}) {
    CAPTURE(path);
    const SourceFile bad{path, ""};
    CHECK(check_paths({&bad, 1}).size() == 1);
  }
  const SourceFile good{"core/src/commonality.cpp", ""};
  CHECK(check_paths({&good, 1}).empty());
}

TEST_CASE("identifiers: what a library must not call is found") {
  for (const char* code :
       {"std::cout << 1;", "std::cerr << 1;", "printf(\"%d\", 1);", "std::printf (\"\");",
        "std::exit(1);", "::exit(1);", "std::abort();", "if (x) exit(1);", "return time(nullptr);",
        "auto t = std::time(&u);", "getenv(\"HOME\");", "int r = rand();",
        "std::random_device entropy;", "auto now = std::chrono::system_clock::now();"}) {
    CAPTURE(code);
    const SourceFile bad{"core/src/a.cpp", "int f() {\n" + std::string(code) + "\n}\n"};
    const auto findings = check_identifiers({&bad, 1});
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].line == 2);
    const SourceFile in_cli{"cli/src/a.cpp", bad.text};
    CHECK(check_identifiers({&in_cli, 1}).empty());
  }
}

TEST_CASE("identifiers: members, declarations, comments and literals of the same name are not") {
  for (const char* code :
       {"clock.time();", "clock->time();", "Time time() const;", "Clock::time();", "abort();",
        "txn.abort();", "// exit(1)", "/* printf( */", "\"std::cout\";", "R\"x(\" exit(1) )x\";",
        "snprintf(b, n, f);", "using std::chrono::system_clock;", "char quote = '\"'; // exit(1)",
        "auto n = 1'000; /* exit( */ auto m = 2'000;"}) {
    CAPTURE(code);
    const SourceFile good{"core/src/a.cpp", code};
    CHECK(texts(check_identifiers({&good, 1})).empty());
  }
  const SourceFile clock{"core/src/clock.cpp", "std::chrono::system_clock::now();"};
  CHECK(check_identifiers({&clock, 1}).empty());
}

TEST_CASE("identifiers: tests may print, but not sleep or draw entropy") {
  const std::vector<SourceFile> tree = {
      {"tests/core/a.cpp",
       "std::cout << 1;\nstd::this_thread::sleep_for(1s);\nstd::random_device d;\n"}};
  const auto findings = check_identifiers(tree);
  REQUIRE(findings.size() == 2);
  CHECK(findings[0].line == 2);
  CHECK(findings[1].line == 3);
}

TEST_CASE("catch names: what only one version of Catch2 has is found") {
  for (const char* const code :
       {"CHECK_THAT(a, Catch::Matchers::Contains(b));", "using Catch::Matchers::ContainsSubstring;",
        "CHECK_THAT(a, Catch::EndsWith(b));", "CHECK(a == Approx(b));",
        "CHECK(a == Catch::Detail::stringify(b));", "#include <catch2/catch.hpp>"}) {
    CAPTURE(code);
    const SourceFile bad{"tests/core/a.cpp", "\n" + std::string(code) + "\n"};
    const auto findings = check_catch_names({&bad, 1});
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].line == 2);
    const SourceFile ours{"tests/support/catch2.h", bad.text};
    CHECK(check_catch_names({&ours, 1}).empty());
  }
  const SourceFile good{"tests/core/a.cpp",
                        "#include \"catch2.h\"\nusing Catch::Contains;\n"
                        "CHECK_THAT(a, Contains(b) && Catch::StartsWith(c)); // Catch::Matchers\n"};
  CHECK(check_catch_names({&good, 1}).empty());
}

TEST_CASE("notes: found in comments too, and only as whole words") {
  const auto note = std::string("FIX") + "ME";
  const std::vector<SourceFile> tree = {{"core/src/a.cpp", "\n// " + note + ": later\n"},
                                        {"tests/a.cpp", "mkdtemp(\"cairn-XXXXXX\");"}};
  const auto findings = check_notes(tree);
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].path == "core/src/a.cpp");
  CHECK(findings[0].line == 2);
}

TEST_CASE("source lists: a file in no list, or commented out of it, is found") {
  const std::vector<SourceFile> tree = {
      {"core/CMakeLists.txt", "SOURCES\n  src/a.cpp # first\n  # src/b.cpp\n  src/d/e.cpp)\n"},
      {"core/include/cairn/core/h.h", ""},
      {"core/src/a.cpp", ""},
      {"core/src/b.cpp", ""},
      {"core/src/c.cpp", ""},
      {"core/src/d/e.cpp", ""},
      {"core/src/private.h", ""},
      {"src/a.cpp", ""},
  };
  std::vector<std::string> paths;
  for (const auto& finding : check_source_lists(tree)) {
    paths.push_back(finding.path);
  }
  CHECK(paths == std::vector<std::string>{"core/include/cairn/core/h.h", "core/src/b.cpp",
                                          "core/src/c.cpp", "src/a.cpp"});
}

TEST_CASE("fuzz targets: one without corpus, a corpus without target, a decoder without either") {
  const std::vector<SourceFile> tree = {
      {"fuzz/CMakeLists.txt",
       "function(cairn_add_fuzz_target name)\n"
       "cairn_add_fuzz_target(header fuzz_header.cpp)\n"
       "cairn_add_fuzz_target(footer fuzz_footer.cpp)\n"
       "# cairn_add_fuzz_target(old fuzz_old.cpp)\n"},
      {"fuzz/corpus/canary/crash", ""},
      {"fuzz/corpus/header/empty", ""},
      {"fuzz/corpus/old/empty", ""},
      {"fuzz/fuzz_header.cpp", "decode_header(input);"},
      {"repo/src/format/header.h",
       "// decode_note(ByteView)\nint decode_header(ByteView);\nint decode_footer(core::ByteView "
       "a, int);\n"
       "int decode_part(Decoder& in, ByteView);\n"},
  };
  CHECK(texts(check_fuzz_targets(tree)) ==
        std::vector<std::string>{"fuzz/CMakeLists.txt:0: no inputs in fuzz/corpus/footer",
                                 "fuzz/corpus/old:0: corpus of no fuzz target",
                                 "repo/src/format/header.h:3: no fuzz target calls decode_footer"});
}

TEST_CASE("all checks take part") {
  const std::vector<SourceFile> tree = {
      {"core/src/util.cpp",
       "#include <iostream>\n// " + std::string("TO") + "DO\nexit(1);\n" + std::string(600, '\n')},
      {"tests/core/a.cpp", "#include <catch2/catch.hpp>\n"},
      {"repo/src/format/header.h", "#pragma once\nint decode_header(ByteView);\n"},
  };
  // With rooms: the header lies in none, and no document shows that there are none.
  CHECK(check_all(tree, {}).size() == 11);
}

}  // namespace
}  // namespace cairn::tidy
