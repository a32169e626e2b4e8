#include <sys/stat.h>

#include <filesystem>

#include "cli_fixture.h"
#include "intercepted_calls.h"

using namespace cairn;
using namespace cairn::cli;
namespace fs = std::filesystem;

namespace {

std::string listed(RepositoryFixture& fixture) {
  return fixture.must({"ls", "-R", "latest:" + fixture.tree}).out;
}

}  // namespace

TEST_CASE_METHOD(RepositoryFixture, "paths come from lists too") {
  input = "# what is to stay\ntree/hello.txt\r\n\n#tree/sub\ntree/link\n";
  must({"backup", "--files-from", "-"});
  CHECK(listed(*this) == tree + "/hello.txt\n" + tree + "/link\n");

  write_file(folder / "list0", std::string("tree/sub/new\nline\0tree/link", 27));
  clock.advance(std::chrono::hours(1));  // of two snapshots of one moment neither is the latest
  must({"backup", "--files-from0", "list0", tree + "/sub/empty"});
  CHECK(must({"ls", "-R", "-0", "latest:" + tree}).out == tree + "/link" + '\0' + tree + "/sub" +
                                                              '\0' + tree + "/sub/empty" + '\0' +
                                                              tree + "/sub/new\nline" + '\0');

  write_file(folder / "nothing", "\n\n");
  CHECK(run({"backup", "--files-from", "nothing"})
            .err.starts_with("cairn: the lists of paths name nothing"));
  const Outcome missing = run({"backup", "--files-from", "none"});
  CHECK(missing.status == 1);
  CHECK(run({"backup", tree, "--exclude-file", "none"})
            .err.starts_with("cairn: --exclude-file: read none: "));
  CHECK(run({"backup", "--files-from", folder.path()}).err.find("directory") != std::string::npos);
  CHECK(missing.err.starts_with("cairn: --files-from: read none: "));
}

