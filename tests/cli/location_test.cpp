#include "cli_fixture.h"
#include "context/context.h"

namespace cairn::cli {
namespace {

class Locations : public CliFixture {
 public:
  /// The folder, or "error: " and the message.
  std::string folder_of(const std::string& location) {
    std::ostringstream out;
    std::istringstream in;
    const Streams real = streams(in, out, out);
    GlobalArguments global;
    global.repository = location;
    const auto found = repository_location(global, real);
    return found ? *found : "error: " + found.error().message();
  }
};

TEST_CASE_METHOD(Locations, "a location is a local folder") {
  CHECK(folder_of("/srv/backup") == "/srv/backup");
  CHECK(folder_of("/srv/with:colon") == "/srv/with:colon");
  CHECK(folder_of("backup") == "backup");
  CHECK(folder_of("a/b:c") == "a/b:c");
  CHECK(folder_of("./s3:bucket") == "./s3:bucket");
  CHECK(folder_of("../x") == "../x");
  CHECK(folder_of("file:/srv/backup") == "/srv/backup");
  CHECK(folder_of("file:///srv/backup") == "/srv/backup");
  CHECK(folder_of("file://localhost/srv") == "/srv");
  CHECK(folder_of("file:s3:bucket") == "./s3:bucket");
}

TEST_CASE_METHOD(Locations, "a location of another kind is refused, and no folder is made for it") {
  for (const char* const location :
       {"s3:bucket", "s3:https://host/bucket", "sftp:host:/x", "sftp://host/x", "https://host/x",
        "rest:http://host:8000/", "b2:bucket", "rclone:remote:x", "user@host:/path", "host:path",
        "ssh://host/./x", "azure:c:/", "gs:b:/", "swift:c:/", "C:\\backup"}) {
    CAPTURE(location);
    CHECK(folder_of(location).find("not supported yet") != std::string::npos);
    const Outcome init = run({"init", "-r", location, "--key-file", folder / "key"});
    CHECK(init.status == 2);
    CHECK(init.err.find("file:") != std::string::npos);
    environment["CAIRN_REPOSITORY"] = location;
    CHECK(run({"snapshots"}).status == 2);
    environment.erase("CAIRN_REPOSITORY");
    CHECK(run({"copy", "-r", folder / "r", "--from-repo", location}).status == 2);
    environment["CAIRN_FROM_REPOSITORY"] = location;
    CHECK(run({"copy", "-r", folder / "r"}).status == 2);
    environment.erase("CAIRN_FROM_REPOSITORY");
    CHECK(run({"repair", "packs", "-r", folder / "r", "--from-repo", location}).status == 2);
  }
  CHECK(folder_of("file://host/srv").find("no folder of this machine") != std::string::npos);
  CHECK(folder_of("file:").find("no folder") != std::string::npos);
  CHECK(folder_of("~/backup").find("~ was not replaced") != std::string::npos);
  CHECK(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace cairn::cli
