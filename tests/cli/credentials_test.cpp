#include "context/credentials.h"

#include <sys/stat.h>

#include <string>

#include "cli_fixture.h"
#include "io/secret_input.h"

namespace cairn::cli {
namespace {

using repo::Credentials;

class Sources : public CliFixture {
 public:
  using CliFixture::streams;
  Streams& streams() {
    in_.str(input);
    in_.clear();
    streams_.emplace(CliFixture::streams(in_, out_, err_));
    return *streams_;
  }
  core::Result<Credentials> open(const GlobalArguments& global = {}) {
    return credentials_to_open(global, "/repo", streams());
  }
  /// The secret, or the message of the error.
  std::string secret(const GlobalArguments& global = {}) {
    const auto credentials = open(global);
    return credentials ? core::to_string(credentials->secret.view())
                       : "error: " + credentials.error().message();
  }

 private:
  std::istringstream in_;
  std::ostringstream out_;
  std::ostringstream err_;
  std::optional<Streams> streams_;
};

GlobalArguments with_password_file(const std::string& path) {
  GlobalArguments global;
  global.password_file = path;
  return global;
}

GlobalArguments with_key_file(const std::string& path) {
  GlobalArguments global;
  global.key_file = path;
  return global;
}

TEST_CASE_METHOD(Sources, "a passphrase from the environment is taken as it is") {
  environment["CAIRN_PASSWORD"] = "pass word\n";
  CHECK(secret() == "pass word\n");
}

TEST_CASE_METHOD(Sources, "a password file loses one line end and no more") {
  write_file(folder / "pw", "secret\n\n");
  CHECK(secret(with_password_file(folder / "pw")) == "secret\n");
  write_file(folder / "pw", "secret");
  environment["CAIRN_PASSWORD_FILE"] = folder / "pw";
  CHECK(secret() == "secret");
  CHECK(open()->type == Credentials::Type::passphrase);
}

TEST_CASE_METHOD(Sources, "a password file from Windows says the same as one without its marks") {
  for (const char* const text : {"secret\r\n", "\xEF\xBB\xBFsecret\n", "\xEF\xBB\xBFsecret\r\n",
                                 "\xEF\xBB\xBFsecret", "secret\r"}) {
    write_file(folder / "pw", text);
    CHECK(secret(with_password_file(folder / "pw")) == "secret");
    const auto init = credentials_to_init(with_password_file(folder / "pw"), "/repo", streams());
    REQUIRE(init);
    CHECK(core::to_string(init->credentials.secret.view()) == "secret");
    input = text;
    CHECK(secret(with_password_file("-")) == "secret");
    environment["CAIRN_PASSWORD_COMMAND"] = "cat " + folder / "pw";
    CHECK(secret() == "secret");
  }
}

TEST_CASE_METHOD(Sources, "a password file that is standard input") {
  input = "typed\nmore\n";
  CHECK(secret(with_password_file("-")) == "typed");
  input = "";
  CHECK(secret(with_password_file("-")).starts_with("error: "));
}

TEST_CASE_METHOD(Sources, "the first line of what a command prints") {
  environment["CAIRN_PASSWORD_COMMAND"] = "printf 'one two\\nthree\\n'";
  CHECK(secret() == "one two");
  environment["CAIRN_PASSWORD_COMMAND"] = "printf x; exit 7";
  CHECK(secret() == "error: CAIRN_PASSWORD_COMMAND ended with exit code 7");
  environment["CAIRN_PASSWORD_COMMAND"] = "kill -9 $$";
  CHECK(secret() == "error: CAIRN_PASSWORD_COMMAND was ended by SIGKILL");
  environment["CAIRN_PASSWORD_COMMAND"] = "true";
  CHECK(secret() == "error: the passphrase is empty");
}

TEST_CASE_METHOD(Sources, "a command that prints without end is heard out, its first line counts") {
  environment["CAIRN_PASSWORD_COMMAND"] = "echo first; seq 100000";
  CHECK(secret() == "first");
  environment["CAIRN_PASSWORD_COMMAND"] = "printf '%05000d' 1";
  CHECK(secret() == "error: the passphrase is longer than 4096 bytes");
}

TEST_CASE_METHOD(Sources, "a request to stop during the command is an interruption") {
  environment["CAIRN_PASSWORD_COMMAND"] = "echo x";
  stop.request_stop();
  REQUIRE_FALSE(open());
  CHECK(open().error().code() == core::ErrorCode::interrupted);
}

TEST_CASE_METHOD(Sources, "a key file has 32 bytes") {
  const std::string key(32, '\n');
  write_file(folder / "key", key);
  CHECK(secret(with_key_file(folder / "key")) == key);
  environment["CAIRN_KEY_FILE"] = folder / "key";
  CHECK(secret() == key);
  CHECK(open()->type == Credentials::Type::key_file);
  write_file(folder / "key", key + "\n");
  CHECK(secret() == "error: key file " + folder / "key" + " has more than 32 bytes");
  write_file(folder / "key", "short");
  CHECK(secret() == "error: key file " + folder / "key" + " has fewer than 32 bytes");
  environment["CAIRN_KEY_FILE"] = folder / "none";
  CHECK(secret().find("none") != std::string::npos);
}

TEST_CASE_METHOD(Sources, "options come before the environment, and the environment has an order") {
  write_file(folder / "pw1", "option");
  write_file(folder / "pw2", "file");
  write_file(folder / "key", std::string(32, 'k'));
  environment["CAIRN_KEY_FILE"] = folder / "key";
  CHECK(secret() == std::string(32, 'k'));
  environment["CAIRN_PASSWORD_COMMAND"] = "echo command";
  CHECK(secret() == "command");
  environment["CAIRN_PASSWORD_FILE"] = folder / "pw2";
  CHECK(secret() == "file");
  environment["CAIRN_PASSWORD"] = "variable";
  CHECK(secret() == "variable");
  CHECK(secret(with_password_file(folder / "pw1")) == "option");
  CHECK(secret(with_key_file(folder / "key")) == std::string(32, 'k'));
}

TEST_CASE_METHOD(Sources, "the terminal is asked last, and once") {
  typed = {"typed"};
  CHECK(secret() == "typed");
  CHECK(prompts == std::vector<std::string>{"passphrase of /repo: "});
  environment["CAIRN_PASSWORD"] = "";
  typed = {"again"};
  CHECK(secret() == "again");
}

TEST_CASE_METHOD(Sources, "without any source the message names them all") {
  const auto none = open();
  REQUIRE_FALSE(none);
  CHECK(none.error().message() == "no passphrase, and no terminal to ask for it");
  CHECK(none.error().hint().find("CAIRN_PASSWORD_COMMAND") != std::string::npos);
  typed = {""};
  CHECK(secret() == "error: the passphrase is empty");
}

TEST_CASE_METHOD(Sources, "a new passphrase is asked for twice") {
  typed = {"new", "new"};
  const auto same = credentials_to_init({}, "/repo", streams());
  REQUIRE(same);
  CHECK(core::to_string(same->credentials.secret.view()) == "new");
  CHECK(prompts.size() == 2);
  CHECK(prompts[0] == "new passphrase for /repo: ");
  typed = {"new", "nwe", "new", "nwe", "new", "new"};
  CHECK(credentials_to_add({}, streams()));
  typed = {"new", "nwe", "new", "nwe", "new", "nwe", "new", "new"};
  const auto different = credentials_to_add({}, streams());
  REQUIRE_FALSE(different);
  CHECK(different.error().message() == "the two passphrases differ");
}

TEST_CASE_METHOD(Sources, "a key file that is missing is made for its owner alone") {
  const auto made = credentials_to_init(with_key_file(folder / "new"), "/repo", streams());
  REQUIRE(made);
  CHECK(made->made_key_file == folder / "new");
  CHECK(read_file(folder / "new") == core::to_string(made->credentials.secret.view()));
  struct ::stat info {};
  REQUIRE(::stat((folder / "new").c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0600);
  CHECK(info.st_size == 32);

  const auto again =
      credentials_to_add({.password_file = {}, .key_file = folder / "new"}, streams());
  REQUIRE(again);
  CHECK(again->made_key_file.empty());
  CHECK(core::equal(again->credentials.secret.view(), made->credentials.secret.view()));

  forget(*again, streams());
  CHECK(std::filesystem::exists(folder / "new"));
  forget(*made, streams());
  CHECK_FALSE(std::filesystem::exists(folder / "new"));
}

TEST_CASE_METHOD(Sources, "a secret that every user can read is told") {
  write_file(folder / "pw", "secret\n");
  write_file(folder / "key", std::string(32, 'k'));
  std::vector<std::string> warnings;
  for (const ::mode_t mode : {0600U, 0640U, 0644U, 0602U}) {
    REQUIRE(::chmod((folder / "pw").c_str(), mode) == 0);
    REQUIRE(::chmod((folder / "key").c_str(), mode) == 0);
    warnings.clear();
    Streams& watched = streams();
    watched.warn = [&warnings](std::string_view text) { warnings.emplace_back(text); };
    REQUIRE(credentials_to_open(with_password_file(folder / "pw"), "/repo", watched));
    REQUIRE(credentials_to_open(with_key_file(folder / "key"), "/repo", watched));
    CAPTURE(mode, warnings);
    CHECK(warnings.size() == ((mode & 06) != 0 ? 2 : 0));
  }
  CHECK(warnings[0].find(folder / "pw") != std::string::npos);
}

TEST_CASE_METHOD(Sources, "to open, a missing key file is not made") {
  CHECK_FALSE(open(with_key_file(folder / "new")));
  CHECK_FALSE(std::filesystem::exists(folder / "new"));
}

TEST_CASE_METHOD(Sources, "new credentials have sources of their own") {
  environment["CAIRN_PASSWORD"] = "old";
  environment["CAIRN_NEW_PASSWORD"] = "new";
  auto fresh = credentials_to_add({}, streams());
  REQUIRE(fresh);
  CHECK(core::to_string(fresh->credentials.secret.view()) == "new");
  write_file(folder / "pw", "from file\n");
  fresh = credentials_to_add({.password_file = folder / "pw", .key_file = {}}, streams());
  REQUIRE(fresh);
  CHECK(core::to_string(fresh->credentials.secret.view()) == "from file");
}

TEST_CASE("a secret file may be as long as its limit and no longer") {
  const test::TempFolder folder;
  write_file(folder / "f", "12345");
  CHECK(read_secret_file(folder / "f", 5)->size() == 5);
  const auto long_one = read_secret_file(folder / "f", 4);
  REQUIRE_FALSE(long_one);
  CHECK(long_one.error().code() == core::ErrorCode::limit_exceeded);
  const auto none = read_secret_file(folder / "none", 4);
  REQUIRE_FALSE(none);
  CHECK(none.error().code() == core::ErrorCode::not_found);
  CHECK_FALSE(read_secret_file(folder.path(), 4));
}

}  // namespace
}  // namespace cairn::cli