TEST_CASE_METHOD(RepositoryFixture, "a list that never ends is an error, and takes no memory") {
  const Outcome endless = run({"backup", "--files-from", "/dev/zero"});
  CHECK(endless.status == 1);
  CHECK(endless.err.starts_with(
      "cairn: --files-from /dev/zero: entry 1 is a path of more than 65536 bytes\n"));
  const Outcome empty = run({"backup", "--files-from0", "/dev/zero"});
  CHECK(empty.status == 1);
  CHECK(empty.err.find("/dev/zero: more than 1048576 entries") != std::string::npos);
  for (const char* const option : {"--files-from", "--files-from0"}) {
    const char end = std::string(option) == "--files-from" ? '\n' : '\0';
    write_file(folder / "long", "a" + std::string(1, end) + std::string(65'537, 'x') + end);
    const Outcome too_long = run({"backup", option, "long"});
    CHECK(too_long.status == 1);
    CHECK(too_long.err.find("long: entry 2 is a path of more than 65536 bytes") !=
          std::string::npos);
    std::string many;
    for (unsigned i = 0; i <= 16 * 65'536; ++i) {
      many += {'x', end};
    }
    write_file(folder / "many", many);
    const Outcome too_many = run({"backup", option, "many"});
    CHECK(too_many.status == 1);
    CHECK(too_many.err.find("many: more than 1048576 entries") != std::string::npos);
    CHECK(too_many.err.find("name the folders above them") != std::string::npos);
  }
  const Outcome patterns = run({"backup", tree, "--exclude-file", "/dev/zero"});
  CHECK(patterns.status == 1);
  CHECK(patterns.err.starts_with("cairn: --exclude-file /dev/zero: more than 67108864 bytes"));
}

TEST_CASE_METHOD(RepositoryFixture, "what a list may hold") {
  // Far more than a snapshot has sources, but all of it the same one, and a long comment.
  std::string list = "#" + std::string(200'000, 'x') + "\n";
  for (unsigned i = 0; i < 70'000; ++i) {
    list += "tree/sub\r\n";
  }
  write_file(folder / "list", list + "tree/link");
  must({"backup", "--files-from", "list"});
  const std::string all = listed(*this);
  CHECK(all.starts_with(tree + "/link\n" + tree + "/sub\n"));
  CHECK(all.find(tree + "/sub/new") != std::string::npos);
}

TEST_CASE_METHOD(RepositoryFixture, "patterns from options and files") {
  write_file(folder / "patterns", "# comment\nsub/\n");
  must({"backup", tree, "--exclude-file", "patterns", "-e", "hello*"});
  CHECK(listed(*this) == tree + "/link\n");
  must({"backup", tree, "-e", "*", "--include", "link"});
  CHECK(listed(*this) == tree + "/link\n");
  must({"backup", tree, "--exclude-larger-than", "5"});
  CHECK(listed(*this).find("hello") == std::string::npos);
  for (const Args& args : {Args{"-e", "a[b"}, Args{"--include", "a[b"}}) {
    const Outcome broken = run({"backup", tree, args[0], args[1]});
    CHECK(broken.status == 2);
    CHECK(broken.err.find("a[b") != std::string::npos);
  }
}

TEST_CASE_METHOD(RepositoryFixture, "standard input becomes a file") {
  input = std::string("any\0bytes", 9);
  must({"backup", "--stdin", "--stdin-name", "some/name"});
  CHECK(must({"dump", "latest:/some/name"}).out == input);
}

TEST_CASE_METHOD(RepositoryFixture, "a stream without a byte is told, and is no snapshot") {
  backup();
  const std::string before = must({"snapshots", "--json"}).out;
  const Outcome empty = run({"backup", "--stdin", "-q"});
  CHECK(empty.status == 1);
  CHECK(empty.err.starts_with("cairn: standard input was empty\nno snapshot was made"));
  const Outcome silent = run({"backup", "--stdin-command", "--", "true"});
  CHECK(silent.status == 1);
  CHECK(silent.err.starts_with("cairn: true printed nothing\nno snapshot was made"));
  CHECK(must({"snapshots", "--json"}).out == before);
}

TEST_CASE_METHOD(RepositoryFixture, "words before -- are paths, and never run") {
  write_file(folder / "tool", "#!/bin/sh\ntouch " + folder / "ran" + "\necho output\n");
  fs::permissions(folder / "tool", fs::perms::owner_all);
  const Outcome mixed = run({"backup", folder / "tool", "--stdin-command", "--", "echo", "x"});
  CHECK(mixed.status == 2);
  CHECK(mixed.err.find(folder / "tool") != std::string::npos);
  const Outcome option_last = run({"backup", "--stdin-command", folder / "tool", "--", "echo"});
  CHECK(option_last.status == 2);
  const Outcome one_word = run({"backup", "--stdin-command", "pg_dump shop"});
  CHECK(one_word.status == 2);
  CHECK(one_word.err.find("--stdin-command -- pg_dump shop") != std::string::npos);
  CHECK(run({"backup", "--stdin-command"}).status == 2);
  CHECK(run({"backup", "--stdin-command", "--"}).status == 2);
  CHECK(run({"backup", "--stdin", "--", "path"}).status == 2);
  CHECK_FALSE(fs::exists(folder / "ran"));
  must({"backup", "--stdin-command", "--", folder / "tool", "--stdin", "-n"});
  CHECK(fs::exists(folder / "ran"));
  clock.advance(std::chrono::hours(1));
  must({"backup", tree + "/link", "--", tree + "/hello.txt"});
  CHECK(listed(*this) == tree + "/hello.txt\n" + tree + "/link\n");
}

TEST_CASE_METHOD(RepositoryFixture, "a command's output becomes a file, unless it fails") {
  must({"backup", "--stdin-name", "out", "--stdin-command", "--", "printf", "%s-%s", "a", "b"});
  CHECK(must({"dump", "latest:/out"}).out == "a-b");
  const std::string before = must({"snapshots", "--json"}).out;
  const Outcome failed =
      run({"backup", "--stdin-command", "--", "sh", "-c", "echo partial; exit 3"});
  CHECK(failed.status == 1);
  CHECK(failed.err.starts_with("cairn: sh ended with exit code 3\n"));
  const Outcome killed = run({"backup", "--stdin-command", "--", "sh", "-c", "kill -9 $$"});
  CHECK(killed.err.starts_with("cairn: sh was ended by SIGKILL\n"));
  const Outcome missing = run({"backup", "--stdin-command", "--", "/no/such/program"});
  CHECK(missing.status == 1);
  CHECK(missing.err.starts_with("cairn: start /no/such/program: "));
  CHECK(must({"snapshots", "--json"}).out == before);
}

TEST_CASE_METHOD(RepositoryFixture, "a dry run tells what a backup would add, change and remove") {
  clock.set_now({4'102'444'800, 0});  // long after the kernel's stamps
  backup();
  write_file(tree + "/hello.txt", "other\n");
  write_file(tree + "/new", "new\n");
  fs::remove_all(tree + "/sub");
  const Outcome text = must({"backup", tree, "--dry-run", "--verbose"});
  for (const std::string& line : {"modified  " + tree + "/hello.txt\n",
                                  "added     " + tree + "/new\n", "removed   " + tree + "/sub\n"}) {
    CHECK(text.err.find(line) != std::string::npos);
  }
  CHECK(text.out.find("1 new, 1 changed, 1 unmodified, 1 removed\n") != std::string::npos);
  CHECK(text.out.find("dry run: no snapshot made\n") != std::string::npos);
  const auto lines = must({"backup", tree, "-n", "-v", "--json"}).json_lines();
  const auto is_change = [](const auto& line) { return line.at("type") == "change"; };
  CHECK(std::count_if(lines.begin(), lines.end(), is_change) == 3);
  CHECK(lines.back().at("changes").at("removed") == 1);
}

TEST_CASE_METHOD(RepositoryFixture, "what has not changed is read on demand") {
  clock.set_now({4'102'444'800, 0});
  backup();
  CHECK(must({"backup", tree}).out.find("0 new, 0 changed, 4 unmodified") != std::string::npos);
  CHECK(must({"backup", tree, "--force-rehash"}).out.find("4 unmodified") != std::string::npos);
  CHECK(must({"backup", tree, "--rehash-sample", "100%"}).out.find("4 unmodified") !=
        std::string::npos);
}

TEST_CASE_METHOD(RepositoryFixture,
                 "a link is stored as one, with a / at its end what it leads to") {
  const std::string link = folder / "way in";
  fs::create_directory_symlink("tree/sub", link);
  fs::create_directory_symlink("way in", folder / "twice");
  fs::create_directory_symlink("nowhere", folder / "broken");
  const auto paths_of = [&](const Args& args) {
    clock.advance(std::chrono::hours(1));
    Args words = {"backup", "-q"};
    words.insert(words.end(), args.begin(), args.end());
    must(words);
    return must({"ls", "-R", "-0", "latest:/"}).out;
  };
  const auto lines = [&](const std::vector<std::string>& names) {
    std::string text;
    // The folders above a source are listed too.
    for (fs::path above = fs::path(folder.path()); above.has_relative_path();
         above = above.parent_path()) {
      text.insert(0, above.native() + '\0');
    }
    for (const std::string& name : names) {
      text += folder.path() + "/" + name + '\0';
    }
    return text;
  };
  const std::vector<std::string> contents = {"tree", "tree/sub", "tree/sub/empty",
                                             "tree/sub/new\nline", "tree/sub/\xff"};
  CHECK(paths_of({link}) == lines({"way in"}));
  // Under its own name, so that a snapshot says where the contents lie.
  for (const std::string& spelled : {link + "/", link + "//", link + "/.", folder / "twice/"}) {
    CAPTURE(spelled);
    CHECK(paths_of({spelled}) == lines(contents));
  }
  // From lists, and below the working folder.
  input = "way in/\n";
  CHECK(paths_of({"--files-from", "-"}) == lines(contents));
  CHECK(paths_of({"way in/"}) == lines(contents));
  // A link on the way to what was named is the user's spelling.
  CHECK(paths_of({link + "/empty/"}) == lines({"way in", "way in/empty"}));
  // A link to nowhere is stored as what it is.
  CHECK(paths_of({folder / "broken/"}) == lines({"broken"}));
}

TEST_CASE_METHOD(RepositoryFixture, "a file counts as unchanged by fewer signs on demand") {
  clock.set_now({4'102'444'800, 0});
  const std::string file = tree + "/hello.txt";
  const auto stored = [&](const Args& more) {
    backup(more);
    return must({"dump", "latest:" + file}).out;
  };
  const Args ignoring = GENERATE(Args{}, Args{"--ignore-ctime"}, Args{"--ignore-inode"},
                                 Args{"--ignore-ctime", "--ignore-inode"});
  CHECK(stored(ignoring) == "hello\n");
  // Another file of the same size and time takes its place.
  const auto time = fs::last_write_time(file);
  fs::rename(file, folder / "old");
  write_file(file, "HELLO\n");
  fs::last_write_time(file, time);
  CHECK(stored(ignoring) == (ignoring.size() == 2 ? "hello\n" : "HELLO\n"));
}

TEST_CASE_METHOD(RepositoryFixture, "a file that changes while it is read: named, status 3") {
  const std::string file = tree + "/log";
  write_file(file, std::string(2'000'000, 'a'));
  struct ::stat status {};
  REQUIRE(::stat(file.c_str(), &status) == 0);
  long changes = 0;
  // Whenever a piece of it is about to be read.
  const test::InterceptedCalls calls({.pread = [&](int from, std::size_t wanted, std::uint64_t) {
    struct ::stat open {};
    if (::fstat(from, &open) == 0 && open.st_ino == status.st_ino) {
      const ::timespec times[2] = {{1'000'000'000, 0}, {1'000'000'000, ++changes}};
      ::futimens(from, times);
    }
    return wanted;
  }});
  const Outcome text = run({"backup", tree});
  CHECK(text.status == 3);
  CHECK(text.err.find(file + " changed while it was read: ") != std::string::npos);
  clock.advance(std::chrono::hours(1));
  const Outcome json = run({"backup", tree, "--json", "--no-progress"});
  CHECK(json.status == 3);
  CHECK(json.json_lines().back().at("changed_while_read") == 1);
  CHECK(changes > 0);
  CHECK(must({"snapshots", "--json"}).json().at("snapshots").size() == 2);
}
